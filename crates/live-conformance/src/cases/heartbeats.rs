//! Silence is told from loss: heartbeats, pings, and readers that answer none.

use std::time::Duration;

use live_core::Config;

use crate::{
    adapter::Adapter,
    case::Case,
    client::{EventStream, Item, Message, WebSocket, within},
    model::Frame,
    server::{TestServer, quick},
};

fn with_heartbeats() -> Config {
    Config { heartbeat: Duration::from_millis(100), silence_deadline: Duration::from_millis(800), ..quick() }
}

async fn silence_is_broken_by_an_empty_frame_and_a_ping_in_one_write(adapter: Adapter) {
    let server = adapter.start(with_heartbeats()).await;
    let head = server.post("blog", "1", "one").await;
    let mut socket = WebSocket::open(&server, "blog", Some(&head)).await;
    socket.frame().await;
    for _ in 0..3 {
        let Message::Text(text) = socket.next().await else { panic!("a heartbeat begins with its frame") };
        let frame = Frame::parse(text.as_bytes());
        assert!(frame.is_empty() && frame.cursor == head, "{frame:?}");
        assert_eq!(socket.wire().unread(), [0x89, 0], "the ping came with it");
        assert_eq!(socket.next().await, Message::Ping(Vec::new()));
        socket.send(0xa, b"").await;
    }
}

async fn silence_on_a_stream_of_events_is_broken_by_an_empty_event(adapter: Adapter) {
    let server = adapter.start(with_heartbeats()).await;
    let mut events = EventStream::open(&server, "blog", None).await;
    events.frame().await;
    let head = server.post("blog", "1", "one").await;
    while events.frame().await.ids() != ["1"] {}
    for _ in 0..3 {
        let frame = events.frame().await;
        assert!(frame.is_empty() && frame.cursor == head, "{frame:?}");
    }
}

/// Publishes without a pause longer than a heartbeat, for ever.
async fn keep_busy(server: &TestServer) {
    for number in 0.. {
        server.post("blog", "1", &format!("edit {number}")).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn a_reader_of_a_busy_page_is_pinged_and_stays(adapter: Adapter) {
    let server = adapter.start(with_heartbeats()).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    let reading = async {
        let mut pings = 0;
        while pings < 20 {
            match socket.next().await {
                Message::Text(_) => {}
                Message::Ping(payload) => {
                    pings += 1;
                    socket.send(0xa, &payload).await;
                }
                other => panic!("after {pings} pings: {other:?}"),
            }
        }
    };
    within("twenty pings", async {
        tokio::select! { () = reading => {}, () = keep_busy(&server) => {} }
    })
    .await;
}

async fn a_reader_of_a_busy_page_that_never_answers_is_closed(adapter: Adapter) {
    let server = adapter.start(with_heartbeats()).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    let closed = tokio::select! { closed = socket.close_frame() => closed, () = keep_busy(&server) => panic!() };
    assert_eq!(closed, (4001, "no answer to pings".to_owned()));
}

async fn a_stream_of_events_does_not_end_by_itself(adapter: Adapter) {
    let server = adapter.start(with_heartbeats()).await;
    let mut events = EventStream::open(&server, "blog", None).await;
    for _ in 0..10 {
        assert!(matches!(events.next().await, Some(Item::Event { .. })));
    }
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    silence_is_broken_by_an_empty_frame_and_a_ping_in_one_write + websocket,
    silence_on_a_stream_of_events_is_broken_by_an_empty_event,
    a_reader_of_a_busy_page_is_pinged_and_stays + websocket,
    a_reader_of_a_busy_page_that_never_answers_is_closed + websocket,
    a_stream_of_events_does_not_end_by_itself,
];
