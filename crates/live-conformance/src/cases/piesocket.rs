//! PieSocket's protocol: its own SDK, and pages and publishers of Wagtail Live's, with this server in the service's place.

use std::time::{Duration, Instant};

use live_core::{Config, Html, PieSocketKeys, Publishing, TokenKey, Tokens};

use crate::{
    adapter::Adapter,
    case::Case,
    client::{
        Message, Request, WebSocket, Wire,
        token::{SECRET, token},
    },
    model::{Cursor, Frame, Shown},
    server::{TestServer, quick},
};

const UUID: &str = "8a0e3c1a-6e3c-4a26-8d65-0f0a1f6f2f9b";

fn accounts() -> Config {
    let piesocket = PieSocketKeys::new("old key", "old secret").or("key", SECRET);
    let tokens = Tokens { keys: vec![TokenKey::hs256(SECRET).unwrap()], leeway: Duration::ZERO, ..Tokens::default() };
    let heartbeat = Duration::from_millis(200);
    Config { piesocket, tokens, heartbeat, publishing: Publishing::Off, ..quick() }
}

/// What the SDK 5.1.0 asks for, with its options in the place of `options`.
fn as_the_sdk(channel: &str, options: &str) -> String {
    format!("/v3/{channel}?api_key=key&notify_self=0&source=jssdk&v=5.0.8{options}&uuid={UUID}")
}

async fn connect(server: &TestServer, target: &str) -> WebSocket {
    WebSocket::ask_on(Wire::connect(server).await, Request::handshake(target).under(server.prefix), b"").await
}

