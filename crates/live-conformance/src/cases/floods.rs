//! Readers that send without end: the server neither grows nor stops.

use std::time::Duration;

use crate::{
    adapter::Adapter,
    case::Case,
    client::{Message, WebSocket, Wire, masked, raw, within},
    server::{TestServer, quick},
};

/// A reader who only wants to read, and does.
async fn another(server: &TestServer) -> WebSocket {
    let mut other = WebSocket::open(server, "blog", None).await;
    other.frame().await;
    other
}

async fn is_served(server: &TestServer, other: &mut WebSocket) {
    let cursor = server.post("blog", "1", "meanwhile").await;
    assert_eq!(other.frame().await.cursor, cursor);
}

async fn pings_of_a_reader_that_does_not_read_do_not_pile_up(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let mut other = another(&server).await;
    let wire = Wire::connect_narrow(&server).await;
    let mut socket = WebSocket::open_on(wire, &server, "blog", None).await;
    socket.frame().await;
    let pings = masked(0x9, &[7; 125]).repeat(1_000);
    let mut sent = 0;
    // Where the server does not take in more than it can answer, the sender is held up.
    let held_up = loop {
        let taken = socket.wire().send_for(&pings, Duration::from_secs(1)).await;
        sent += taken;
        if taken == 0 || sent > (256 << 20) {
            break taken == 0;
        }
    };
    assert!(held_up, "{sent} bytes of pings were taken in, and their answers are somewhere");
    is_served(&server, &mut other).await;
    // It gets its answers when it reads.
    let mut pongs = 0;
    while pongs < 1_000 {
        match socket.next().await {
            Message::Pong(payload) => pongs += usize::from(payload == [7; 125]),
            Message::Text(_) => {}
            other => panic!("{other:?}"),
        }
    }
    drop(socket);
    server.has_readers(1).await;
}

async fn a_message_of_endless_fragments_stays_within_its_limit(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let mut other = another(&server).await;
    let mut socket = another(&server).await;
    socket.wire().send(raw(0x02, b"x")).await;
    let nothing = raw(0x00, b"").repeat(1_000);
    for _ in 0..50 {
        socket.wire().send(&nothing).await;
    }
    is_served(&server, &mut other).await;
    socket.send(0x9, b"still there").await;
    within("the pong", async { while socket.next().await != Message::Pong(b"still there".to_vec()) {} }).await;
    socket.wire().send(raw(0x00, b"y").repeat(4_096)).await;
    assert_eq!(socket.closing().await.0, 1009);
}

async fn messages_without_end_do_not_keep_frames_from_their_sender(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let mut other = another(&server).await;
    let mut socket = another(&server).await;
    let chatter = masked(0x1, &[b'x'; 1_000]).repeat(100);
    for _ in 0..20 {
        socket.wire().send(&chatter).await;
        let cursor = server.post("blog", "1", "edit").await;
        assert_eq!(socket.frame().await.cursor, cursor);
        assert_eq!(other.frame().await.cursor, cursor);
    }
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    pings_of_a_reader_that_does_not_read_do_not_pile_up + websocket,
    a_message_of_endless_fragments_stays_within_its_limit + websocket,
    messages_without_end_do_not_keep_frames_from_their_sender + websocket,
];
