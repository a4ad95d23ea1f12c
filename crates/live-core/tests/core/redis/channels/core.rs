//! What only the core layer has: memberships that expire, and inboxes with a capacity.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use live_core::{BusError, Config, bus};

use super::{
    Layer, Node, RedisServer, addressed, brisk, channel, event, eventually, inbox, members, packed, post, range,
};
use crate::redis_server::Reply;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test]
async fn a_membership_is_renewed_before_it_expires() {
    let redis = RedisServer::start();
    let node = Node::on(&Layer::Core.url(&redis, "&group_expiry=600"), brisk());
    let _reader = node.reader("a", None).await;
    let mut client = redis.client();
    let key = b"asgi:group:liveblog_a";
    let member = members(&mut client, "a").remove(0);
    // As if it had been made ten minutes ago, so that every publisher would remove it.
    client.command(&[b"ZADD", key, b"1", member.as_bytes()]);
    client.command(&[b"EXPIRE", key, b"5"]);
    eventually("a renewal", async || {
        let Reply::Bytes(Some(score)) = client.command(&[b"ZSCORE", key, member.as_bytes()]) else {
            panic!("no member")
        };
        let score: f64 = String::from_utf8(score).unwrap().parse().unwrap();
        (score + 100.0 > now() as f64 && client.command(&[b"TTL", key]).number() > 590).then_some(())
    })
    .await;
    assert_eq!(members(&mut client, "a"), [member]);
}

#[tokio::test]
async fn a_group_that_is_emptied_is_noticed_without_a_publish() {
    let redis = RedisServer::start();
    let node = Layer::Core.node(&redis);
    let mut reader = node.reader("a", None).await;
    reader.frame().await;
    redis.client().command(&[b"FLUSHALL"]);
    let frame = reader.frame_where(|frame| frame.get("reload").is_some()).await;
    let mut publisher = redis.client();
    eventually("the group", async || (members(&mut publisher, "a").len() == 1).then_some(())).await;
    Layer::Core.send(&mut publisher, "a", &event("1", "afterwards"));
    assert_eq!(reader.shows("1", "afterwards").await["prev"], frame["cursor"]);
}

#[tokio::test]
async fn a_group_that_is_emptied_is_noticed_with_the_next_publish() {
    let redis = RedisServer::start();
    let node =
        Node::on(&Layer::Core.url(&redis, ""), Config { compare_interval: 10 * super::super::DEADLINE, ..brisk() });
    let mut reader = node.reader("a", None).await;
    reader.frame().await;
    redis.client().command(&[b"DEL", b"asgi:group:liveblog_a"]);
    node.publish("a", post("1", "for nobody")).await;
    reader.frame_where(|frame| frame.get("reload").is_some()).await;
}

#[tokio::test]
async fn an_inbox_that_was_full_is_a_loss_because_publishers_pass_over_it() {
    let redis = RedisServer::start();
    let node = Node::on(&Layer::Core.url(&redis, "&capacity=20"), brisk());
    let mut reader = node.reader("a", None).await;
    reader.frame().await;
    let mut publisher = redis.client();
    let member = members(&mut publisher, "a").remove(0);
    // As a burst that comes while the node is busy: all at once.
    publisher.command(&[b"MULTI"]);
    for number in 0..20 {
        let message = [format!("{number:012}").into_bytes(), addressed(&event("1", &number.to_string()), &[&member])];
        publisher.command(&[b"ZADD", inbox(&member).as_bytes(), number.to_string().as_bytes(), &message.concat()]);
    }
    publisher.command(&[b"EXEC"]);
    reader.frame_where(|frame| frame.get("reload").is_some()).await;
    let next =
        eventually("a new inbox", async || members(&mut publisher, "a").into_iter().find(|next| *next != member)).await;
    assert_eq!(members(&mut publisher, "a"), [next], "nothing is left of the old one");
    eventually("the old inbox gone", async || range(&mut publisher, &inbox(&member)).is_empty().then_some(())).await;
    Layer::Core.send(&mut publisher, "a", &event("2", "afterwards"));
    reader.shows("2", "afterwards").await;
}

