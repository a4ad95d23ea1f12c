//! What is published by mistake: skipped, and the next good message arrives.

use live_core::Config;
use tracing::Level;

use super::{Node, RedisServer, brisk, original, post, render};
use crate::log::Log;

#[tokio::test]
async fn a_message_that_is_no_update_is_logged_without_a_word_of_it_and_skipped() {
    let redis = RedisServer::start();
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let node = Node::with(&redis, Config { max_publish_bytes: 10_000, ..brisk() });
    let mut reader = node.reader("a", None).await;
    let garbage: [(&[u8], &str); 10] = [
        (b"", "not JSON"),
        (b"secret", "not JSON"),
        (b"{\"renders\": {\"secret\": ", "not JSON"),
        (b"\xff\xfesecret", "not UTF-8"),
        (b"\"secret\"", "not the JSON of an update"),
        (b"[{\"secret\": 1}]", "not the JSON of an update"),
        (b"{\"renders\": {\"secret\": {\"show\": \"secret\"}}}", "not the JSON of an update"),
        (b"{\"renders\": {\"<secret>\": {\"content\": \"x\"}}}", "not the JSON of an update"),
        (b"{\"renders\": {\"s\": {\"content\": \"secret\"}}, \"removals\": [\"s\"]}", "not the JSON of an update"),
        (&[b'7'; 10_001], "10001 bytes (limit: 10000)"),
    ];
    for (number, (message, reason)) in garbage.into_iter().enumerate() {
        redis.publish("group_a", message);
        redis.publish("group_a", &original("1", &format!("good {number}")));
        reader.shows("1", &format!("good {number}")).await;
        let lines = log.lines(Level::WARN);
        assert_eq!(lines.len(), number + 1, "{lines:?}");
        let line = &lines[number];
        assert!(line.contains("message skipped") && line.contains("channel=a ") && line.contains(reason), "{line}");
        assert!(!line.contains("secret"), "{line}");
    }
}

#[tokio::test]
async fn an_update_above_the_limits_is_skipped_and_refused_to_publishers() {
    let redis = RedisServer::start();
    let mut config = Config { max_publish_bytes: 4_000, ..brisk() };
    (config.page.max_post_bytes, config.page.max_update_items) = (1_000, 10);
    let node = Node::with(&redis, config);
    let mut reader = node.reader("a", None).await;
    let large = post("1", &"x".repeat(1_001));
    let many = (0..11).fold(live_core::Update::new(), |update, number| update.render(render(&number.to_string(), "x")));
    let long = (0..5)
        .fold(live_core::Update::new(), |update, number| update.render(render(&number.to_string(), &"x".repeat(900))));
    for update in [large, many, long] {
        let message = serde_json::to_vec(&update).unwrap();
        redis.publish("group_a", &message);
        let error = node.hub.publish(&super::channel("a"), update, None).await.unwrap_err();
        assert!(error.to_string().contains("limit"), "{error}");
    }
    redis.publish("group_a", &original("1", "good"));
    reader.shows("1", "good").await;
}

#[tokio::test]
async fn a_page_that_is_full_begins_anew_with_what_has_no_room_on_it() {
    let redis = RedisServer::start();
    let mut config = brisk();
    config.page.max_posts = 3;
    let node = Node::with(&redis, config);
    let mut reader = node.reader("a", None).await;
    for id in ["1", "2", "3"] {
        redis.publish("group_a", &original(id, id));
        reader.shows(id, id).await;
    }
    redis.publish("group_a", &original("4", "no room"));
    // A publisher has published after its commit, so the page's HTML has it.
    assert_eq!(reader.frame_where(|frame| frame.get("reload").is_some()).await["reload"], true);
    redis.publish("group_a", &original("5", "five"));
    reader.shows("5", "five").await;
    let all = node.poll("a", "*").await.1;
    assert_eq!(all["renders"].as_object().unwrap().keys().collect::<Vec<_>>(), ["4", "5"]);
}
