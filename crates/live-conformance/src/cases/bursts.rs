//! Much at a time: updates, and readers.

use std::time::{Duration, Instant};

use live_core::Update;

use crate::{
    adapter::Adapter,
    case::Case,
    client::{EventStream, Join, Request, WebSocket, Wire, eventually},
    model::{Applied, Reader, Shown},
    random::Random,
    server::{TestServer, is_long, quick, render},
};

async fn a_burst_beyond_what_the_hub_is_told_of_reaches_every_reader(adapter: Adapter) {
    let server = adapter.start(quick()).await;
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

async fn a_page_is_joined_once_however_many_come_at_a_time(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let handshake = Request::handshake("/ws/channel/blog/").under(server.prefix).to_bytes();
    let mut wires = Vec::new();
    for _ in 0..50 {
        let mut wire = Wire::connect(&server).await;
        wire.send(&handshake).await;
        wires.push(wire);
    }
    server.has_readers(50).await;
    eventually("one subscription", || server.subscriptions() == 1 && server.open_pages() == 1).await;
    drop(wires);
    server.forgets_its_readers().await;
    server.publish("blog", Update::new().render(render("1", "one"))).await;
    assert!(Join::Poll.first_frame(&server, "blog", None).await.is_some());
}

/// Publishes after a moment that is too short for a timer.
async fn publish_after(server: TestServer, moment: Duration, number: usize) -> String {
    let began = Instant::now();
    while began.elapsed() < moment {
        std::hint::spin_loop();
    }
    server.post("blog", "1", &number.to_string()).await
}

async fn a_reader_that_joins_at_the_moment_of_a_publish_misses_nothing(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.seed("blog", &["1"]).await;
    let mut random = Random::new(1);
    for number in 0..if is_long() { 20_000 } else { 2_000 } {
        let mut reader = Reader::of_html(&server.cursor("blog").await, Shown::by(&server, "blog").await);
        let wire = Wire::connect(&server).await;
        let moment = Duration::from_micros(random.below(400) as u64);
        let publishing = tokio::spawn(publish_after(server.clone(), moment, number));
        let mut socket = WebSocket::open_on(wire, &server, "blog", reader.start().as_deref()).await;
        let mut hello = socket.frame().await;
        let head = publishing.await.unwrap();
        while reader.apply(&hello) != Applied::Foreign && !reader.is_at(&head) {
            hello = socket.frame().await;
        }
        assert_eq!(reader.shown, Shown::by(&server, "blog").await, "{number}: {hello:?}");
    }
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    a_burst_beyond_what_the_hub_is_told_of_reaches_every_reader,
    a_page_is_joined_once_however_many_come_at_a_time,
    a_reader_that_joins_at_the_moment_of_a_publish_misses_nothing + threaded + websocket,
];
