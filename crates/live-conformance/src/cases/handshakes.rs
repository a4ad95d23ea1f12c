//! The WebSocket handshake (RFC 6455 §4.2), good and bad.

use crate::{
    adapter::Adapter,
    case::Case,
    client::{Message, Request, Response, WebSocket, Wire, masked},
    server::{TestServer, quick},
};

const ROUTE: &str = "/ws/channel/blog/";

async fn answer(server: &TestServer, request: Request) -> Response {
    let mut wire = Wire::connect(server).await;
    wire.send(request.under(server.prefix).to_bytes()).await;
    wire.head().await.unwrap_or_else(|| panic!("no answer to {request:?}"))
}

async fn status(server: &TestServer, request: Request) -> u16 {
    answer(server, request).await.status
}

/// Another reader is there, and gets what is published.
async fn others_are_served(server: &TestServer) {
    let mut reader = WebSocket::open(server, "blog", None).await;
    reader.frame().await;
    let cursor = server.post("blog", "after", "the storm").await;
    assert_eq!(reader.frame().await.cursor, cursor);
    drop(reader);
    server.has_readers(0).await;
}

async fn a_handshake_without_a_valid_key_is_refused(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    assert_eq!(status(&server, Request::handshake(ROUTE).without("Sec-WebSocket-Key")).await, 400);
    for bad in ["", "x", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=?", "dGhlIHNhbXBsZSBub25j", "AAAA", "ü"] {
        let request = Request::handshake(ROUTE).with("Sec-WebSocket-Key", bad);
        assert_eq!(status(&server, request).await, 400, "{bad}");
    }
    let long = "A".repeat(4_000);
    assert_eq!(status(&server, Request::handshake(ROUTE).with("Sec-WebSocket-Key", &long)).await, 400);
    others_are_served(&server).await;
}

async fn a_header_of_the_handshake_that_comes_twice_is_refused(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    for (name, value) in [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13")] {
        assert_eq!(status(&server, Request::handshake(ROUTE).header(name, value)).await, 400, "{name}");
    }
    others_are_served(&server).await;
}

async fn another_version_is_told_which_one_there_is(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    for version in ["8", "0", "7", "", "13, 8", "14", "+13", "13.0"] {
        let response = answer(&server, Request::handshake(ROUTE).with("Sec-WebSocket-Version", version)).await;
        assert_eq!((response.status, response.header("sec-websocket-version")), (426, Some("13")), "{version}");
    }
    let without = answer(&server, Request::handshake(ROUTE).without("Sec-WebSocket-Version")).await;
    assert_eq!((without.status, without.header("sec-websocket-version")), (426, Some("13")));
    others_are_served(&server).await;
}

async fn a_request_that_asks_for_no_upgrade_is_told_to(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let handshake = || Request::handshake(ROUTE);
    for request in [
        Request::new("GET", ROUTE),
        handshake().without("Connection"),
        handshake().without("Upgrade"),
        handshake().with("Connection", "keep-alive"),
        handshake().with("Upgrade", "h2c"),
        handshake().with("Upgrade", "websockets"),
    ] {
        let response = answer(&server, request.clone()).await;
        assert_eq!((response.status, response.header("upgrade")), (426, Some("websocket")), "{request:?}");
    }
    others_are_served(&server).await;
}

async fn a_handshake_is_a_get_of_http_1_1(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let post = Request::handshake(ROUTE).under(server.prefix).body("").to_bytes();
    let post = [b"POST", &post[3..]].concat();
    let mut wire = Wire::connect(&server).await;
    wire.send(post).await;
    assert_eq!(wire.head().await.unwrap().status, 405);
    assert_eq!(status(&server, Request::handshake(ROUTE).version("HTTP/1.0")).await, 400);
    others_are_served(&server).await;
}

async fn tokens_may_be_lists_and_in_any_case(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let handshake = || Request::handshake(ROUTE);
    for request in [
        handshake().with("Connection", "keep-alive, Upgrade"),
        handshake().with("Connection", "upgrade"),
        handshake().with("Connection", "keep-alive").header("Connection", "Upgrade"),
        handshake().with("Upgrade", "WebSocket"),
        handshake().without("Upgrade").header("UPGRADE", "websocket"),
    ] {
        let wire = Wire::connect(&server).await;
        let mut reader = WebSocket::ask_on(wire, request.under(server.prefix), b"").await;
        assert!(reader.frame().await.is_empty());
    }
    server.has_readers(0).await;
}

