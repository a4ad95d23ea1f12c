//! Peers that say nothing, or not enough: every wait has an end.

use std::time::Duration;

use live_core::Config;

use crate::{
    adapter::{Adapter, Habit},
    case::Case,
    client::{Join, Message, Request, WebSocket, Wire},
    server::{TestServer, quick},
};

fn impatient() -> Config {
    Config {
        header_timeout: Duration::from_millis(300),
        body_timeout: Duration::from_millis(300),
        heartbeat: Duration::from_millis(100),
        silence_deadline: Duration::from_secs(2),
        ..quick()
    }
}

/// Somebody else is served meanwhile.
async fn others_are_served(server: &TestServer) {
    Join::WebSocket.first_frame(server, "blog", Some("*")).await.unwrap();
}

async fn a_connection_that_says_nothing_is_closed(adapter: Adapter) {
    let server = adapter.start(impatient()).await;
    let mut wire = Wire::connect(&server).await;
    others_are_served(&server).await;
    let answer = wire.response("GET").await.map(|response| response.status);
    assert_eq!(answer, adapter.has(Habit::AnswersSilence).then_some(408));
    assert!(wire.take_all().await.is_empty(), "the connection ends");
}

async fn a_request_whose_header_does_not_end_is_cut(adapter: Adapter) {
    let server = adapter.start(impatient()).await;
    let mut wire = Wire::connect(&server).await;
    wire.send("GET /updates/blog/ HTTP/1.1\r\nHost: live.example\r\n").await;
    others_are_served(&server).await;
    let mut dripped = 0;
    // A byte now and then must not keep it.
    while wire.try_send("x").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        dripped += 1;
        assert!(dripped < 500, "ten seconds of a header");
    }
    let answer = wire.response("GET").await.map(|response| response.status);
    assert!(matches!(answer, None | Some(408)), "{answer:?}");
}

async fn a_body_that_does_not_come_is_not_waited_for(adapter: Adapter) {
    let server = adapter.start(impatient()).await;
    let before = server.cursor("blog").await;
    let mut wire = Wire::connect(&server).await;
    let request = Request::publish("blog", "").with("Content-Length", "100").under(server.prefix);
    wire.send([&request.to_bytes(), &b"{\"renders\""[..]].concat()).await;
    others_are_served(&server).await;
    let response = wire.response("POST").await.unwrap();
    assert_eq!((response.status, response.text().as_str()), (400, "the body did not come in time\n"));
    assert_eq!(server.cursor("blog").await, before);
}

async fn a_reader_that_answers_no_ping_is_closed_and_forgotten(adapter: Adapter) {
    let server = adapter.start(impatient()).await;
    let mut silent = WebSocket::open(&server, "blog", None).await;
    let mut other = WebSocket::open(&server, "blog", None).await;
    let answering = tokio::spawn(async move {
        loop {
            other.frame().await;
        }
    });
    assert_eq!(silent.close_frame().await, (4001, "no answer to pings".to_owned()));
    // It does not answer the close frame either.
    assert_eq!(silent.next().await, Message::End);
    server.has_readers(1).await;
    assert!(!answering.is_finished());
    answering.abort();
}

async fn a_reader_that_answers_stays(adapter: Adapter) {
    let server = adapter.start(impatient()).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    for _ in 0..10 {
        assert!(socket.frame().await.is_empty());
    }
    assert_eq!(server.readers(), 1);
}

async fn an_idle_connection_between_two_requests_is_closed_in_time(adapter: Adapter) {
    let server = adapter.start(impatient()).await;
    let mut wire = Wire::connect(&server).await;
    assert_eq!(wire.ask(Request::new("GET", "/live.js").under(server.prefix)).await.status, 200);
    assert!(wire.take_all().await.is_empty());
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    a_connection_that_says_nothing_is_closed + websocket,
    a_request_whose_header_does_not_end_is_cut + websocket,
    a_body_that_does_not_come_is_not_waited_for,
    a_reader_that_answers_no_ping_is_closed_and_forgotten + websocket,
    a_reader_that_answers_stays + websocket,
    an_idle_connection_between_two_requests_is_closed_in_time,
];
