//! What a request comes to: a response, an upgrade, or a refusal that says what to do.

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::{Body, response};
use crate::{
    bus::BusError,
    close::Close,
    hub::{HubError, Reader},
    id::IdError,
    page::NumberError,
    policy::{Full, TokenError},
};

/// The answer to a request.
#[derive(Debug)]
pub enum Answer {
    /// Send this.
    Response(Response<Body>),
    /// Send the response of the upgrade, then serve the reader on the bare stream
    /// ([`serve_websocket`](crate::serve_websocket)).
    Upgrade(Box<Upgrade>),
}

/// A WebSocket handshake that was accepted.
#[derive(Debug)]
pub struct Upgrade {
    /// 101 with the headers of the handshake.
    pub response: Response<()>,
    /// The reader, admitted and joined to its page.
    pub reader: Reader,
}

impl Answer {
    pub(super) fn headers_mut(&mut self) -> &mut HeaderMap {
        match self {
            Self::Response(response) => response.headers_mut(),
            Self::Upgrade(upgrade) => upgrade.response.headers_mut(),
        }
    }

    /// As the answer to HEAD: the length stays, the bytes go.
    pub(super) fn drop_body(&mut self) {
        let Self::Response(response) = self else { return };
        if let Some(length) = response.body().len()
            && response.status() != StatusCode::NO_CONTENT
        {
            response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        }
        *response.body_mut() = Body::dropped();
    }
}

impl From<Response<Body>> for Answer {
    fn from(response: Response<Body>) -> Self {
        Self::Response(response)
    }
}

/// Why a request is refused; each is one row of the protocol's table of status codes.
#[derive(Debug)]
pub enum Refusal {
    /// 400 with the reason.
    Bad(String),
    /// 401.
    Unauthorized,
    /// 401 with the reason: the reader of a private channel has no good token.
    Token(TokenError),
    /// 401 with the reason: no such account.
    Key(&'static str),
    /// 401 or 503: a poll that waits is closed.
    Ended(Close),
    /// 403.
    Origin,
    /// 404.
    NotFound,
    /// 404, for Wagtail Live's polling.
    NotWhole,
    /// 405 with the methods that are allowed.
    Method(&'static str),
    /// 409 with the reason.
    Conflict(String),
    /// 413 with the reason.
    TooLarge(String),
    /// 426.
    Upgrade(&'static str),
    /// 429.
    TooMany(Full),
    /// 431.
    HeaderTooLarge,
    /// 503 with the reason.
    Unavailable(String),
}

/// The close code that a stream would have had.
const LIVE_CLOSE: HeaderName = HeaderName::from_static("live-close");

/// What a client that got 429 or 503 should wait, in seconds: not all the same.
fn retry_after() -> HeaderValue {
    let random = getrandom::u32().unwrap_or_default();
    HeaderValue::from(2 + random % 9)
}

impl Refusal {
    fn parts(&self) -> (StatusCode, String) {
        let text = str::to_owned;
        match self {
            Self::Bad(reason) => (StatusCode::BAD_REQUEST, reason.clone()),
            Self::Unauthorized => {
                (StatusCode::UNAUTHORIZED, text("publishing needs the header Authorization: Bearer TOKEN"))
            }
            Self::Token(error) => (StatusCode::UNAUTHORIZED, error.to_string()),
            Self::Key(reason) => (StatusCode::UNAUTHORIZED, text(reason)),
            Self::Ended(close @ Close::AdmissionEnded) => (StatusCode::UNAUTHORIZED, close.reason()),
            Self::Ended(close) => (StatusCode::SERVICE_UNAVAILABLE, close.reason()),
            Self::Origin => (StatusCode::FORBIDDEN, text("pages of this origin are not allowed to connect")),
            Self::NotFound => (StatusCode::NOT_FOUND, text("no such route")),
            Self::NotWhole => (StatusCode::NOT_FOUND, text("no such page here; seed it first")),
            Self::Method(allowed) => (StatusCode::METHOD_NOT_ALLOWED, format!("allowed methods: {allowed}")),
            Self::Conflict(reason) => (StatusCode::CONFLICT, reason.clone()),
            Self::TooLarge(reason) => (StatusCode::PAYLOAD_TOO_LARGE, reason.clone()),
            Self::Upgrade(reason) => (StatusCode::UPGRADE_REQUIRED, text(reason)),
            Self::TooMany(Full::Address) => (StatusCode::TOO_MANY_REQUESTS, Full::Address.to_string()),
            Self::TooMany(Full::Server) => (StatusCode::SERVICE_UNAVAILABLE, Full::Server.to_string()),
            Self::HeaderTooLarge => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text("the request's header is too large"))
            }
            Self::Unavailable(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason.clone()),
        }
    }

    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            // As where it ends in the middle: the same remedy.
            Self::Token(TokenError::Expired) => Some((LIVE_CLOSE, Close::AdmissionEnded.code().into())),
            Self::Method(allowed) => Some((header::ALLOW, HeaderValue::from_static(allowed))),
            Self::Ended(close @ Close::AdmissionEnded) => Some((LIVE_CLOSE, close.code().into())),
            Self::Ended(Close::Draining(delay)) => {
                Some((header::RETRY_AFTER, (delay.as_secs_f64().ceil() as u64).into()))
            }
            Self::Ended(_) | Self::TooMany(_) | Self::Unavailable(_) => Some((header::RETRY_AFTER, retry_after())),
            _ => None,
        }
    }

    /// RFC 9110 §15.5.2: 401 says what is asked for. RFC 6750 §3.1: without a token there is nothing to say against it.
    fn challenge(&self) -> Option<&'static str> {
        match self {
            Self::Unauthorized | Self::Token(TokenError::Missing) => Some("Bearer"),
            Self::Token(_) | Self::Ended(Close::AdmissionEnded) => Some("Bearer error=\"invalid_token\""),
            Self::Key(_) => Some("PieSocket"),
            _ => None,
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let (status, reason) = refusal.parts();
        // The reason may quote what the client sent.
        tracing::debug!(%status, "refused");
        let mut response = response(status, "text/plain; charset=utf-8", format!("{reason}\n"));
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(refusal.header());
        headers.extend(refusal.challenge().map(|scheme| (header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme))));
        if let Refusal::Upgrade(_) = refusal {
            // RFC 9110 §15.5.22 and §7.8, RFC 6455 §4.4.
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        Self::Response(response)
    }
}

impl From<HubError> for Refusal {
    fn from(error: HubError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<IdError> for Refusal {
    fn from(error: IdError) -> Self {
        Self::Bad(error.to_string())
    }
}

impl From<BusError> for Refusal {
    fn from(error: BusError) -> Self {
        match error {
            BusError::Refused(NumberError::HeadMoved { .. }) | BusError::KeyReused => Self::Conflict(error.to_string()),
            BusError::Refused(NumberError::NoVersionLeft) => Self::Unavailable(error.to_string()),
            BusError::Refused(_) | BusError::TooLarge { .. } => Self::TooLarge(error.to_string()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}
