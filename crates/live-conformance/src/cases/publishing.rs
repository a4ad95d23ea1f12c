//! Publishing over HTTP: who may, and what comes of it.

use live_core::{Config, Html, PageLimits, Publishing, WhenFull};

use crate::{
    adapter::Adapter,
    case::Case,
    client::{EventStream, Request, Response, WebSocket},
    model::{Cursor, Frame, Reader, Shown},
    server::{TestServer, post_id, quick},
};

/// The JSON of an update that renders these posts.
pub(crate) fn renders(posts: &[(&str, &str)]) -> String {
    let posts: Vec<_> = posts
        .iter()
        .map(|(id, html)| {
            let content = serde_json::to_string(&format!("<div data-post-id=\"{id}\">{html}</div>")).unwrap();
            format!("\"{id}\": {{\"content\": {content}}}")
        })
        .collect();
    format!("{{\"renders\": {{{}}}}}", posts.join(", "))
}

async fn with_tokens(adapter: Adapter) -> TestServer {
    adapter.start(Config { publishing: Publishing::token("s3cret").or_token("next"), ..quick() }).await
}

async fn publish_as(server: &TestServer, authorization: Option<&str>) -> Response {
    let request = Request::publish("blog", renders(&[("1", "one")]));
    let request = authorization.into_iter().fold(request, |request, value| request.header("Authorization", value));
    server.ask(request).await
}

async fn without_publishing_there_is_no_such_route(adapter: Adapter) {
    let server = adapter.start(Config { publishing: Publishing::Off, ..quick() }).await;
    for request in [
        Request::publish("blog", "{}"),
        Request::new("OPTIONS", "/publish/blog/"),
        Request::new("GET", "/publish/blog/"),
    ] {
        assert_eq!(server.ask(request).await.status, 404);
    }
}

async fn only_the_token_opens_it(adapter: Adapter) {
    let server = with_tokens(adapter).await;
    for authorization in [
        None,
        Some(""),
        Some("Bearer"),
        Some("Bearer "),
        Some("Bearer s3cre"),
        Some("Bearer s3cret "),
        Some("Bearer s3cret2"),
        Some("Basic s3cret"),
        Some("s3cret"),
        Some("Bearer S3CRET"),
        Some("Bearer s3cret next"),
    ] {
        let response = publish_as(&server, authorization).await;
        // White space around a header's value is not part of it.
        let expected = if authorization == Some("Bearer s3cret ") { 200 } else { 401 };
        assert_eq!(response.status, expected, "{authorization:?}");
        if expected == 401 {
            assert_eq!(response.header("www-authenticate"), Some("Bearer"));
        }
    }
    for good in ["Bearer s3cret", "bearer s3cret", "Bearer  next"] {
        assert_eq!(publish_as(&server, Some(good)).await.status, 200, "{good}");
    }
}

async fn a_stranger_learns_nothing_and_changes_nothing(adapter: Adapter) {
    let server = with_tokens(adapter).await;
    let before = server.cursor("blog").await;
    for body in ["no JSON", "{}", &renders(&[("1", "one")])] {
        let key = Request::publish("blog", body).header("Idempotency-Key", "bad key");
        assert_eq!(server.ask(key).await.status, 401, "the token is asked for first: {body}");
    }
    assert_eq!(server.cursor("blog").await, before);
}

async fn the_answer_says_where_the_page_is_and_readers_get_there(adapter: Adapter) {
    let server = with_tokens(adapter).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    let mut events = EventStream::open(&server, "blog", None).await;
    socket.frame().await;
    events.frame().await;
    let mut last = 0;
    for number in 0..3 {
        let response = publish_as(&server, Some("Bearer next")).await;
        assert_eq!((response.status, response.header("content-type")), (200, Some("application/json")));
        let answer = response.json();
        let cursor = Cursor::parse(answer["cursor"].as_str().unwrap());
        assert_eq!((answer["version"].as_u64(), answer.as_object().unwrap().len()), (Some(cursor.version), 2));
        assert!(cursor.version > last, "{number}");
        last = cursor.version;
        assert_eq!(socket.frame().await.cursor, cursor);
        assert_eq!(events.frame().await.cursor, cursor);
    }
}

