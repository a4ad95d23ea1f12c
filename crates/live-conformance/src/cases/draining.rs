//! The server goes: every reader is told when to come back, and what is under way is finished.

use std::time::{Duration, Instant};

use live_core::Config;

use crate::{
    adapter::{Adapter, Habit},
    case::Case,
    client::{EventStream, Item, Message, Request, WebSocket, Wire, within},
    server::{TestServer, quick},
};

fn draining() -> Config {
    Config { drain_window: Duration::from_secs(3), drain_deadline: Duration::from_secs(8), ..quick() }
}

/// Begins to drain, in the background.
fn drain(server: &TestServer) {
    let hub = server.hub.clone();
    tokio::spawn(async move { hub.drain().await });
}

fn delay(reason: &str) -> u64 {
    let (_, delay) = reason.split_once("retry in ").unwrap();
    delay.strip_suffix(" ms").unwrap().parse().unwrap()
}

async fn readers_are_told_when_to_come_back_each_at_its_own_moment(adapter: Adapter) {
    let server = adapter.start(draining()).await;
    let head = server.post("blog", "1", "one").await;
    let mut sockets = Vec::new();
    for _ in 0..10 {
        let mut socket = WebSocket::open(&server, "blog", Some(&head)).await;
        socket.frame().await;
        sockets.push(socket);
    }
    drain(&server);
    let mut delays = Vec::new();
    for socket in sockets {
        let mut socket = socket;
        let (code, reason) = socket.close_frame().await;
        assert_eq!(code, 1012, "{reason}");
        delays.push(delay(&reason));
        socket.send(0x8, &1012u16.to_be_bytes()).await;
        assert_eq!(socket.next().await, Message::End);
    }
    assert!(delays.iter().all(|delay| *delay <= 3_000), "{delays:?}");
    delays.sort_unstable();
    delays.dedup();
    assert!(delays.len() > 5, "they come back spread: {delays:?}");
    server.ends().await;
    assert_eq!(server.hub.readers(), 0);
}

async fn readers_that_will_not_come_back_by_themselves_are_closed_last(adapter: Adapter) {
    let server = adapter.start(draining()).await;
    let head = server.post("blog", "1", "one").await;
    let mut original = WebSocket::open(&server, "blog", None).await;
    let mut ours = WebSocket::open(&server, "blog", Some(&head)).await;
    let mut events = EventStream::open(&server, "blog", Some(&head)).await;
    original.frame().await;
    ours.frame().await;
    events.frame().await;
    drain(&server);
    assert_eq!(ours.close_frame().await.0, 1012);
    while events.next().await.is_some() {}
    // Ours has not left yet, so the other one is still served.
    let cursor = server.post("blog", "2", "meanwhile").await;
    assert_eq!(original.frame().await.cursor, cursor);
    drop((ours, events));
    assert_eq!(original.close_frame().await.0, 1012);
}

