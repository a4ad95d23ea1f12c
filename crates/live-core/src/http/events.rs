//! Server-Sent Events (HTML Living Standard §9.2).

use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};

use super::{Answer, Body, ChannelId, Refusal, guard::Caller, query, response};
use crate::{cursor::Start, publisher::Transport, transport::Events};

pub(super) async fn stream(channel: &ChannelId, parts: &Parts, caller: &Caller<'_>) -> Result<Answer, Refusal> {
    let admitted = caller.admit(channel)?;
    if parts.method == Method::HEAD {
        let mut response = response(StatusCode::OK, EVENTS, "");
        *response.body_mut() = Body::dropped();
        return Ok(with_headers(response).into());
    }
    // A reconnecting EventSource sends the old URL and the new header, so the header wins.
    let last = parts.headers.get("last-event-id").map(|value| String::from_utf8_lossy(value.as_bytes()));
    let start = Start::parse(last.filter(|last| !last.is_empty()).or_else(|| query(parts, "cursor")).as_deref());
    let reader = admitted.join(Transport::Sse, start).await?;
    let mut response = response(StatusCode::OK, EVENTS, "");
    *response.body_mut() = Body::events(Events::new(reader));
    Ok(with_headers(response).into())
}

fn with_headers(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, no-transform"));
    // nginx and its kin would hold events back until a buffer is full.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

const EVENTS: &str = "text/event-stream";