async fn publishing_at_a_time_gives_every_update_a_version_of_its_own_in_one_order_for_all(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    let mut events = EventStream::open(&server, "blog", None).await;
    socket.frame().await;
    events.frame().await;
    let bodies: Vec<_> = (0..20).map(|number| renders(&[("same", &number.to_string())])).collect();
    let mut wires = Vec::new();
    for body in &bodies {
        let mut wire = crate::client::Wire::connect(&server).await;
        wire.send(Request::publish("blog", body).under(server.prefix).to_bytes()).await;
        wires.push(wire);
    }
    let mut versions = Vec::new();
    for wire in &mut wires {
        versions.push(wire.response("POST").await.unwrap().json()["version"].as_u64().unwrap());
    }
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.len(), bodies.len());
    let (mut by_socket, mut by_events) = (Reader::default(), Reader::default());
    while !by_socket.is_at(&server.cursor("blog").await) {
        by_socket.apply(&socket.frame().await);
    }
    while !by_events.is_at(&server.cursor("blog").await) {
        by_events.apply(&events.frame().await);
    }
    assert_eq!(by_socket.shown.contents(), by_events.shown.contents());
    assert_eq!(by_socket.shown.contents(), Shown::by(&server, "blog").await.contents());
}

async fn what_is_published_over_http_is_sanitised(adapter: Adapter) {
    let server = adapter.start(Config { html: Html::sanitize(), ..quick() }).await;
    let evil = r#"<script>alert(1)</script><img src=x onerror=alert(2)><a href="javascript:alert(3)">a</a><svg><animate/></svg>
        <iframe srcdoc="x"></iframe><base href="//evil"><style>*{}</style><form action="//evil"><b class="kept">bold</b>"#;
    assert_eq!(server.ask(Request::publish("blog", renders(&[("1", evil)]))).await.status, 200);
    let frame = Frame::parse(&server.get("/updates/blog/?cursor=*").await.body);
    let content = &frame.renders[0].1.content;
    assert!(
        content.starts_with("<div data-post-id=\"1\">") && content.contains("<b class=\"kept\">bold</b>"),
        "{content}"
    );
    for evil in ["script", "onerror", "svg", "iframe", "base", "style", "form", "alert"] {
        assert!(!content.contains(evil), "{evil} in {content}");
    }
    let gone = r#"{"renders": {"2": {"content": "<script data-post-id='2'></script>"}}}"#;
    let response = server.ask(Request::publish("blog", gone)).await;
    assert_eq!(response.status, 400, "nothing is left of it");
}

async fn content_must_be_one_element_with_the_posts_id(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let before = server.cursor("blog").await;
    for content in [
        "",
        "text",
        "<p>no id</p>",
        "<p data-post-id='2'></p>",
        "<p data-post-id='1'></p><p></p>",
        "x<p data-post-id='1'></p>",
        "<p><b data-post-id='1'></b></p>",
        "<!-- <p data-post-id='1'></p> -->",
    ] {
        let body = serde_json::json!({"renders": {"1": {"content": content}}}).to_string();
        let response = server.ask(Request::publish("blog", body)).await;
        assert_eq!(response.status, 400, "{content}");
        assert!(response.text().contains("data-post-id=\"1\""), "{}", response.text());
    }
    assert_eq!(server.cursor("blog").await, before);
}