async fn a_reader_that_does_not_leave_is_dropped_at_the_deadline(adapter: Adapter) {
    let config = Config { drain_deadline: Duration::from_secs(2), ..draining() };
    let server = adapter.start(config).await;
    let mut socket = WebSocket::open(&server, "blog", Some("*")).await;
    socket.frame().await;
    let began = Instant::now();
    drain(&server);
    assert_eq!(socket.close_frame().await.0, 1012);
    server.ends().await;
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

async fn a_stream_of_events_ends_with_the_moment_to_come_back(adapter: Adapter) {
    let server = adapter.start(draining()).await;
    let mut events = EventStream::open(&server, "blog", Some("*")).await;
    events.frame().await;
    drain(&server);
    let Some(Item::Retry(milliseconds)) = events.next().await else { panic!("retry comes first") };
    assert!(milliseconds <= 3_000, "{milliseconds}");
    let Some(Item::Event { name, data, .. }) = events.next().await else { panic!("why it ends comes last") };
    let close: serde_json::Value = serde_json::from_str(&data).unwrap();
    assert_eq!((name.as_str(), close["code"].as_u64()), ("close", Some(1012)));
    assert_eq!(delay(close["reason"].as_str().unwrap()), milliseconds);
    assert_eq!(events.next().await, None);
}

async fn a_waiting_poll_is_sent_away(adapter: Adapter) {
    let server = adapter.start(draining()).await;
    let head = server.seed("blog", &["1"]).await;
    let mut polls = Vec::new();
    let wagtail = format!("/get-updates/blog/?last_update_ts={}", {
        let version = crate::model::Cursor::parse(&head).version;
        format!("{}.{:06}", version / 1_000_000, version % 1_000_000)
    });
    for target in [format!("/updates/blog/?wait&cursor={head}"), wagtail] {
        let mut wire = Wire::connect(&server).await;
        wire.send(Request::new("GET", &target).under(server.prefix).to_bytes()).await;
        polls.push(wire);
    }
    server.has_readers(2).await;
    drain(&server);
    for wire in &mut polls {
        let response = wire.response("GET").await.unwrap();
        assert_eq!(response.status, 503);
        assert!(response.header("retry-after").unwrap().parse::<u64>().unwrap() <= 3);
        assert!(wire.take_all().await.is_empty(), "and the connection ends");
    }
}

async fn whoever_comes_during_the_drain_is_sent_away(adapter: Adapter) {
    let server = adapter.start(draining()).await;
    // Connections that were there before, each in the middle of its request's header.
    let requests = [
        Request::handshake("/ws/channel/blog/"),
        Request::new("GET", "/events/blog/"),
        Request::new("GET", "/updates/blog/"),
        Request::new("GET", "/updates/blog/?wait"),
    ];
    let mut wires = Vec::new();
    for request in &requests {
        let bytes = request.under(server.prefix).to_bytes();
        let mut wire = Wire::connect(&server).await;
        wire.send(&bytes[..20]).await;
        wires.push((wire, bytes[20..].to_vec()));
    }
    // The server has read that far once it answers somebody who came later.
    assert_eq!(server.get("/updates/blog/").await.status, 200);
    drain(&server);
    within("the drain", server.hub.draining()).await;
    for (wire, rest) in &mut wires {
        if adapter.has(Habit::DropsHalfRequests) {
            assert!(wire.take_all().await.is_empty(), "the connection ends");
            continue;
        }
        wire.send(&rest).await;
        let response = wire.head().await.unwrap();
        assert_eq!(response.status, 503, "{response:?}");
        assert!(response.header("retry-after").is_some());
    }
    drop(wires);
    server.ends().await;
}

async fn serve_ends_only_when_every_reader_has_left(adapter: Adapter) {
    let server = adapter.start(draining()).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    socket.frame().await;
    drain(&server);
    assert_eq!(socket.close_frame().await.0, 1012);
    assert!(!server.has_ended(), "a process that ended now would cut what it has to say");
    drop(socket);
    server.ends().await;
    assert_eq!(server.hub.readers(), 0);
}

async fn idle_connections_end_with_the_drain(adapter: Adapter) {
    // Longer than anybody waits here for the end.
    let (drain_deadline, header_timeout) = (Duration::from_secs(60), Duration::from_secs(60));
    let server = adapter.start(Config { drain_deadline, header_timeout, ..draining() }).await;
    let mut silent = Wire::connect(&server).await;
    let mut between = Wire::connect(&server).await;
    assert_eq!(between.ask(Request::new("GET", "/live.js").under(server.prefix)).await.status, 200);
    drain(&server);
    server.ends().await;
    assert!(silent.take_all().await.is_empty() && between.take_all().await.is_empty());
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    readers_are_told_when_to_come_back_each_at_its_own_moment + websocket,
    readers_that_will_not_come_back_by_themselves_are_closed_last,
    a_reader_that_does_not_leave_is_dropped_at_the_deadline + websocket,
    a_stream_of_events_ends_with_the_moment_to_come_back,
    a_waiting_poll_is_sent_away,
    whoever_comes_during_the_drain_is_sent_away,
    serve_ends_only_when_every_reader_has_left + websocket,
    idle_connections_end_with_the_drain,
];
