//! Readers whom the site itself lets in, for a time: when it is over they are told to ask for more.

use std::time::{Duration, Instant};

use live_core::Config;

use crate::{
    adapter::Adapter,
    case::Case,
    client::{EventStream, Item, Message, Request, WebSocket, Wire},
    server::{TestServer, quick},
};

fn as_member(request: Request, milliseconds: u64) -> Request {
    request.header("Cookie", &format!("member={milliseconds}"))
}

async fn private(adapter: Adapter) -> TestServer {
    // Deadlines are swept as often as the shortest of these asks for.
    adapter.start(Config { public_cache: false, heartbeat: Duration::from_millis(200), ..quick() }).await
}

async fn a_stranger_gets_no_further_than_the_site(adapter: Adapter) {
    let server = private(adapter).await;
    for request in [Request::handshake("/members/ws/blog/"), Request::new("GET", "/members/events/blog/")] {
        let mut wire = Wire::connect(&server).await;
        assert_eq!(wire.ask(request).await.status, 401);
    }
    assert_eq!((server.readers(), server.open_pages()), (0, 0));
}

async fn a_stream_ends_with_its_admission(adapter: Adapter) {
    let server = private(adapter).await;
    let began = Instant::now();
    let handshake = as_member(Request::handshake("/members/ws/blog/"), 500);
    let mut socket = WebSocket::ask_on(Wire::connect(&server).await, handshake, b"").await;
    let request = as_member(Request::new("GET", "/members/events/blog/"), 500);
    let mut events = EventStream::ask_on(Wire::connect(&server).await, request).await;
    let cursor = server.post("blog", "1", "for members").await;
    while socket.frame().await.cursor != *cursor {}
    while events.frame().await.cursor != *cursor {}

    assert_eq!(socket.close_frame().await, (4100, "admission ended".to_owned()));
    let mut last = Vec::new();
    while let Some(item) = events.next().await {
        last.push(item);
    }
    let Some(Item::Event { name, data, .. }) = last.last() else { panic!("{last:?}") };
    assert!(name == "close" && data.contains("4100"), "{last:?}");
    assert!(began.elapsed() >= Duration::from_millis(490), "{:?}", began.elapsed());
    socket.send(0x8, &4100u16.to_be_bytes()).await;
    assert_eq!(socket.next().await, Message::End);
    drop((socket, events));

    let next = server.post("blog", "2", "meanwhile").await;
    let handshake = as_member(Request::handshake(&format!("/members/ws/blog/?cursor={cursor}")), 10_000);
    let mut socket = WebSocket::ask_on(Wire::connect(&server).await, handshake, b"").await;
    let frame = socket.frame().await;
    assert!(frame.ids() == ["2"] && frame.cursor == next, "a new admission resumes: {frame:?}");
    drop(socket);
    server.forgets_its_readers().await;
}

async fn a_waiting_poll_ends_with_its_admission(adapter: Adapter) {
    let server = private(adapter).await;
    let head = server.seed("blog", &["1"]).await;
    let seconds = crate::model::Cursor::parse(&head).version as f64 / 1e6;
    for target in [
        format!("/members/updates/blog/?wait&cursor={head}"),
        format!("/members/get-updates/blog/?last_update_ts={seconds}"),
    ] {
        let response = Wire::connect(&server).await.ask(as_member(Request::new("GET", &target), 300)).await;
        assert_eq!((response.status, response.header("live-close")), (401, Some("4100")), "{target}");
        assert_eq!(response.header("cache-control"), Some("no-store"));
    }
    server.forgets_its_readers().await;
}

async fn an_admission_that_has_ended_already_lets_nobody_read(adapter: Adapter) {
    let server = private(adapter).await;
    server.post("blog", "1", "for members").await;
    let mut wire = Wire::connect(&server).await;
    let response = wire.ask(as_member(Request::new("GET", "/members/updates/blog/?cursor=*"), 0)).await;
    assert_eq!(response.status, 401);
    let handshake = as_member(Request::handshake("/members/ws/blog/?cursor=*"), 0);
    let mut socket = WebSocket::ask_on(Wire::connect(&server).await, handshake, b"").await;
    assert!(matches!(socket.next().await, Message::Close(4100, _)), "no frame before it");
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    a_stranger_gets_no_further_than_the_site,
    a_stream_ends_with_its_admission,
    a_waiting_poll_ends_with_its_admission,
    an_admission_that_has_ended_already_lets_nobody_read,
];
