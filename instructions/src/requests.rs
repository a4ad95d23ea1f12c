//! Requests to the core, as an adapter hands them over.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Empty;
use live_core::{Cursor, http::Answer};

use crate::{counted::counted, readers::Readers};

/// The headers that a browser sends with each request.
const HEADERS: [(&str, &str); 5] = [
    ("host", "live.example.com"),
    ("origin", "https://live.example.com"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("accept", "*/*"),
    ("accept-encoding", "gzip, deflate, br"),
];

const HANDSHAKE: [(&str, &str); 4] = [
    ("connection", "keep-alive, Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// Counts polls of a reader at this cursor.
pub(crate) fn poll(readers: &Readers, cursor: Cursor, expected: StatusCode, times: u32) -> Result<()> {
    let path = format!("/updates/{}/?cursor={cursor}", readers.channel);
    respond(readers, (Method::GET, &path), &[], expected, times)
}

/// Counts polls of Wagtail Live's own page, which asks for the time of the last update.
pub(crate) fn probe(readers: &Readers, times: u32) -> Result<()> {
    let path = format!("/get-updates/{}/", readers.channel);
    respond(readers, (Method::HEAD, &path), &[], StatusCode::OK, times)
}

/// Counts WebSocket handshakes of a reader at this cursor, from the request to the reader that has joined the page and left it again.
pub(crate) fn handshake(readers: &Readers, cursor: Cursor, times: u32) -> Result<()> {
    let path = format!("/ws/channel/{}/?cursor={cursor}", readers.channel);
    respond(readers, (Method::GET, &path), &HANDSHAKE, StatusCode::SWITCHING_PROTOCOLS, times)
}

/// As hyper hands it over: the target and the values are parts of the buffer that it was read into.
///
/// # Errors
/// The path or a header is not valid.
pub fn request(method: &Method, path: &str, more: &[(&'static str, &'static str)]) -> Result<Request<Empty<Bytes>>> {
    let headers = HEADERS.iter().chain(more);
    let texts: Vec<_> = [path].into_iter().chain(headers.clone().map(|(_, value)| *value)).collect();
    let mut buffer = Bytes::from(texts.concat());
    let mut texts = texts.into_iter().map(|text| buffer.split_to(text.len()));
    let path = texts.next().context("no path")?;
    let mut request = Request::builder().method(method).uri(Uri::from_maybe_shared(path)?);
    for ((name, _), value) in headers.zip(texts) {
        request = request.header(*name, HeaderValue::from_maybe_shared(value)?);
    }
    Ok(request.body(Empty::new())?)
}

/// The answer's status, unless it has to be waited for.
pub fn answer(readers: &Readers, request: Request<Empty<Bytes>>) -> Option<StatusCode> {
    // Without the runtime, which would add what it costs to begin and to end: the page is open, so nothing is waited for.
    match pin!(readers.hub.respond(request, None)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Answer::Response(response)) => Some(response.status()),
        Poll::Ready(Answer::Upgrade(upgrade)) => Some(upgrade.response.status()),
        Poll::Pending => None,
    }
}

fn respond(
    readers: &Readers,
    (method, path): (Method, &str),
    more: &[(&'static str, &'static str)],
    expected: StatusCode,
    times: u32,
) -> Result<()> {
    let _entered = readers.runtime.enter();
    for _ in 0..times {
        let request = request(&method, path, more)?;
        let mut status = None;
        counted(|| status = answer(readers, request));
        let status = status.context("the answer was waited for")?;
        ensure!(status == expected, "{path} was answered {status}");
    }
    Ok(())
}