/// What Wagtail Live 1.0 sends: Python's JSON, with a space behind each colon and comma and nothing but ASCII.
fn as_wagtail_live(key: &str, secret: &str, channel: &str) -> String {
    let post = r#"\n\n<div class=\"live-post\" data-post-id=\"8f2c\">\n    <div class=\"live-post-meta\">\n        <div class=\"live-post-created\">July 20, 1969, 8:17 p.m.</div>\n        \n    </div>\n    <div class=\"live-post-content\">\n        \n            <div class=\"post-block\"><p>Houston \u2013 the Eagle has landed.</p></div>\n        \n    </div>\n</div>"#;
    let message = format!(r#"{{"renders": {{"8f2c": {{"show": true, "content": "{post}"}}}}, "removals": ["77aa"]}}"#);
    format!(r#"{{"key": "{key}", "secret": "{secret}", "channelId": "{channel}", "message": {message}}}"#)
}

/// As Python's `requests` posts it.
fn post(body: &str) -> Request {
    Request::new("POST", "/api/publish")
        .header("User-Agent", "python-requests/2.31.0")
        .header("Accept-Encoding", "gzip, deflate")
        .header("Accept", "*/*")
        .header("Connection", "keep-alive")
        .header("Content-Type", "application/json")
        .body(body)
}

async fn without_an_account_there_are_no_such_routes(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    for request in [
        Request::handshake("/v3/blog?api_key=key"),
        Request::new("OPTIONS", "/v3/blog"),
        post(&as_wagtail_live("", "", "blog")),
        Request::new("OPTIONS", "/api/publish"),
    ] {
        assert_eq!(server.ask(request.clone()).await.status, 404, "{request:?}");
    }
}

async fn a_page_of_wagtail_live_gets_the_frames_of_its_channel(adapter: Adapter) {
    let server = adapter.start(accounts()).await;
    for path in ["/v3/blog", "/v3/blog/"] {
        let mut socket = connect(&server, &format!("{path}?api_key=key")).await;
        socket.frame().await;
        let cursor = server.post("blog", "1", path).await;
        let frame = socket.frame().await;
        assert_eq!((frame.ids(), frame.cursor.to_string()), (vec!["1"], cursor));
        assert!(frame.renders[0].1.show && frame.removals.is_empty());
    }
    let mut old = connect(&server, "/v3/blog?api_key=old+key").await;
    assert_eq!(old.frame().await.ids(), ["1"], "what was published in the last minute");
}

async fn a_reader_that_knows_cursors_resumes(adapter: Adapter) {
    let server = adapter.start(accounts()).await;
    server.post("blog", "1", "one").await;
    let cursor = server.post("blog", "2", "two").await;
    let mut socket = connect(&server, &format!("/v3/blog?api_key=key&cursor={cursor}")).await;
    assert!(socket.frame().await.is_empty(), "and not what was published in the last minute");
    let next = server.post("blog", "3", "three").await;
    let frame = socket.frame().await;
    assert!(frame.ids() == ["3"] && frame.cursor == next, "{frame:?}");
}

async fn another_key_opens_nothing(adapter: Adapter) {
    let server = adapter.start(accounts()).await;
    for target in ["/v3/blog", "/v3/blog?api_key=Key", "/v3/blog?api_key=nonsense&api_key=key"] {
        let began = Instant::now();
        let response = server.ask(Request::handshake(target)).await;
        assert_eq!(response.status, 401, "{target}");
        assert!(began.elapsed() >= Duration::from_millis(990), "the SDK would repeat it at once");
        assert!(response.text().contains("api_key"), "{}", response.text());
    }
    assert_eq!((server.readers(), server.open_pages()), (0, 0));
    let foreign = Request::handshake("/v3/blog?api_key=key").header("Origin", "https://foreign.example");
    assert_eq!(server.ask(foreign).await.status, 403, "a key in a page is no secret");
    assert_eq!(server.ask(Request::new("GET", "/v3/blog?api_key=key")).await.status, 426);
}

async fn who_asks_for_presence_is_told_of_itself_alone(adapter: Adapter) {
    let server = adapter.start(accounts()).await;
    for (presence, expected) in [("1", true), ("true", true), ("0", false), ("false", false)] {
        let options = format!("&presence={presence}&user=%22ada%22");
        let mut socket = connect(&server, &as_the_sdk("blog", &options)).await;
        if expected {
            let Message::Text(text) = socket.next().await else { panic!("{presence}") };
            let message: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(message["event"], "system:member_list");
            assert_eq!(message["data"]["members"], serde_json::json!([{"uuid": UUID, "user": "\"ada\""}]));
            assert!(message["renders"].as_object().unwrap().is_empty(), "which the original's script needs");
            assert!(message["removals"].as_array().unwrap().is_empty());
        }
        assert!(socket.frame().await.is_empty(), "{presence}");
    }
}

async fn what_wagtail_live_publishes_reaches_every_reader(adapter: Adapter) {
    let server = adapter.start(Config { html: Html::sanitize(), ..accounts() }).await;
    let mut socket = connect(&server, &as_the_sdk("blog", "&presence=0")).await;
    socket.frame().await;
    let response = server.ask(post(&as_wagtail_live("key", SECRET, "blog"))).await;
    assert_eq!(response.status, 200, "{response:?}");
    let cursor = Cursor::parse(response.json()["cursor"].as_str().unwrap());
    let frame = socket.frame().await;
    assert_eq!((frame.ids(), &frame.cursor), (vec!["8f2c"], &cursor));
    assert!(frame.renders[0].1.content.contains("Houston – the Eagle has landed."));
    assert!(Shown::by(&server, "blog").await.posts["8f2c"].content.contains("live-post-created"));
    // Numbers, as in the service's own examples, and the name that others of its libraries have.
    let other = r#"{"key": "old key", "secret": "old secret", "roomId": 1, "message": {"removals": []}, "x": 1}"#;
    assert_eq!(
        server.ask(Request::new("POST", "/api/publish/?src=piesocket-nodejs&v=3").body(other)).await.status,
        200
    );
    let hidden = as_wagtail_live("key", SECRET, "blog").replace("\"show\": true", "\"show\": false");
    assert_eq!(server.ask(post(&hidden)).await.status, 200);
    let frame = socket.frame().await;
    assert!(!frame.renders[0].1.show && !frame.renders[0].1.content.contains("Houston"), "{frame:?}");
}

async fn a_stranger_publishes_nothing(adapter: Adapter) {
    let server = adapter.start(accounts()).await;
    let before = server.cursor("blog").await;
    for (key, secret) in
        [("key", ""), ("", SECRET), ("", ""), (SECRET, "key"), ("old key", SECRET), ("key", "old secret")]
    {
        let response = server.ask(post(&as_wagtail_live(key, secret, "blog"))).await;
        assert_eq!(response.status, 401, "{key} {secret}");
        assert!(!response.text().contains(SECRET));
    }
    for body in [r#"{"channelId": "blog", "message": {"renders": 5}}"#, r#"{"channelId": "blog", "message": 5}"#] {
        assert_eq!(server.ask(post(body)).await.status, 401, "{body}");
    }
    assert_eq!(server.cursor("blog").await, before);
}

async fn a_message_that_changes_no_page_is_refused_with_the_reason(adapter: Adapter) {
    let server = adapter.start(accounts()).await;
    let before = server.cursor("blog").await;
    let publication = |channel: &str, message: &str| {
        post(&format!(r#"{{"key": "key", "secret": "{SECRET}", "channelId": {channel}, "message": {message}}}"#))
    };
    for message in [
        r#"{"event": "new_post", "data": {}, "meta": {}}"#,
        r#""hello""#,
        "null",
        "[]",
        "{}",
        r#"{"renders": []}"#,
        r#"{"renders": {"1": {"show": true}}}"#,
        r#"{"renders": {"1": {"content": "<p>no id</p>"}}}"#,
        r#"{"removals": "1"}"#,
    ] {
        assert_eq!(server.ask(publication("\"blog\"", message)).await.status, 400, "{message}");
    }
    for channel in ["\"\"", "\"a/b\"", "null", "[]", "1.5"] {
        assert_eq!(server.ask(publication(channel, r#"{"removals": []}"#)).await.status, 400, "{channel}");
    }
    for body in ["", "x", "[]", "{\"key\": \"key\"}"] {
        assert_eq!(server.ask(post(body)).await.status, 400, "{body}");
    }
    assert_eq!(server.cursor("blog").await, before);
}

async fn a_publication_has_the_limits_of_every_publish(adapter: Adapter) {
    let server = adapter.start(Config { max_publish_bytes: 2_000, ..accounts() }).await;
    let body = as_wagtail_live("key", SECRET, "blog");
    let large = body.replace("Houston", &"x".repeat(2_000));
    assert_eq!(server.ask(post(&large)).await.status, 413);
    let once = post(&body).header("Idempotency-Key", "one");
    let first = server.ask(once.clone()).await.json();
    assert_eq!(server.ask(once).await.json(), first);
}

async fn a_private_channel_is_read_with_a_token_signed_by_the_secret(adapter: Adapter) {
    let server = adapter.start(accounts()).await;
    let options = |token: &str| format!("&presence=0&jwt={token}");
    assert_eq!(server.ask(Request::handshake(&as_the_sdk("private-blog", "&presence=0"))).await.status, 401);
    let other = as_the_sdk("private-blog", &options(&token("private-news", 600.0)));
    assert_eq!(server.ask(Request::handshake(&other)).await.status, 401);

    let short = options(&token("private-blog", 3.0));
    let mut socket = connect(&server, &as_the_sdk("private-blog", &short)).await;
    assert!(socket.frame().await.is_empty());
    let mut said = Vec::new();
    let closed = loop {
        match socket.next().await {
            Message::Text(text) => said.push(text),
            Message::Ping(_) => {}
            other => break other,
        }
    };
    assert_eq!(closed, Message::Close(4100, "admission ended".to_owned()));
    drop(socket);
    // The SDK reconnects at once and for ever, with what has expired, unless it has read an error before.
    let last: serde_json::Value = serde_json::from_str(&said.pop().unwrap()).unwrap();
    assert!(last["error"].as_str().is_some_and(|error| error.contains("jwt")), "{last}");
    assert!(last["renders"].is_object() && last["removals"].is_array());
    said.iter().for_each(|frame| drop(Frame::parse(frame.as_bytes())));
    let again = server.ask(Request::handshake(&as_the_sdk("private-blog", &short))).await;
    assert_eq!(again.status, 401);
    server.has_readers(0).await;
}

async fn a_private_channel_is_closed_where_nobody_can_sign_for_it(adapter: Adapter) {
    let server = adapter.start(Config { tokens: Tokens::default(), ..accounts() }).await;
    let token = token("private-blog", 600.0);
    for query in ["", &format!("&jwt={token}")] {
        let response = server.ask(Request::handshake(&as_the_sdk("private-blog", query))).await;
        assert_eq!(response.status, 401);
        let response = server.ask(Request::handshake(&format!("/ws/channel/private-blog/?x{query}"))).await;
        assert_eq!(response.status, 401, "nor is there a way around it");
    }
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    without_an_account_there_are_no_such_routes,
    a_page_of_wagtail_live_gets_the_frames_of_its_channel + websocket,
    a_reader_that_knows_cursors_resumes + websocket,
    another_key_opens_nothing + websocket,
    who_asks_for_presence_is_told_of_itself_alone + websocket,
    what_wagtail_live_publishes_reaches_every_reader,
    a_stranger_publishes_nothing,
    a_message_that_changes_no_page_is_refused_with_the_reason,
    a_publication_has_the_limits_of_every_publish,
    a_private_channel_is_read_with_a_token_signed_by_the_secret + websocket,
    a_private_channel_is_closed_where_nobody_can_sign_for_it + websocket,
];
