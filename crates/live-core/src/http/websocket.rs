//! The WebSocket handshake (RFC 6455 §4.2).

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, Response, StatusCode, Version, header, request::Parts};
use tungstenite::{error::ProtocolError, handshake::derive_accept_key};

use super::{Answer, ChannelId, HEADERS, Refusal, Upgrade, guard::Caller, query};
use crate::{cursor::Start, publisher::Transport};

pub(super) async fn upgrade(channel: &ChannelId, parts: &Parts, caller: &Caller<'_>) -> Result<Answer, Refusal> {
    let response = handshake(parts)?;
    let start = Start::parse(query(parts, "cursor").as_deref());
    // The bus is subscribed before the handshake is answered: a bus that is down is a 503, and no update is missed.
    let reader = Box::pin(caller.admit(channel)?.join(Transport::WebSocket, start)).await?;
    Ok(Answer::Upgrade(Box::new(Upgrade { response, reader })))
}

/// Looks at the request where it is: tungstenite's own check would take a copy of it.
fn handshake(parts: &Parts) -> Result<Response<()>, Refusal> {
    let headers = &parts.headers;
    for name in [header::SEC_WEBSOCKET_KEY, header::SEC_WEBSOCKET_VERSION] {
        if headers.get_all(&name).iter().nth(1).is_some() {
            return Err(Refusal::Bad(format!("the handshake has {name} more than once")));
        }
    }
    if has_body(headers) {
        return Err(Refusal::Bad("a handshake has no body".to_owned()));
    }
    if parts.version < Version::HTTP_11 {
        return Err(bad(ProtocolError::WrongHttpVersion));
    }
    if !asks_for_websocket(headers) {
        return Err(Refusal::Upgrade("this route is for WebSocket; connect with new WebSocket(url)"));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(Refusal::Upgrade("this server speaks WebSocket version 13 (RFC 6455)"));
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).ok_or_else(|| bad(ProtocolError::MissingSecWebSocketKey))?;
    let accept = accept(key).ok_or_else(|| bad(ProtocolError::InvalidSecWebSocketKey))?;
    Ok(switching(parts.version, accept))
}

/// RFC 9110 §7.8: the other protocol begins behind the whole request. Bytes that are a body to a proxy and frames to us would be
/// nobody's.
fn has_body(headers: &HeaderMap) -> bool {
    let is_something = |value: &HeaderValue| value.as_bytes() != b"0";
    headers.contains_key(header::TRANSFER_ENCODING) || headers.get_all(header::CONTENT_LENGTH).iter().any(is_something)
}

/// A list of what to do with the connection may come in several headers (RFC 9110 §5.3).
fn asks_for_websocket(headers: &HeaderMap) -> bool {
    let mut options = headers.get_all(header::CONNECTION).iter().flat_map(|value| value.as_bytes().split(is_between));
    options.any(|option| option.eq_ignore_ascii_case(b"upgrade"))
        && headers.get(header::UPGRADE).is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

fn is_between(byte: &u8) -> bool {
    matches!(byte, b',' | b' ')
}

/// The answer to a key of 16 bytes (RFC 6455 §4.2.2), `None` to any other.
fn accept(key: &HeaderValue) -> Option<HeaderValue> {
    // Room for what 24 characters may stand for.
    let mut bytes = [0; 18];
    let is_key = key.len() == 24 && STANDARD.decode_slice(key, &mut bytes) == Ok(16);
    is_key.then(|| HeaderValue::try_from(derive_accept_key(key.as_bytes())).ok()).flatten()
}

fn switching(version: Version, accept: HeaderValue) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *response.version_mut() = version;
    let headers = response.headers_mut();
    headers.reserve(HEADERS);
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

fn bad(error: ProtocolError) -> Refusal {
    Refusal::Bad(format!("bad WebSocket handshake: {error}"))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn answer(extra: &[(&'static str, &str)]) -> Result<Response<()>, Refusal> {
        let mut request = Request::builder()
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        for (name, value) in extra {
            request = request.header(*name, *value);
        }
        handshake(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_handshake_with_a_body_is_refused() {
        assert!(answer(&[]).is_ok());
        assert!(answer(&[("content-length", "0")]).is_ok());
        for body in [("content-length", "8"), ("transfer-encoding", "chunked")] {
            assert!(matches!(answer(&[body]), Err(Refusal::Bad(_))), "{body:?}");
        }
    }
}
