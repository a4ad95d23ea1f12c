//! Readers that leave, in order or not: nothing of them stays.

use crate::{
    adapter::Adapter,
    case::Case,
    client::{EventStream, Request, WebSocket, Wire},
    server::quick,
};

async fn a_reader_that_leaves_is_forgotten_however_it_leaves(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.post("blog", "1", "one").await;
    let head = server.cursor("blog").await;
    let ways: [fn(Wire); 2] = [Wire::reset, drop];
    for leave in ways {
        let socket = WebSocket::open(&server, "blog", Some(&head)).await.into_wire();
        let events = EventStream::open(&server, "blog", Some(&head)).await.into_wire();
        let mut poll = Wire::connect(&server).await;
        poll.send(Request::new("GET", &format!("/updates/blog/?wait&cursor={head}")).under(server.prefix).to_bytes())
            .await;
        server.has_readers(3).await;
        for wire in [socket, events, poll] {
            leave(wire);
        }
        server.has_readers(0).await;
    }
    server.forgets_its_readers().await;
}

async fn a_reader_that_ends_its_half_of_the_connection_has_left(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let head = server.post("blog", "1", "one").await;
    let socket = WebSocket::open(&server, "blog", Some(&head)).await.into_wire();
    let events = EventStream::open(&server, "blog", Some(&head)).await.into_wire();
    let mut poll = Wire::connect(&server).await;
    poll.send(Request::new("GET", &format!("/updates/blog/?wait&cursor={head}")).under(server.prefix).to_bytes()).await;
    server.has_readers(3).await;
    for mut wire in [socket, events, poll] {
        wire.finish().await;
        wire.take_all().await;
    }
    server.has_readers(0).await;
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    a_reader_that_leaves_is_forgotten_however_it_leaves,
    a_reader_that_ends_its_half_of_the_connection_has_left,
];
