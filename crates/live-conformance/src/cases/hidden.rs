//! Hidden means absent: the content of a hidden post never leaves the server, on no way.

use crate::{
    adapter::Adapter,
    case::Case,
    client::{EventStream, Request, WebSocket},
    model::{Reader, Shown},
    server::{channel_id, quick},
};

const SECRET: &str = "canary-5f3a";

fn body(id: &str, show: bool, text: &str) -> String {
    let content = format!("<p data-post-id=\"{id}\">{text}</p>");
    serde_json::json!({"renders": {id: {"show": show, "content": content}}}).to_string()
}

async fn the_content_of_a_hidden_post_is_in_no_byte_that_leaves_the_server(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.seed("blog", &["1"]).await;
    let mut socket = WebSocket::open(&server, "blog", Some("*")).await;
    let mut events = EventStream::open(&server, "blog", Some("*")).await;
    socket.frame().await;
    events.frame().await;
    let cursor = server.cursor("blog").await;
    // Hidden from the first, hidden later, and in both orders of the keys.
    server.ask(Request::publish("blog", body("hidden", false, SECRET))).await;
    server.ask(Request::publish("blog", body("later", true, "shown"))).await;
    server.ask(Request::publish("blog", body("later", false, SECRET))).await;
    let reversed =
        format!(r#"{{"renders": {{"third": {{"content": "<p data-post-id='third'>{SECRET}</p>", "show": false}}}}}}"#);
    server.ask(Request::publish("blog", reversed)).await;
    let head = server.cursor("blog").await;

    let mut readers = [Reader::default(), Reader::default()];
    while !readers[0].is_at(&head) {
        readers[0].apply(&socket.frame().await);
    }
    while !readers[1].is_at(&head) {
        readers[1].apply(&events.frame().await);
    }
    let mut seen: Vec<String> = readers.iter().map(|reader| format!("{reader:?}")).collect();
    for target in [
        "/updates/blog/".to_owned(),
        format!("/updates/blog/?cursor={cursor}"),
        "/updates/blog/?cursor=*".to_owned(),
        "/get-updates/blog/?last_update_ts=0".to_owned(),
    ] {
        seen.push(server.get(&target).await.text());
    }
    seen.push(server.ask(Request::new("POST", "/get-updates/blog/").body("")).await.text());
    seen.push(format!("{:?}", server.hub.page(&channel_id("blog")).await.unwrap()));
    for text in seen {
        assert!(text.contains("hidden") && !text.contains(SECRET), "{text}");
    }
    for reader in readers {
        assert!(["hidden", "later", "third"].iter().all(|id| !reader.shown.posts[*id].show));
    }
}

async fn a_hidden_post_keeps_its_place(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.seed("blog", &["1", "2", "3"]).await;
    let before = Shown::by(&server, "blog").await;
    server.ask(Request::publish("blog", body("2", false, SECRET))).await;
    let hidden = Shown::by(&server, "blog").await;
    assert_eq!(hidden.posts["2"].content, "<div data-post-id=\"2\" hidden></div>");
    assert_eq!(hidden.posts["2"].sort, before.posts["2"].sort);
    server.ask(Request::publish("blog", body("2", true, "shown again"))).await;
    let shown = Shown::by(&server, "blog").await;
    assert_eq!((shown.posts["2"].show, shown.posts["2"].sort), (true, before.posts["2"].sort));
}

/// All cases of this module.
pub(crate) const CASES: &[Case] =
    cases![the_content_of_a_hidden_post_is_in_no_byte_that_leaves_the_server, a_hidden_post_keeps_its_place,];
