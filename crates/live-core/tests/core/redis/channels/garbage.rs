//! What is published by mistake: skipped, and the next good message arrives.

use live_core::Config;
use tracing::Level;

use super::{LAYERS, Layer, Node, RedisServer, addressed, brisk, event, members, packed, push};
use crate::log::Log;

#[tokio::test]
async fn a_message_that_is_no_event_is_logged_without_a_word_of_it_and_skipped() {
    for layer in LAYERS {
        let redis = RedisServer::start();
        let log = Log::default();
        let _guard = tracing::subscriber::set_default(log.clone());
        let node = Node::on(&layer.url(&redis, ""), Config { max_publish_bytes: 10_000, ..brisk() });
        let mut reader = node.reader("a", None).await;
        let other = [&b"\x81"[..], &packed("type"), &packed("secret")].concat();
        let shown = [&b"\x82"[..], &packed("type"), &packed("update"), &packed("renders"), &packed("secret")].concat();
        let good = event("secret", "secret");
        let large = event("secret", &"x".repeat(15_000));
        let garbage: [(&[u8], &str); 6] = [
            (&good[..good.len() - 1], "not MessagePack"),
            (&other, "no event of Wagtail Live"),
            (&shown, "no event of Wagtail Live"),
            (b"\x80", "no event of Wagtail Live"),
            (&[&good[..1], &b"\xc1"[..], &good[1..]].concat(), "no event of Wagtail Live"),
            (&large, "bytes (limit: 10000)"),
        ];
        let mut publisher = redis.client();
        for (number, (message, reason)) in garbage.into_iter().enumerate() {
            layer.send(&mut publisher, "a", message);
            layer.send(&mut publisher, "a", &event("1", &format!("good {number}")));
            reader.shows("1", &format!("good {number}")).await;
            let lines = log.lines(Level::WARN);
            assert_eq!(lines.len(), number + 1, "{lines:?}");
            let line = &lines[number];
            // One that is cut does not say for which page it is.
            let is_whole = layer == Layer::PubSub || !matches!(number, 0 | 4 | 5);
            assert!(line.contains("message skipped") && (line.contains("channel=a ") || !is_whole), "{line}");
            assert!(line.contains(reason) || (layer == Layer::Core && number == 0), "{line}");
            assert!(!line.contains("secret"), "{line}");
        }
    }
}

#[tokio::test]
async fn what_is_not_even_addressed_stops_nobody() {
    let redis = RedisServer::start();
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let node = Layer::Core.node(&redis);
    let mut reader = node.reader("a", None).await;
    let mut publisher = redis.client();
    let member = members(&mut publisher, "a").remove(0);
    let key = super::inbox(&member);
    for message in [
        &b""[..],
        b"short",
        b"twelve bytes",
        b"twelve bytes and more",
        b"live-marker:",
        b"live-marker:99secret",
        b"live-marker:18446744073709551615",
    ] {
        publisher.command(&[b"ZADD", key.as_bytes(), b"1", message]);
    }
    // Names that are nobody's, or nearly somebody's.
    let local = &member[..=member.find('!').unwrap()];
    for name in
        ["", "specific.other!x", local, &format!("{local}zz.YQ"), &format!("{local}1.!"), &format!("{local}99.YQ")]
    {
        push(&mut publisher, &member, &addressed(&event("1", "secret"), &[name]));
    }
    Layer::Core.send(&mut publisher, "a", &event("2", "good"));
    let frame = reader.shows("2", "good").await;
    assert!(frame["renders"].get("1").is_none(), "{frame}");
    node.bus.check().await.unwrap();
    let lines = log.lines(Level::WARN);
    assert_eq!(lines.len(), 7, "{lines:?}");
    assert!(lines.iter().all(|line| line.contains("message skipped") && !line.contains("secret")), "{lines:?}");
}

#[tokio::test]
async fn a_key_of_another_kind_is_refused_to_its_page_alone() {
    let redis = RedisServer::start();
    let node = Layer::Core.node(&redis);
    redis.client().command(&[b"SET", b"asgi:group:liveblog_b", b"secret"]);
    let (a, b) = tokio::join!(node.try_reader("a", None), node.try_reader("b", None));
    assert!(b.is_err());
    let mut reader = a.unwrap();
    Layer::Core.send(&mut redis.client(), "a", &event("1", "one"));
    reader.shows("1", "one").await;
    let refused = node.bus.publish(&super::channel("b"), super::post("1", "x"), None).await;
    assert!(matches!(refused, Err(live_core::BusError::Store(_))), "{refused:?}");
}
