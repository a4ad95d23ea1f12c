//! Which channels of Redis a node is subscribed to, and since when.

use super::{Node, RedisServer, channel, eventually, is_long, original, post};

#[tokio::test]
async fn nothing_that_is_published_right_after_the_first_handshake_is_lost() {
    let redis = RedisServer::start();
    let node = Node::new(&redis);
    let mut publisher = redis.client();
    for round in 0..if is_long() { 2_000 } else { 100 } {
        let name = format!("cold-{round}");
        let mut reader = node.reader(&name, None).await;
        assert_eq!(publisher.publish(&format!("group_{name}"), &original("1", "kick-off")), 1);
        reader.shows("1", "kick-off").await;
    }
}

#[tokio::test]
async fn a_channel_has_one_subscription_for_all_its_readers_and_none_after_the_last() {
    let redis = RedisServer::start();
    let node = Node::new(&redis);
    let mut readers = Vec::new();
    for name in ["a", "b", "a", "a", "b"] {
        readers.push(node.reader(name, None).await);
    }
    // Whoever looks at the page as the bus has it is served by the same subscription.
    node.hub.page(&channel("a")).await.unwrap();
    for name in ["group_a", "group_b"] {
        assert_eq!(redis.subscribers(name), 1);
    }
    assert_eq!((node.hub.open_pages(), node.bus.subscriptions()), (2, 2));
    drop(readers);
    eventually("no subscription", async || {
        (redis.subscribers("group_a") + redis.subscribers("group_b") == 0).then_some(())
    })
    .await;
    assert_eq!((node.hub.readers(), node.hub.open_pages(), node.bus.subscriptions()), (0, 0, 0));
}

#[tokio::test]
async fn a_look_at_a_page_that_nobody_reads_leaves_no_subscription() {
    let redis = RedisServer::start();
    let node = Node::new(&redis);
    assert!(!node.hub.page(&channel("a")).await.unwrap().is_whole());
    eventually("no subscription", async || (redis.subscribers("group_a") == 0).then_some(())).await;
}

#[tokio::test]
async fn a_channel_is_followed_by_its_very_name_and_never_by_a_pattern() {
    let redis = RedisServer::start();
    let node = Node::new(&redis);
    let mut publisher = redis.client();
    for name in ["*", "a?", "[a-c]", "{tag}", "a b", "Ünïcode ✓", "group_", "$SYS", "\\x"] {
        let mut reader = node.reader(name, None).await;
        assert_eq!(publisher.publish("group_other", &original("0", "of another page")), 0);
        assert_eq!(publisher.publish(&format!("group_{name}"), &original("1", "its own")), 1, "{name}");
        assert_eq!(publisher.command(&[b"PUBSUB", b"NUMPAT"]).number(), 0);
        reader.frame_where(|frame| frame["renders"]["1"].is_object()).await;
    }
}

#[tokio::test]
async fn many_pages_are_opened_at_once() {
    let redis = RedisServer::start();
    let node = Node::new(&redis);
    let names: Vec<_> = (0..if is_long() { 5_000 } else { 500 }).map(|number| format!("page-{number}")).collect();
    let mut readers = tokio::task::JoinSet::new();
    for name in &names {
        let (hub, id) = (node.hub.clone(), channel(name));
        readers.spawn(async move {
            let permit = hub.admit(None).unwrap();
            hub.join(&id, live_core::Start::Recent, permit).await.unwrap()
        });
    }
    let readers = readers.join_all().await;
    assert_eq!((readers.len(), node.bus.subscriptions()), (names.len(), names.len()));
    assert!(names.iter().all(|name| redis.subscribers(&format!("group_{name}")) == 1));
}

#[tokio::test]
async fn a_reader_who_comes_back_within_the_linger_misses_nothing() {
    let redis = RedisServer::start();
    let config = live_core::Config { linger: super::DEADLINE, ..super::brisk() };
    let node = Node::with(&redis, config);
    let mut reader = node.reader("a", None).await;
    let first = node.publish("a", post("1", "one")).await.cursor.to_string();
    reader.shows("1", "one").await;
    drop(reader);
    eventually("nobody reads", async || (node.hub.readers() == 0).then_some(())).await;
    redis.publish("group_a", &original("2", "two"));
    let frame = node.reader("a", Some(&first)).await.shows("2", "two").await;
    assert_eq!((frame["prev"].as_str(), frame["renders"].get("1")), (Some(&*first), None), "{frame}");
}

#[tokio::test]
async fn a_reader_who_comes_back_after_the_linger_fetches_the_page_again() {
    let redis = RedisServer::start();
    let node = Node::new(&redis);
    let mut reader = node.reader("a", None).await;
    let cursor = node.publish("a", post("1", "one")).await.cursor.to_string();
    reader.shows("1", "one").await;
    drop(reader);
    eventually("no subscription", async || (redis.subscribers("group_a") == 0).then_some(())).await;
    let mut reader = node.reader("a", Some(&cursor)).await;
    let frame = reader.frame().await;
    assert_eq!(frame["reload"], true, "{frame}");
    // The stream goes on from its head meanwhile.
    redis.publish("group_a", &original("2", "two"));
    let next = reader.shows("2", "two").await;
    assert_eq!(next["prev"], frame["cursor"]);
}

#[tokio::test]
async fn a_cursor_from_before_anybody_followed_the_page_does_not_hide_what_was_missed() {
    let redis = RedisServer::start();
    let node = Node::new(&redis);
    let rendered = node.hub.cursor(&channel("a")).await.unwrap().to_string();
    redis.publish("group_a", &original("1", "nobody hears it"));
    let mut reader = node.reader("a", Some(&rendered)).await;
    assert_eq!(reader.frame().await["reload"], true);
    // What the page is rendered with from now on is good.
    let rendered = node.hub.cursor(&channel("a")).await.unwrap().to_string();
    redis.publish("group_a", &original("2", "two"));
    node.reader("a", Some(&rendered)).await.shows("2", "two").await;
}

#[tokio::test]
async fn a_bus_that_is_dropped_leaves_redis() {
    let redis = RedisServer::start();
    let node = Node::new(&redis);
    drop(node.reader("a", None).await);
    assert_eq!(redis.subscribers("group_a"), 1);
    drop(node);
    eventually("no subscription", async || (redis.subscribers("group_a") == 0).then_some(())).await;
}