async fn a_late_publisher_is_acknowledged_and_ignored(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let publish = |body: serde_json::Value| server.ask(Request::publish("blog", body.to_string()));
    let post = |html: &str, rev: u64| serde_json::json!({"renders": {"1": {"content": format!("<p data-post-id='1'>{html}</p>"), "rev": rev}}});
    publish(post("fifth", 5)).await;
    let head = server.cursor("blog").await;
    assert_eq!(publish(post("fourth", 4)).await.json()["cursor"], *head, "acknowledged with the page's cursor");
    publish(serde_json::json!({"removals": [{"id": "1", "rev": 4}]})).await;
    assert_eq!(server.cursor("blog").await, head, "a late removal does not undo an edit");
    publish(serde_json::json!({"removals": [{"id": "1", "rev": 6}]})).await;
    publish(post("fifth again", 5)).await;
    assert!(Shown::by(&server, "blog").await.posts.is_empty(), "a late edit does not bring a post back");
    publish(post("seventh", 7)).await;
    assert!(Shown::by(&server, "blog").await.posts["1"].content.contains("seventh"));
}

async fn a_full_page_refuses_new_posts_and_takes_edits(adapter: Adapter) {
    let page = PageLimits { max_posts: 2, max_post_bytes: 200, ..Config::default().page };
    let server = adapter.start(Config { page, ..quick() }).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    socket.frame().await;
    let publish = |posts: &[(&str, &str)]| server.ask(Request::publish("blog", renders(posts)));
    assert_eq!(publish(&[("1", "one"), ("2", "two")]).await.status, 200);
    let head = server.cursor("blog").await;
    for (what, posts) in [("full", &[("3", "three")][..]), ("too large", &[("1", &"x".repeat(200))])] {
        let response = publish(posts).await;
        assert_eq!(response.status, 413, "{what}");
        assert!(response.header("retry-after").is_none(), "trying again is no use");
    }
    assert_eq!(server.cursor("blog").await, head);
    assert_eq!(publish(&[("1", "edited")]).await.status, 200);
    assert_eq!(socket.frame().await.ids(), ["1", "2"]);
    assert_eq!(socket.frame().await.ids(), ["1"]);
}

async fn a_full_page_may_give_up_its_oldest_posts_instead(adapter: Adapter) {
    let page = PageLimits { max_posts: 2, when_full: WhenFull::RemoveOldest, ..Config::default().page };
    let server = adapter.start(Config { page, ..quick() }).await;
    server.seed("blog", &["1", "2"]).await;
    let mut socket = WebSocket::open(&server, "blog", Some("*")).await;
    let mut reader = Reader::default();
    reader.apply(&socket.frame().await);
    for number in 3..8 {
        assert_eq!(server.ask(Request::publish("blog", renders(&[(&number.to_string(), "new")]))).await.status, 200);
        let frame = socket.frame().await;
        assert_eq!(frame.removals, [(number - 2).to_string()]);
        reader.apply(&frame);
    }
    assert_eq!((reader.shown.ids(), &reader.shown), (vec!["6", "7"], &Shown::by(&server, "blog").await));
}

async fn a_seed_over_http_makes_the_page_whole(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.post("blog", "old", "before").await;
    let seed = renders(&[("1", "one"), ("2", "two")]).replacen('{', "{\"reset\": true, ", 1);
    assert_eq!(server.ask(Request::publish("blog", seed)).await.status, 200);
    let page = server.hub.page(&crate::server::channel_id("blog")).await.unwrap();
    assert!(page.is_whole() && page.post("old").is_none());
    assert!(page.removed().any(|id| *id == post_id("old")));
    assert_eq!(server.ask(Request::new("POST", "/get-updates/blog/").body("")).await.status, 200);
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    without_publishing_there_is_no_such_route,
    only_the_token_opens_it,
    a_stranger_learns_nothing_and_changes_nothing,
    the_answer_says_where_the_page_is_and_readers_get_there,
    publishing_at_a_time_gives_every_update_a_version_of_its_own_in_one_order_for_all,
    what_is_published_over_http_is_sanitised,
    content_must_be_one_element_with_the_posts_id,
    a_late_publisher_is_acknowledged_and_ignored,
    a_full_page_refuses_new_posts_and_takes_edits,
    a_full_page_may_give_up_its_oldest_posts_instead,
    a_seed_over_http_makes_the_page_whole,
];