#[tokio::test]
async fn a_burst_below_the_capacity_comes_whole_and_in_its_order() {
    let redis = RedisServer::start();
    let node = Layer::Core.node(&redis);
    let mut subscription = node.bus.subscribe(&channel("a")).await.unwrap();
    let mut publisher = redis.client();
    let member = members(&mut publisher, "a").remove(0);
    publisher.command(&[b"MULTI"]);
    for number in 0..90 {
        let message =
            [format!("{:012}", 99 - number).into_bytes(), addressed(&event(&number.to_string(), "x"), &[&member])];
        publisher.command(&[b"ZADD", inbox(&member).as_bytes(), format!("{number}.5").as_bytes(), &message.concat()]);
    }
    publisher.command(&[b"EXEC"]);
    // Whoever asks now is told of all of them.
    let head = node.bus.heads(&[channel("a")]).await.unwrap()[0];
    let (mut posts, mut last) = (Vec::new(), None);
    while posts.len() < 90 {
        match std::future::poll_fn(|cx| subscription.poll_next(cx)).await {
            Some(bus::Event::Item(update)) => {
                posts.extend(update.changes.iter().map(|change| change.id().to_string()));
                last = Some(update.cursor);
            }
            Some(bus::Event::Snapshot(_)) => {}
            end => panic!("{end:?}"),
        }
    }
    assert_eq!(posts, (0..90).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(last, Some(head));
}

#[tokio::test]
async fn a_publisher_leaves_out_consumers_that_expired_and_inboxes_that_are_full() {
    let redis = RedisServer::start();
    let node = Node::on(&Layer::Core.url(&redis, "&capacity=10&expiry=30&group_expiry=600"), brisk());
    let mut client = redis.client();
    let group = b"asgi:group:liveblog_a";
    let scores = [("specific.gone!x", now() - 601), ("specific.full!x", now()), ("specific.old!x", now())];
    for (member, score) in scores {
        client.command(&[b"ZADD", group, score.to_string().as_bytes(), member.as_bytes()]);
    }
    for number in 0..10 {
        let (text, score) = (format!("message {number}"), now().to_string());
        client.command(&[b"ZADD", b"asgispecific.full!", score.as_bytes(), text.as_bytes()]);
        // These are older than the expiry, so that there is room.
        client.command(&[b"ZADD", b"asgispecific.old!", (now() - 31).to_string().as_bytes(), text.as_bytes()]);
    }
    node.publish("a", post("1", "one")).await;
    assert_eq!(members(&mut client, "a"), ["specific.full!x", "specific.old!x"]);
    assert_eq!(range(&mut client, "asgispecific.gone!").len(), 0);
    assert_eq!(range(&mut client, "asgispecific.full!").len(), 10);
    let messages = range(&mut client, "asgispecific.old!");
    assert_eq!(messages.len(), 1);
    assert!(messages[0].ends_with(&packed("specific.old!x")));
    let left = client.command(&[b"TTL", b"asgispecific.old!"]).number();
    assert!((1..=30).contains(&left), "{left}");
}

#[tokio::test]
async fn what_was_sent_to_one_consumer_arrives_as_well() {
    let redis = RedisServer::start();
    let node = Layer::Core.node(&redis);
    let (mut reader, mut other) = (node.reader("a", None).await, node.reader("b", None).await);
    let mut client = redis.client();
    let member = members(&mut client, "a").remove(0);
    // `send` names it in a text, not in a list.
    let mut message = event("1", "to you alone");
    message[0] += 1;
    message.extend([packed("__asgi_channel__"), packed(&member)].concat());
    super::push(&mut client, &member, &message);
    reader.shows("1", "to you alone").await;
    Layer::Core.send(&mut client, "b", &event("2", "to the other"));
    other.shows("2", "to the other").await;
}

#[tokio::test]
async fn a_message_to_an_earlier_membership_is_for_nobody() {
    let redis = RedisServer::start();
    let node = Layer::Core.node(&redis);
    let reader = node.reader("a", None).await;
    let mut client = redis.client();
    let former = members(&mut client, "a").remove(0);
    drop(reader);
    eventually("nobody in the group", async || members(&mut client, "a").is_empty().then_some(())).await;
    let mut reader = node.reader("a", None).await;
    super::push(&mut client, &former, &addressed(&event("1", "late"), &[&former]));
    Layer::Core.send(&mut client, "a", &event("2", "in time"));
    let frame = reader.shows("2", "in time").await;
    assert!(frame["renders"].get("1").is_none(), "{frame}");
    assert_eq!(inbox(&former), inbox(&members(&mut client, "a")[0]));
}

#[tokio::test]
async fn a_server_that_drains_leaves_its_groups() {
    let redis = RedisServer::start();
    let node = Node::on(&Layer::Core.url(&redis, ""), Config { linger: 10 * super::super::DEADLINE, ..brisk() });
    drop(node.reader("a", None).await);
    let mut client = redis.client();
    let member = members(&mut client, "a").remove(0);
    node.hub.drain().await;
    assert_eq!(client.command(&[b"KEYS", b"*"]), Reply::Many(vec![]), "{member}");
}

#[tokio::test]
async fn readiness_fails_where_redis_takes_nothing() {
    let redis = RedisServer::start();
    let node = Layer::Core.node(&redis);
    node.bus.check().await.unwrap();
    let mut client = redis.client();
    for (name, value) in [("maxmemory", "1"), ("maxmemory-policy", "noeviction")] {
        client.command(&[b"CONFIG", b"SET", name.as_bytes(), value.as_bytes()]);
    }
    eventually("a refusal", async || matches!(node.bus.check().await, Err(BusError::Store(_))).then_some(())).await;
    client.command(&[b"CONFIG", b"SET", b"maxmemory", b"0"]);
    eventually("an answer", async || node.bus.check().await.ok()).await;
    assert!(tokio::time::timeout(Duration::from_secs(20), node.reader("a", None)).await.is_ok());
}
