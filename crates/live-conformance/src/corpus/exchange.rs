//! A request and its answer.

use super::{
    bytes::Bytes,
    tables::{Answer, Connection, Frames, Held, How, Publish, Request, Then},
};
use crate::{
    client::{Response, WebSocket, Wire},
    model::Reader,
    server::TestServer,
};

/// Lets readers in who stay.
pub(super) async fn hold(server: &TestServer, held: &[Held]) -> Vec<Wire> {
    let mut wires = Vec::new();
    for Held { line, headers, status } in held {
        let values = Values::new(server, 0);
        let lines = std::iter::once(line).chain(headers).map(|line| [&values.fill(line), &b"\r\n"[..]].concat());
        let mut wire = Wire::connect(server).await;
        wire.send([lines.collect::<Vec<_>>().concat(), b"\r\n".to_vec()].concat()).await;
        assert_eq!(wire.head().await.map(|response| response.status), Some(*status), "{line:?}");
        wires.push(wire);
    }
    wires
}

/// What a case leaves behind.
#[derive(Default)]
pub(super) struct Outcome {
    /// A WebSocket that goes on.
    pub(super) open: Option<(WebSocket, Reader)>,
    /// Of the answer to a request.
    pub(super) status: Option<u16>,
}

/// Sends a request.
pub(super) async fn request(
    server: &TestServer,
    request: &Request,
    answer: &Answer,
    frames: Option<&Frames>,
) -> Outcome {
    let mut bytes = bytes(server, request);
    let pipelined = frames.filter(|frames| frames.how == How::WithTheHandshake);
    bytes.extend(pipelined.map(|frames| frames.send.to_vec()).unwrap_or_default());
    let mut wire = Wire::connect(server).await;
    // What the server refuses it need not read to its end.
    let _ = wire.try_send(&bytes).await;
    match request.then {
        Then::Wait => {}
        Then::HalfClose => wire.finish().await,
        Then::Reset => {
            wire.reset();
            return Outcome::default();
        }
    }
    if let Some(frames) = frames {
        let mut socket = WebSocket::begin(wire).await.expect("a WebSocket");
        judge(answer, Some(&socket.response));
        if pipelined.is_none() {
            let _ = socket.wire().try_send(frames.send.to_vec()).await;
        }
        return Outcome { open: super::frames::outcome(socket, frames).await, status: None };
    }
    let method = bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
    Outcome { open: None, status: take(server, wire, method, answer).await }
}

/// Publishes to the page.
pub(super) async fn publish(server: &TestServer, publish: &Publish, answer: &Answer) -> Outcome {
    let body = publish.body.to_vec();
    let mut head = format!("POST {}/publish/blog/ HTTP/1.1\r\nHost: live.example\r\n", server.prefix).into_bytes();
    for header in &publish.headers {
        head.extend([&header.to_vec()[..], b"\r\n"].concat());
    }
    head.extend(format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes());
    let mut wire = Wire::connect(server).await;
    let _ = wire.try_send([head, body].concat()).await;
    Outcome { open: None, status: take(server, wire, b"POST", answer).await }
}

fn bytes(server: &TestServer, request: &Request) -> Vec<u8> {
    let Request { raw, line, headers, body, .. } = request;
    if let Some(raw) = raw {
        assert!(line.is_none() && headers.is_empty() && body.to_vec().is_empty(), "raw is the whole request");
        return Values::new(server, 0).fill(raw);
    }
    let body = Values::new(server, 0).fill(body);
    let values = Values::new(server, body.len());
    let mut bytes = values.fill(line.as_ref().expect("a request has a line"));
    for header in headers {
        bytes.extend([b"\r\n", &values.fill(header)[..]].concat());
    }
    bytes.extend_from_slice(b"\r\n\r\n");
    bytes.extend(body);
    bytes
}

/// What the names in a request stand for.
struct Values(Vec<(&'static str, String)>);

impl Values {
    fn new(server: &TestServer, length: usize) -> Self {
        let body = r#"{"renders": {"smuggled": {"content": "<p data-post-id='smuggled'></p>"}}}"#;
        let smuggled = format!(
            "POST {}/publish/blog/ HTTP/1.1\r\nHost: live.example\r\nContent-Length: {}\r\n\r\n{body}",
            server.prefix,
            body.len()
        );
        Self(vec![
            ("{length}", length.to_string()),
            ("{smuggled length}", smuggled.len().to_string()),
            ("{smuggled hex}", format!("{:x}", smuggled.len())),
            ("{smuggled}", smuggled),
            ("{prefix}", server.prefix.to_owned()),
        ])
    }

    fn fill(&self, bytes: &Bytes) -> Vec<u8> {
        let values: Vec<_> = self.0.iter().map(|(name, value)| (*name, value.as_str())).collect();
        bytes.with(&values)
    }
}

/// Takes the answer, the only one, and judges it.
async fn take(server: &TestServer, mut wire: Wire, method: &[u8], answer: &Answer) -> Option<u16> {
    let mut response = wire.head().await;
    let is_open_ended = response
        .as_ref()
        .is_some_and(|response| response.status == 101 || response.header("content-type") == Some("text/event-stream"));
    if let Some(response) = response.as_mut().filter(|_| !is_open_ended && method != b"HEAD") {
        response.body = body(&mut wire, response).await;
    }
    judge(answer, response.as_ref());
    if response.is_some() && !is_open_ended {
        end(server, wire, answer.connection).await;
    }
    response.map(|response| response.status)
}

/// The body of an answer that ends (RFC 9112 §6.3).
async fn body(wire: &mut Wire, response: &Response) -> Vec<u8> {
    if let Some(length) = response.header("content-length") {
        return wire.take(length.parse().unwrap()).await.expect("as many bytes as the header says");
    }
    let mut body = Vec::new();
    if response.header("transfer-encoding").is_some() {
        while let Some(chunk) = wire.chunk().await.filter(|chunk| !chunk.is_empty()) {
            body.extend(chunk);
        }
    }
    body
}

fn judge(answer: &Answer, response: Option<&Response>) {
    let status = response.map(|response| response.status);
    assert!(answer.status.allow(status), "{response:?} is not {:?}", answer.status);
    let Some(response) = response else { return };
    for (name, value) in &answer.headers {
        assert_eq!(response.header(name), Some(value.as_str()), "{name} of {response:?}");
    }
    for (name, item) in &answer.lists {
        let mut items = response.header(name).unwrap_or_default().split(',');
        assert!(items.any(|listed| listed.trim().eq_ignore_ascii_case(item)), "{item} in {name} of {response:?}");
    }
    for name in &answer.absent {
        assert_eq!(response.header(name), None, "{name} of {response:?}");
    }
    let body = response.text();
    let text = answer.text.as_deref().unwrap_or_default();
    assert!(body.contains(text), "{text:?} is not in {body:?}");
}

/// The connection goes on or ends as it should, and nothing more comes on it.
async fn end(server: &TestServer, mut wire: Wire, connection: Option<Connection>) {
    match connection {
        None => wire.finish().await,
        Some(Connection::Ends) => {}
        Some(Connection::GoesOn) => {
            let request = crate::client::Request::new("GET", "/updates/blog/").under(server.prefix);
            assert_eq!(wire.ask(request).await.status, 200, "the connection goes on");
            wire.finish().await;
        }
    }
    let rest = wire.take_all().await;
    assert!(rest.is_empty(), "a second answer: {}", String::from_utf8_lossy(&rest));
}