async fn no_subprotocol_and_no_extension_is_negotiated(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    for (name, value) in [
        ("Sec-WebSocket-Protocol", "live, chat"),
        ("Sec-WebSocket-Protocol", "ünïcode"),
        ("Sec-WebSocket-Protocol", ","),
        ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
        ("Sec-WebSocket-Extensions", "x;;=,\"unended"),
    ] {
        let request = Request::handshake(ROUTE).header(name, value).under(server.prefix);
        let mut reader = WebSocket::ask_on(Wire::connect(&server).await, request, b"").await;
        assert_eq!(reader.response.header(name), None);
        assert!(reader.frame().await.is_empty());
    }
    server.has_readers(0).await;
}

async fn what_a_reader_sends_right_behind_its_handshake_is_read(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let behind = [masked(0x9, b"early"), masked(0x1, b"ignored"), masked(0x8, &1000u16.to_be_bytes())].concat();
    for cut in [0, 1, 7, 20, behind.len()] {
        let request = Request::handshake(ROUTE).under(server.prefix);
        let mut reader = WebSocket::ask_on(Wire::connect(&server).await, request, &behind[..cut]).await;
        reader.wire().send(&behind[cut..]).await;
        let mut messages = Vec::new();
        while !matches!(messages.last(), Some(Message::End)) {
            messages.push(reader.next().await);
        }
        messages.retain(|message| !matches!(message, Message::Text(_)));
        let close = Message::Close(1000, String::new());
        assert!(messages.ends_with(&[close, Message::End]), "{cut}: {messages:?}");
    }
    server.has_readers(0).await;
}

async fn a_connection_that_asked_for_something_else_before_may_become_a_websocket(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let mut wire = Wire::connect(&server).await;
    assert_eq!(wire.ask(Request::new("GET", "/updates/blog/").under(server.prefix)).await.status, 200);
    assert_eq!(wire.ask(Request::new("GET", ROUTE).under(server.prefix)).await.status, 426);
    let mut reader = WebSocket::open_on(wire, &server, "blog", None).await;
    assert!(reader.frame().await.is_empty());
}

async fn a_header_without_measure_is_refused(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let many = (0..2_000).fold(Request::handshake(ROUTE), |request, n| request.header(&format!("X-{n}"), "x"));
    let long = Request::handshake(ROUTE).header("X", &"x".repeat(64 << 10));
    let long_target = Request::handshake(&format!("{ROUTE}?cursor={}", "x".repeat(64 << 10)));
    for request in [many, long, long_target] {
        let mut wire = Wire::connect(&server).await;
        let _ = wire.try_send(request.under(server.prefix).to_bytes()).await;
        // With bytes unread the kernel may end the connection before the answer is read.
        let status = wire.head().await.map(|response| response.status);
        assert!(matches!(status, None | Some(400 | 414 | 431)), "{status:?}");
    }
    let fine = (0..50).fold(Request::handshake(ROUTE), |request, n| request.header(&format!("X-{n}"), "x"));
    assert_eq!(status(&server, fine).await, 101);
    others_are_served(&server).await;
}

async fn a_body_on_a_handshake_is_not_taken_for_frames(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let body = masked(0x8, &1000u16.to_be_bytes());
    let mut wire = Wire::connect(&server).await;
    wire.send(Request::handshake(ROUTE).body(&body).under(server.prefix).to_bytes()).await;
    let status = wire.head().await.map(|response| response.status);
    assert!(matches!(status, Some(101 | 400)), "{status:?}");
    drop(wire);
    others_are_served(&server).await;
}

async fn the_answer_and_the_first_frame_come_in_one_segment(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let mut together = 0;
    for _ in 0..20 {
        let mut wire = Wire::connect(&server).await;
        wire.send(Request::handshake(ROUTE).under(server.prefix).to_bytes()).await;
        assert!(wire.read_more().await);
        assert_eq!(wire.head().await.unwrap().status, 101);
        together += usize::from(wire.unread().starts_with(&[0x81]));
    }
    // Only Linux can be told that more follows, and it does not wait for a server that has no time for long.
    assert!(together > 15 || !cfg!(target_os = "linux"), "{together} of 20");
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    a_handshake_without_a_valid_key_is_refused + websocket,
    a_header_of_the_handshake_that_comes_twice_is_refused + websocket,
    another_version_is_told_which_one_there_is + websocket,
    a_request_that_asks_for_no_upgrade_is_told_to,
    a_handshake_is_a_get_of_http_1_1 + websocket,
    tokens_may_be_lists_and_in_any_case + websocket,
    no_subprotocol_and_no_extension_is_negotiated + websocket,
    what_a_reader_sends_right_behind_its_handshake_is_read + websocket,
    a_connection_that_asked_for_something_else_before_may_become_a_websocket,
    the_answer_and_the_first_frame_come_in_one_segment + websocket,
    a_header_without_measure_is_refused + websocket,
    a_body_on_a_handshake_is_not_taken_for_frames + websocket,
];
