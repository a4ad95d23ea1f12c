//! What readers send on a WebSocket: nothing of it counts, and none of it does harm.

use crate::{
    adapter::Adapter,
    case::Case,
    client::{Message, WebSocket, masked, raw},
    server::{TestServer, quick},
};

/// How the server closes a connection on which this comes, while another reader is served.
async fn closes(server: &TestServer, other: &mut WebSocket, bytes: &[u8]) -> u16 {
    let mut socket = WebSocket::open(server, "blog", None).await;
    socket.frame().await;
    socket.wire().send(bytes).await;
    let (code, reason) = socket.closing().await;
    assert!(reason.len() <= 123);
    let cursor = server.post("blog", "1", "another reader").await;
    assert_eq!(other.frame().await.cursor, cursor);
    server.has_readers(1).await;
    code
}

async fn with_another(adapter: Adapter) -> (TestServer, WebSocket) {
    let server = adapter.start(quick()).await;
    let mut other = WebSocket::open(&server, "blog", None).await;
    other.frame().await;
    (server, other)
}

async fn a_breach_of_the_protocol_is_closed_with_1002(adapter: Adapter) {
    let (server, mut other) = with_another(adapter).await;
    for (what, bytes) in [
        ("not masked", vec![0x81, 0x01, b'x']),
        ("a reserved bit", raw(0xc1, b"x")),
        ("another reserved bit", raw(0x91, b"x")),
        ("a reserved opcode", raw(0x83, b"x")),
        ("a reserved control opcode", raw(0x8b, b"x")),
        ("a fragmented ping", raw(0x09, b"x")),
        ("a long ping", masked(0x9, &[0; 126])),
        ("a continuation of nothing", raw(0x80, b"x")),
        ("a message within a message", [raw(0x01, b"x"), raw(0x81, b"y")].concat()),
        ("a close frame of one byte", masked(0x8, b"x")),
        ("a close frame with a code that is none", masked(0x8, &999u16.to_be_bytes())),
        ("a close frame with a code that is not sent", masked(0x8, &1005u16.to_be_bytes())),
        ("a close frame with a code out of range", masked(0x8, &65_535u16.to_be_bytes())),
    ] {
        assert_eq!(closes(&server, &mut other, &bytes).await, 1002, "{what}");
    }
}

async fn text_that_is_not_utf_8_is_closed_with_1007(adapter: Adapter) {
    let (server, mut other) = with_another(adapter).await;
    for (what, bytes) in [
        ("text", masked(0x1, b"\xff")),
        ("text that ends within a character", masked(0x1, b"\xe2\x82")),
        ("a surrogate", masked(0x1, b"\xed\xa0\x80")),
        ("in a later fragment", [raw(0x01, b"x"), raw(0x80, b"\xc0\xaf")].concat()),
        ("the reason of a close frame", masked(0x8, b"\x03\xe8\xff")),
    ] {
        assert_eq!(closes(&server, &mut other, &bytes).await, 1007, "{what}");
    }
}

async fn more_than_a_reader_may_send_is_closed_with_1009(adapter: Adapter) {
    let (server, mut other) = with_another(adapter).await;
    let announced = |length: u64| [&[0x82, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat();
    for (what, bytes) in [
        ("4,097 bytes", masked(0x2, &[0; 4_097])),
        ("a GiB announced", announced(1 << 30)),
        ("2^63 bytes announced", announced(1 << 63)),
        ("2^64 - 1 bytes announced", announced(u64::MAX)),
        ("in fragments", [raw(0x02, &[0; 2_000]), raw(0x00, &[0; 2_000]), raw(0x00, &[0; 97])].concat()),
    ] {
        assert_eq!(closes(&server, &mut other, &bytes).await, 1009, "{what}");
    }
}

async fn what_a_reader_says_is_ignored(adapter: Adapter) {
    let (server, mut other) = with_another(adapter).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    socket.frame().await;
    for bytes in [
        masked(0x1, "{\"renders\": {\"1\": {}}}".as_bytes()),
        masked(0x2, &[0; 4_096]),
        masked(0x1, b""),
        masked(0xa, b"a pong that nobody asked for"),
        [raw(0x01, "h\u{fc}".as_bytes()), raw(0x00, b""), masked(0x9, b"between"), raw(0x80, b"!")].concat(),
    ] {
        socket.wire().send(&bytes).await;
    }
    assert_eq!(socket.next().await, Message::Pong(b"between".to_vec()));
    let cursor = server.post("blog", "1", "published by a publisher").await;
    for reader in [&mut socket, &mut other] {
        let frame = reader.frame().await;
        assert!(frame.cursor == cursor && frame.ids() == ["1"], "{frame:?}");
    }
}

async fn a_ping_is_answered_with_what_it_said(adapter: Adapter) {
    let (server, _other) = with_another(adapter).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    socket.frame().await;
    for payload in [&b""[..], b"x", &[0xff; 125]] {
        socket.send(0x9, payload).await;
        assert_eq!(socket.next().await, Message::Pong(payload.to_vec()));
    }
    let ten: Vec<u8> = (0..10u8).flat_map(|number| masked(0x9, &[number])).collect();
    socket.wire().send(&ten).await;
    for number in 0..10 {
        assert_eq!(socket.next().await, Message::Pong(vec![number]));
    }
}

async fn a_close_is_answered_with_its_code_and_the_server_ends_the_connection(adapter: Adapter) {
    let (server, _other) = with_another(adapter).await;
    for code in [1000, 1001, 1003, 1011, 3000, 3999, 4000, 4999u16] {
        let mut socket = WebSocket::open(&server, "blog", None).await;
        socket.frame().await;
        socket.send(0x8, &[&code.to_be_bytes()[..], "göödbye".as_bytes()].concat()).await;
        assert_eq!(socket.closing().await.0, code);
        server.has_readers(1).await;
    }
    let mut socket = WebSocket::open(&server, "blog", None).await;
    socket.send(0x8, b"").await;
    assert_eq!(socket.closing().await.0, 1005, "no code is answered with none");
}

async fn what_follows_a_close_is_not_read(adapter: Adapter) {
    let (server, _other) = with_another(adapter).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    socket.frame().await;
    let behind = [masked(0x8, &1000u16.to_be_bytes()), masked(0x9, b"ping"), vec![0xff; 100]].concat();
    socket.wire().send(&behind).await;
    assert_eq!(socket.closing().await.0, 1000);
    server.has_readers(1).await;
}

async fn frames_may_come_byte_by_byte(adapter: Adapter) {
    let (server, _other) = with_another(adapter).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    socket.frame().await;
    let message =
        [raw(0x01, b"he"), masked(0x9, b"ping"), raw(0x80, b"llo"), masked(0x8, &1000u16.to_be_bytes())].concat();
    for byte in message {
        socket.wire().send([byte]).await;
        // The server reads each by itself.
        tokio::task::yield_now().await;
    }
    assert_eq!(socket.next().await, Message::Pong(b"ping".to_vec()));
    assert_eq!(socket.closing().await.0, 1000);
    server.has_readers(1).await;
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    a_breach_of_the_protocol_is_closed_with_1002 + websocket,
    text_that_is_not_utf_8_is_closed_with_1007 + websocket,
    more_than_a_reader_may_send_is_closed_with_1009 + websocket,
    what_a_reader_says_is_ignored + websocket,
    a_ping_is_answered_with_what_it_said + websocket,
    a_close_is_answered_with_its_code_and_the_server_ends_the_connection + websocket,
    what_follows_a_close_is_not_read + websocket,
    frames_may_come_byte_by_byte + websocket,
];
