//! What Wagtail Live's publishers and this bus say to each other.

use live_core::{PostId, Update};
use serde_json::json;

use super::{Node, RedisServer, render};

/// As `json.dumps` in Wagtail Live's `redis_publish` writes them: a post, and its removal.
const POST: &str = r#"{"renders": {"d943e339-4f68-4bb8-8f25-b85f423f136b": {"show": true, "content": "\n\n<div class=\"live-post\" data-post-id=\"d943e339-4f68-4bb8-8f25-b85f423f136b\">\n    <div class=\"live-post-meta\">\n        <div class=\"live-post-created\">Nov. 22, 2026, 4:39 a.m.</div>\n        \n    </div>\n    <div class=\"live-post-content\">\n        \n            <div class=\"post-block\">\u00dcn <b>&quot;1&quot;</b></div>\n        \n    </div>\n</div>"}}, "removals": []}"#;
const REMOVAL: &str = r#"{"renders": {}, "removals": ["d943e339-4f68-4bb8-8f25-b85f423f136b"]}"#;

#[tokio::test]
async fn what_wagtail_live_publishes_reaches_the_readers_as_it_is() {
    let redis = RedisServer::start();
    let node = Node::new(&redis);
    let mut reader = node.reader("GOLD", None).await;
    for message in [POST, REMOVAL] {
        redis.publish("group_GOLD", message.as_bytes());
        let expected: serde_json::Value = serde_json::from_str(message).unwrap();
        let frame = reader.news().await;
        assert_eq!((&frame["renders"], &frame["removals"]), (&expected["renders"], &expected["removals"]));
    }
}

#[tokio::test]
async fn several_posts_keep_their_order_and_a_hidden_one_its_secret() {
    let redis = RedisServer::start();
    let node = Node::new(&redis);
    let mut reader = node.reader("a", None).await;
    let message = r#"{"renders": {"9": {"show": true, "content": "<p data-post-id=\"9\">first</p>"}, "2": {"show": false, "content": "<p data-post-id=\"2\">secret</p>"}, "5": {"show": true, "content": "<p data-post-id=\"5\">last</p>"}}, "removals": ["7"]}"#;
    redis.publish("group_a", message.as_bytes());
    let text = reader.text_where(|text| text.contains("last")).await;
    assert!(!text.contains("secret"), "{text}");
    // In the order in which Wagtail Live's browser code inserts them, each on top.
    let posts = [
        r#""9":{"show":true,"#,
        r#""2":{"show":false,"content":"<div data-post-id=\"2\" hidden></div>"}"#,
        r#""5":{"show":true,"#,
    ];
    let places = posts.map(|post| text.find(post).unwrap_or_else(|| panic!("{text}")));
    assert!(places.is_sorted(), "{text}");
}

#[tokio::test]
async fn what_live_publishes_is_what_wagtail_lives_own_servers_read() {
    let redis = RedisServer::start();
    let node = Node::new(&redis);
    let mut subscriber = redis.client();
    subscriber.subscribe("group_a");
    let id = |id: &str| PostId::new(id).unwrap();
    let update = Update::new().render(render("1", "Ü")).render(live_core::Render::hidden(id("2"))).remove(id("3"));
    node.publish("a", update).await;
    let message: serde_json::Value = serde_json::from_slice(&subscriber.next_message()).unwrap();
    let expected = json!({
        "renders": {
            "1": {"show": true, "content": "<div data-post-id=\"1\">Ü</div>"},
            "2": {"show": false, "content": "<div data-post-id=\"2\" hidden></div>"},
        },
        "removals": ["3"],
    });
    assert_eq!(message, expected);
}
