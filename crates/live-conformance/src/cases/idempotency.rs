//! A publish that is repeated with its key has one effect.

use crate::{
    adapter::Adapter,
    case::Case,
    cases::publishing::renders,
    client::{Request, Response, WebSocket},
    server::{TestServer, quick},
};

async fn publish(server: &TestServer, channel: &str, key: &str, body: &str) -> Response {
    server.ask(Request::publish(channel, body).header("Idempotency-Key", key)).await
}

async fn a_repetition_gets_the_first_answer_and_changes_nothing(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    socket.frame().await;
    let body = renders(&[("1", "one")]);
    let first = publish(&server, "blog", "key-1", &body).await;
    let second = publish(&server, "blog", "key-2", &renders(&[("1", "edited")])).await;
    for _ in 0..3 {
        let again = publish(&server, "blog", "key-1", &body).await;
        assert_eq!((again.status, again.json()), (200, first.json()));
    }
    assert_eq!(socket.frame().await.cursor.to_string(), first.json()["cursor"]);
    assert_eq!(socket.frame().await.cursor.to_string(), second.json()["cursor"]);
    let last = server.post("blog", "2", "two").await;
    assert_eq!(socket.frame().await.cursor, last, "the repetitions reached nobody");
    assert!(crate::model::Shown::by(&server, "blog").await.posts["1"].content.contains("edited"));
}

async fn the_same_update_in_other_words_is_a_repetition(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let first = publish(&server, "blog", "key", r#"{"renders": {}, "removals": ["1", 2]}"#).await;
    let again = publish(&server, "blog", "key", r#"{ "removals": [1, "2", "1"], "unknown": 5 }"#).await;
    assert_eq!((again.status, again.json()), (200, first.json()));
}

async fn the_key_of_another_update_is_a_conflict(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let first = publish(&server, "blog", "key", &renders(&[("1", "one")])).await;
    for other in
        [renders(&[("1", "two")]), renders(&[("2", "one")]), "{}".to_owned(), r#"{"removals": ["1"]}"#.to_owned()]
    {
        let response = publish(&server, "blog", "key", &other).await;
        assert_eq!(response.status, 409, "{other}");
    }
    assert_eq!(server.cursor("blog").await, first.json()["cursor"].as_str().unwrap());
    assert_eq!(publish(&server, "other page", "key", "{}").await.status, 400, "a space in the path");
    assert_eq!(
        publish(&server, "other", "key", r#"{"removals": ["1"]}"#).await.status,
        200,
        "another page's keys are its own"
    );
}

async fn what_is_no_key_is_refused(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let before = server.cursor("blog").await;
    for bad in ["", "a b", "ü", "\t", &"x".repeat(256)] {
        assert_eq!(publish(&server, "blog", bad, &renders(&[("1", "one")])).await.status, 400, "{bad:?}");
    }
    let twice = Request::publish("blog", renders(&[("1", "one")]))
        .header("Idempotency-Key", "a")
        .header("Idempotency-Key", "b");
    assert_eq!(server.ask(twice).await.status, 400, "two keys");
    assert_eq!(server.cursor("blog").await, before);
    for good in ["x", "\"quoted\"", "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", &"x".repeat(255)] {
        assert_eq!(publish(&server, "blog", good, &renders(&[("1", "one")])).await.status, 200, "{good}");
    }
}

async fn a_refused_update_does_not_use_up_its_key(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    assert_eq!(publish(&server, "blog", "key", "no JSON").await.status, 400);
    let large = renders(&[("1", &"x".repeat(300 << 10))]);
    assert_eq!(publish(&server, "blog", "key", &large).await.status, 413);
    assert_eq!(publish(&server, "blog", "key", &renders(&[("1", "one")])).await.status, 200);
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    a_repetition_gets_the_first_answer_and_changes_nothing,
    the_same_update_in_other_words_is_a_repetition,
    the_key_of_another_update_is_a_conflict,
    what_is_no_key_is_refused,
    a_refused_update_does_not_use_up_its_key,
];
