//! What Channels and this bus say to each other. What the real channels_redis has recorded is read beside the code (`event/tests.rs`).

use live_core::{Config, PostId, Update};

use super::{
    LAYERS, Layer, Node, RedisServer, addressed, brisk, channel, event, eventually, inbox, is_long, members, post,
    range, render,
};
use crate::log::Log;

#[tokio::test]
async fn nothing_that_is_published_right_after_the_first_handshake_is_lost() {
    for layer in LAYERS {
        let redis = RedisServer::start();
        let node = layer.node(&redis);
        let mut publisher = redis.client();
        for round in 0..if is_long() { 1_000 } else { 60 } {
            let name = format!("cold-{round}");
            let mut reader = node.reader(&name, None).await;
            assert_eq!(layer.send(&mut publisher, &name, &event("1", "kick-off")), 1);
            reader.shows("1", "kick-off").await;
        }
    }
}

#[tokio::test]
async fn a_page_is_followed_once_for_all_its_readers_and_not_after_the_last() {
    for layer in LAYERS {
        let redis = RedisServer::start();
        let node = layer.node(&redis);
        let mut readers = Vec::new();
        for name in ["a", "b", "a", "a", "b"] {
            readers.push(node.reader(name, None).await);
        }
        assert_eq!((layer.followers(&redis, "a"), layer.followers(&redis, "b")), (1, 1));
        assert_eq!((node.hub.open_pages(), node.bus.subscriptions()), (2, 2));
        drop(readers);
        eventually("nobody in a group", async || {
            (layer.followers(&redis, "a") + layer.followers(&redis, "b") == 0).then_some(())
        })
        .await;
        assert_eq!((node.hub.readers(), node.hub.open_pages(), node.bus.subscriptions()), (0, 0, 0));
        // Whoever comes again begins anew.
        let mut reader = node.reader("a", None).await;
        layer.send(&mut redis.client(), "a", &event("1", "again"));
        reader.shows("1", "again").await;
    }
}

#[tokio::test]
async fn what_live_publishes_is_what_a_consumer_of_channels_reads() {
    let update = |id: &str| Update::new().render(render(id, "Ü")).remove(PostId::new("gone").unwrap());
    let content = "<div data-post-id=\"1\">Ü</div>";
    let tail = [super::packed("removals"), b"\x91".to_vec(), super::packed("gone")].concat();
    let plain = event("1", "");
    let begin = plain.len() - super::packed("removals").len() - 1;
    let head = plain[..begin - super::packed("<div class=\"live-post\" data-post-id=\"1\"></div>").len()].to_vec();
    let expected = [head, super::packed(content), tail].concat();

    let redis = RedisServer::start();
    let mut subscriber = redis.client();
    subscriber.subscribe("asgi__group__liveblog_a");
    Layer::PubSub.node(&redis).publish("a", update("1")).await;
    assert_eq!(subscriber.next_message(), expected);

    // Two consumers in one process, and one in another.
    let mut client = redis.client();
    for member in ["specific.daphne!one", "specific.daphne!two", "specific.other!three"] {
        client.command(&[b"ZADD", b"asgi:group:liveblog_a", b"32503680000", member.as_bytes()]);
    }
    Layer::Core.node(&redis).publish("a", update("1")).await;
    for (process, names) in [
        ("specific.daphne!", &["specific.daphne!one", "specific.daphne!two"][..]),
        ("specific.other!", &["specific.other!three"]),
    ] {
        let messages = range(&mut client, &inbox(process));
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0][12..], addressed(&expected, names));
        let left = client.command(&[b"TTL", inbox(process).as_bytes()]).number();
        assert!((1..=60).contains(&left), "{left}");
    }
}

#[tokio::test]
async fn readers_on_all_nodes_get_what_one_of_them_publishes_and_end_in_the_same_state() {
    for layer in LAYERS {
        let redis = RedisServer::start();
        let nodes = [layer.node(&redis), layer.node(&redis)];
        let mut readers = [nodes[0].reader("a", None).await, nodes[1].reader("a", None).await];
        for (number, node) in nodes.iter().enumerate() {
            let cursor = node.publish("a", post("1", &number.to_string())).await.cursor.to_string();
            for (of, reader) in readers.iter_mut().enumerate() {
                let frame = reader.shows("1", &format!(">{number}<")).await;
                assert_eq!(frame["cursor"] == *cursor, of == number, "a cursor is of its node");
            }
        }
        let rounds = if is_long() { 500 } else { 50 };
        let publish = async |node: &Node, name: &str| {
            for number in 0..rounds {
                node.publish("a", post(&(number % 7).to_string(), &format!("{name}-{number}"))).await;
            }
        };
        tokio::join!(publish(&nodes[0], "first"), publish(&nodes[1], "second"));
        // Once a node has answered it has everything that was published before.
        for node in &nodes {
            node.bus.check().await.unwrap();
        }
        let [first, second] = [nodes[0].poll("a", "*").await.1, nodes[1].poll("a", "*").await.1];
        assert_eq!(first["renders"].as_object().unwrap().len(), 7);
        assert_eq!(first["renders"], second["renders"], "{layer:?}");
    }
}

