//! Requests that two parsers could read in two ways: nothing is hidden in them.

use std::time::Duration;

use crate::{adapter::Adapter, case::Case, cases::publishing::renders, client::Wire, server::quick};

async fn no_request_hides_in_the_body_of_another(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let before = server.cursor("blog").await;
    let hidden = {
        let body = renders(&[("1", "smuggled")]);
        format!(
            "POST /live/publish/blog/ HTTP/1.1\r\nHost: live.example\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let length = hidden.len();
    let wrapped = |headers: &str, body: &str| {
        format!("POST /live/publish/other/ HTTP/1.1\r\nHost: live.example\r\n{headers}\r\n\r\n{body}")
    };
    let chunk = format!("{length:x}\r\n{hidden}\r\n0\r\n\r\n");
    for request in [
        wrapped(&format!("Content-Length: {length}\r\nContent-Length: {length}"), &hidden),
        wrapped(&format!("Content-Length: {length}, {length}"), &hidden),
        wrapped(&format!("Content-Length: {length}\r\nContent-Length: 0"), &hidden),
        wrapped(&format!("Content-Length: 0\r\nContent-Length: {length}"), &hidden),
        wrapped(&format!("Content-Length: +{length}"), &hidden),
        wrapped("Content-Length: -1", &hidden),
        wrapped(&format!("Content-Length: 0x{length:x}"), &hidden),
        wrapped("Content-Length: 0\r\nTransfer-Encoding: chunked", &chunk),
        wrapped("Transfer-Encoding: chunked\r\nContent-Length: 0", &chunk),
        wrapped("Transfer-Encoding: xchunked", &hidden),
        wrapped("Transfer-Encoding: chunked, identity", &hidden),
        wrapped("Transfer-Encoding: identity, chunked\r\nTransfer-Encoding: identity", &hidden),
        wrapped("Transfer-Encoding : chunked", &chunk),
        wrapped(" Transfer-Encoding: chunked", &chunk),
        wrapped("X: y\r\n Transfer-Encoding: chunked", &chunk),
        wrapped("Transfer-Encoding: chunked", &format!("fffffffffffffffff\r\n{hidden}")),
        wrapped("Transfer-Encoding: chunked", &format!("-1\r\n{hidden}")),
        wrapped("Transfer-Encoding: chunked", &format!("0x5\r\n{hidden}")),
    ] {
        let mut wire = Wire::connect(&server).await;
        let _ = wire.try_send(&request).await;
        wire.finish().await;
        let answers = String::from_utf8(wire.take_all().await).unwrap();
        assert!(!answers.contains("200 OK"), "{request}\n{answers}");
    }
    assert_eq!(server.cursor("blog").await, before);
}

async fn what_cannot_be_parsed_ends_its_connection_and_no_other(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let mut other = crate::client::WebSocket::open(&server, "blog", None).await;
    other.frame().await;
    for garbage in [
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\0\0\0\0",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}",
        "GET /live/updates/\u{7f}/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /live/updates/a b/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /live/updates/a/ HTTP/1.1\r\nHo\0st: x\r\n\r\n",
    ] {
        let mut wire = Wire::connect(&server).await;
        wire.send(garbage).await;
        wire.finish().await;
        let answer = String::from_utf8(wire.take_for(Duration::from_secs(5)).await).unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{garbage:?}: {answer}");
    }
    let cursor = server.post("blog", "1", "all is well").await;
    assert_eq!(other.frame().await.cursor, cursor);
}

/// All cases of this module.
pub(crate) const CASES: &[Case] =
    cases![no_request_hides_in_the_body_of_another, what_cannot_be_parsed_ends_its_connection_and_no_other,];
