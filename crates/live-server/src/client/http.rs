//! One HTTP/1.1 connection to a server, opened again when it was lost.

use std::{io, time::SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header, request};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    body::{Body, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;

use super::{connect::Server, retry::retry_after, text::plain};

/// Sends one request at a time over a connection that stays open.
pub(crate) struct HttpClient {
    server: Server,
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("cannot reach {url}: {source}")]
    Connect { url: String, source: io::Error },
    #[error("{url} does not speak HTTP: {} (is it https?)", innermost(.source))]
    Foreign { url: String, source: hyper::Error },
    #[error("{url} does not answer: {}", innermost(.source))]
    Lost { url: String, source: hyper::Error },
}

impl HttpError {
    /// Whether asking again would come to the same: a certificate that nobody vouches for, or no HTTP at all.
    pub(crate) fn lasts(&self) -> bool {
        match self {
            // What connecting itself comes to is never "invalid data"; TLS is.
            Self::Connect { source, .. } => source.kind() == io::ErrorKind::InvalidData,
            Self::Foreign { .. } => true,
            Self::Lost { .. } => false,
        }
    }
}

impl HttpClient {
    pub(crate) fn new(server: Server) -> Self {
        Self { server, sender: None }
    }

    /// Sends a request and returns the head of the answer.
    ///
    /// When it is cancelled, the connection is given up, because the answer to come would be taken for that of another request.
    pub(crate) async fn ask(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, HttpError> {
        let mut sender = match self.kept().await {
            Some(sender) => sender,
            None => self.open().await?,
        };
        let response = sender.send_request(request).await.map_err(|source| self.http_error(source))?;
        self.sender = Some(sender);
        Ok(response)
    }

    /// The connection of the request before, if it is still good.
    async fn kept(&mut self) -> Option<SendRequest<Full<Bytes>>> {
        let mut sender = self.sender.take()?;
        sender.ready().await.ok().map(|()| sender)
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, HttpError> {
        let connected = self.server.connect().await;
        let stream = connected.map_err(|source| HttpError::Connect { url: self.server.url.to_string(), source })?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|source| self.http_error(source))?;
        // It ends by itself when the sender and the last answer are dropped.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn http_error(&self, source: hyper::Error) -> HttpError {
        let url = self.server.url.to_string();
        if source.is_parse() { HttpError::Foreign { url, source } } else { HttpError::Lost { url, source } }
    }

    /// A request to this server with the headers that all have.
    pub(crate) fn request(&self, method: http::Method, target: &str) -> request::Builder {
        let host = HeaderValue::try_from(&self.server.url.authority);
        let request = Request::builder().method(method).uri(target).header(header::USER_AGENT, USER_AGENT);
        match host {
            Ok(host) => request.header(header::HOST, host),
            Err(_) => request,
        }
    }
}

/// Who asks.
pub(crate) const USER_AGENT: &str = concat!("live/", env!("CARGO_PKG_VERSION"));

/// The cause at the bottom says what happened; those above it say where.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}

/// Whether an answer that is not a success is worth asking again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The server, or something in front of it, is not up to it at the moment.
    Again(Option<std::time::Duration>),
    /// It will say the same again.
    Never,
}

/// `docs/protocol.md`, "Status codes"; 408, 425 and the other 5xx are a proxy's.
pub(crate) fn verdict(status: StatusCode, headers: &HeaderMap) -> Verdict {
    match status.as_u16() {
        408 | 425 | 429 | 500..=599 => Verdict::Again(retry_after(headers, SystemTime::now())),
        _ => Verdict::Never,
    }
}

/// What a server said against a request: its status, its own words, and what to do.
pub(crate) fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> String {
    let is_text = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let said = if is_text { plain(&String::from_utf8_lossy(body)) } else { String::new() };
    let advice = match status.as_u16() {
        300..=399 => headers
            .get(header::LOCATION)
            .map(|to| format!("it points to {}: give that server", plain(&String::from_utf8_lossy(to.as_bytes())))),
        404 => Some("is the server's URL right, with the prefix of its routes?".to_owned()),
        _ => None,
    };
    let said = if said.is_empty() { status.canonical_reason().unwrap_or_default() } else { &said };
    let advice = advice.map(|advice| format!(" ({advice})")).unwrap_or_default();
    format!("the server answers {}: {said}{advice}", status.as_u16())
}

/// The whole body, if it is no longer than `max` bytes.
pub(crate) async fn collect<B>(body: B, max: usize) -> Result<Bytes, String>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    let collected = Limited::new(body, max).collect().await;
    collected.map(|body| body.to_bytes()).map_err(|error| format!("the answer cannot be read: {error}"))
}

/// What a refusal may say.
pub(crate) const MAX_REFUSAL_BYTES: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(http::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn what_may_pass_is_asked_again_and_what_is_wrong_is_not() {
        let after = headers(&[(header::RETRY_AFTER, "7")]);
        let seven = Verdict::Again(Some(std::time::Duration::from_secs(7)));
        for status in [408, 429, 500, 502, 503, 504] {
            assert_eq!(verdict(StatusCode::from_u16(status).unwrap(), &after), seven);
        }
        for status in [301, 400, 401, 403, 404, 405, 409, 413, 426] {
            assert_eq!(verdict(StatusCode::from_u16(status).unwrap(), &after), Verdict::Never);
        }
    }

    #[test]
    fn a_refusal_says_what_the_server_said_and_nothing_that_moves_the_terminal() {
        let text = headers(&[(header::CONTENT_TYPE, "text/plain; charset=utf-8")]);
        let said = refusal(StatusCode::PAYLOAD_TOO_LARGE, &text, b"the page is full\x1b[2J\n");
        assert_eq!(said, "the server answers 413: the page is full [2J");
        let html = headers(&[(header::CONTENT_TYPE, "text/html")]);
        assert_eq!(refusal(StatusCode::BAD_GATEWAY, &html, b"<h1>!"), "the server answers 502: Bad Gateway");
        let moved = headers(&[(header::LOCATION, "https://example.org/")]);
        assert_eq!(
            refusal(StatusCode::FOUND, &moved, b""),
            "the server answers 302: Found (it points to https://example.org/: give that server)"
        );
    }
}