#[tokio::test]
async fn encrypted_messages_are_read_with_any_key_and_written_with_the_first() {
    for layer in LAYERS {
        let redis = RedisServer::start();
        let log = Log::default();
        let _guard = tracing::subscriber::set_default(log.clone());
        let node = |keys: &str| Node::on(&layer.url(&redis, keys), brisk());
        let (old, both, other) = (node("&key=the%20old"), node("&key=new&key=the%20old"), node("&key=other"));
        let mut of_both = both.reader("a", None).await;
        let mut of_other = other.reader("a", None).await;
        let mut of_old = old.reader("a", None).await;
        old.publish("a", post("1", "by the old")).await;
        of_both.shows("1", "by the old").await;
        of_old.shows("1", "by the old").await;
        both.publish("a", post("1", "by the new")).await;
        of_both.shows("1", "by the new").await;
        layer.send(&mut redis.client(), "a", &event("1", "not encrypted"));
        other.publish("a", post("1", "by another")).await;
        of_other.shows("1", "by another").await;
        for node in [&old, &both, &other] {
            node.bus.check().await.unwrap();
        }
        let lines = log.lines(tracing::Level::WARN);
        assert_eq!(lines.iter().filter(|line| line.contains("cannot be decrypted")).count(), 8, "{lines:?}");
        assert!(lines.iter().all(|line| !line.contains("by ") && !line.contains("not encrypted")), "{lines:?}");
    }
}

#[tokio::test]
async fn a_layer_may_have_another_prefix_and_serializer() {
    for layer in LAYERS {
        let redis = RedisServer::start();
        let config = "&prefix=my%20site&serializer_format=json&random_prefix_length=4";
        let nodes = [(); 2].map(|()| Node::on(&layer.url(&redis, config), brisk()));
        let mut reader = nodes[0].reader("a", None).await;
        nodes[1].publish("a", post("1", "in JSON")).await;
        reader.shows("1", "in JSON").await;
        // The other one is nobody's.
        assert_eq!(layer.send(&mut redis.client(), "a", &event("1", "x")), 0);
        let follows = match layer {
            Layer::PubSub => redis.subscribers("my site__group__liveblog_a"),
            Layer::Core => redis.client().command(&[b"ZCARD", b"my site:group:liveblog_a"]).number(),
        };
        assert_eq!(follows, 1);
    }
}

#[tokio::test]
async fn a_channel_is_followed_by_its_very_name() {
    for layer in LAYERS {
        let redis = RedisServer::start();
        let node = layer.node(&redis);
        let mut publisher = redis.client();
        for name in ["*", "a?", "[a-c]", "{tag}", "a b", "Ünïcode ✓", "liveblog_", "a!b", "\\x"] {
            let mut reader = node.reader(name, None).await;
            assert_eq!(layer.send(&mut publisher, "other", &event("0", "of another page")), 0);
            assert_eq!(layer.send(&mut publisher, name, &event("1", "its own")), 1, "{name}");
            reader.shows("1", "its own").await;
        }
    }
}

#[tokio::test]
async fn a_bus_that_is_dropped_leaves_redis() {
    for layer in LAYERS {
        let redis = RedisServer::start();
        let node = layer.node(&redis);
        drop(node.reader("a", None).await);
        assert_eq!(layer.followers(&redis, "a"), 1);
        drop(node);
        eventually("nobody in a group", async || (layer.followers(&redis, "a") == 0).then_some(())).await;
    }
}

#[tokio::test]
async fn a_publish_is_bounded_as_everywhere() {
    let redis = RedisServer::start();
    for layer in LAYERS {
        let node = Node::on(&layer.url(&redis, ""), Config { max_publish_bytes: 1_000, ..brisk() });
        let error = node.bus.publish(&channel("a"), post("1", &"x".repeat(1_000)), None).await.unwrap_err();
        assert!(error.to_string().contains("limit: 1000"), "{error}");
    }
    assert!(members(&mut redis.client(), "a").is_empty());
}
