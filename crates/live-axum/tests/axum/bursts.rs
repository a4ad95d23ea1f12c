//! Much at a time: updates, and readers.

use live_core::Update;

use crate::{
    client::{EventStream, Join, Request, WebSocket, Wire, eventually},
    model::{Reader, Shown},
    server::{quick, render, start},
};

#[tokio::test]
async fn a_burst_beyond_what_the_hub_is_told_of_reaches_every_reader() {
    let server = start(quick()).await;
    server.seed("blog", &["1"]).await;
    let mut socket = WebSocket::open(&server, "blog", Some("*")).await;
    let mut events = EventStream::open(&server, "blog", Some("*")).await;
    let (mut by_socket, mut by_events) = (Reader::default(), Reader::default());
    by_socket.apply(&socket.frame().await);
    by_events.apply(&events.frame().await);
    // Publishing to the bus of this process never waits, so nothing else runs meanwhile.
    let mut head = String::new();
    for number in 0..5_000 {
        head = server.post("blog", &(number % 100).to_string(), &number.to_string()).await;
    }
    while !by_socket.is_at(&head) {
        by_socket.apply(&socket.frame().await);
    }
    while !by_events.is_at(&head) {
        by_events.apply(&events.frame().await);
    }
    let page = Shown::by(&server, "blog").await;
    assert_eq!((&by_socket.shown, &by_events.shown), (&page, &page));
    assert_eq!((by_socket.resets, by_events.resets), (1, 1));
}

#[tokio::test]
async fn a_page_is_joined_once_however_many_come_at_a_time() {
    let server = start(quick()).await;
    let handshake = Request::handshake("/ws/channel/blog/").under(server.prefix).to_bytes();
    let mut wires = Vec::new();
    for _ in 0..50 {
        let mut wire = Wire::connect(&server).await;
        wire.send(&handshake).await;
        wires.push(wire);
    }
    server.has_readers(50).await;
    eventually("one subscription", || server.bus.subscriptions() == 1 && server.hub.open_pages() == 1).await;
    drop(wires);
    server.forgets_its_readers().await;
    server.publish("blog", Update::new().render(render("1", "one"))).await;
    assert!(Join::Poll.first_frame(&server, "blog", None).await.is_some());
}
