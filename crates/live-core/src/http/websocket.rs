//! The WebSocket handshake (RFC 6455 §4.2), checked by tungstenite.

use http::{HeaderMap, HeaderValue, Request, Response, header, request::Parts};
use tungstenite::{Error, error::ProtocolError, handshake::server::create_response};

use super::{Answer, ChannelId, Refusal, Upgrade, guard::Caller, query};
use crate::{cursor::Start, publisher::Transport};

pub(super) async fn upgrade(channel: &ChannelId, parts: &Parts, caller: &Caller<'_>) -> Result<Answer, Refusal> {
    let response = handshake(parts)?;
    let start = Start::parse(query(parts, "cursor").as_deref());
    // The bus is subscribed before the handshake is answered: a bus that is down is a 503, and no update is missed.
    let reader = caller.admit(channel)?.join(Transport::WebSocket, start).await?;
    Ok(Answer::Upgrade(Box::new(Upgrade { response, reader })))
}

fn handshake(parts: &Parts) -> Result<Response<()>, Refusal> {
    for name in [header::SEC_WEBSOCKET_KEY, header::SEC_WEBSOCKET_VERSION] {
        if parts.headers.get_all(&name).iter().count() > 1 {
            return Err(Refusal::Bad(format!("the handshake has {name} more than once")));
        }
    }
    if has_body(&parts.headers) {
        return Err(Refusal::Bad("a handshake has no body".to_owned()));
    }
    let mut request = Request::new(());
    *request.method_mut() = parts.method.clone();
    *request.version_mut() = parts.version;
    *request.headers_mut() = joined(&parts.headers);
    create_response(&request).map_err(refusal)
}

/// RFC 9110 §7.8: the other protocol begins behind the whole request. Bytes that are a body to a proxy and frames to us would be
/// nobody's.
fn has_body(headers: &HeaderMap) -> bool {
    let is_something = |value: &HeaderValue| value.as_bytes() != b"0";
    headers.contains_key(header::TRANSFER_ENCODING) || headers.get_all(header::CONTENT_LENGTH).iter().any(is_something)
}

/// tungstenite looks at the first `Connection` header only; a list may come in several (RFC 9110 §5.3).
fn joined(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    let values: Vec<_> = headers.get_all(header::CONNECTION).iter().map(|value| value.as_bytes().to_vec()).collect();
    if values.len() > 1
        && let Ok(value) = HeaderValue::from_bytes(&values.join(&b", "[..]))
    {
        headers.insert(header::CONNECTION, value);
    }
    headers
}

fn refusal(error: Error) -> Refusal {
    match error {
        Error::Protocol(ProtocolError::MissingSecWebSocketVersionHeader) => {
            Refusal::Upgrade("this server speaks WebSocket version 13 (RFC 6455)")
        }
        Error::Protocol(
            ProtocolError::MissingConnectionUpgradeHeader | ProtocolError::MissingUpgradeWebSocketHeader,
        ) => Refusal::Upgrade("this route is for WebSocket; connect with new WebSocket(url)"),
        error => Refusal::Bad(format!("bad WebSocket handshake: {error}")),
    }
}

#[cfg(test)]
mod tests {
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
