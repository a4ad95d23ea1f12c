//! Polling with cursors.

use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header, request::Parts};

use super::{
    Answer, Body, ChannelId, Refusal, encoding,
    guard::{Admitted, Caller},
    query,
};
use crate::{
    cursor::Start,
    hub::Hub,
    publisher::Transport,
    transport::{Polled, glance, poll_frame},
};

pub(super) async fn poll(
    hub: &Hub,
    channel: &ChannelId,
    parts: &Parts,
    caller: &Caller<'_>,
) -> Result<Answer, Refusal> {
    let now = Instant::now();
    let wait = wait(hub, parts);
    let start = Start::parse(query(parts, "cursor").as_deref());
    let admitted = caller.admit(channel)?;
    let page = if wait.is_none() { admitted.visit(now)? } else { None };
    let polled = match page.and_then(|page| glance(&page, start, hub.config().clock.now())) {
        Some(polled) => polled,
        // Boxed, so that not every request is as large as one that waits.
        None => Box::pin(join(&admitted, start, wait)).await?,
    };
    let mut response = match polled {
        Polled::Frame(frame) => encoding::answer(hub, &parts.headers, frame).await,
        Polled::Nothing => nothing(),
        Polled::Unconfirmed => return Err(Refusal::Unavailable("the bus does not answer".to_owned())),
        Polled::Ended(close) => return Err(Refusal::Ended(close)),
    };
    let is_public = hub.config().public_cache && wait.is_none() && !admitted.is_for_a_time();
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static(if is_public { "public, max-age=1" } else { "private, no-store" }),
    );
    // Who waits at the server is no load between two polls.
    let interval = if wait.is_none() { hub.poll_interval().next(now) } else { hub.config().poll_interval };
    headers.insert(POLL_INTERVAL, hub.poll_interval().to_header(interval));
    Ok(response.into())
}

/// As a reader of the page, who can wait.
async fn join(admitted: &Admitted<'_>, start: Start, wait: Option<Duration>) -> Result<Polled, Refusal> {
    let transport = if wait.is_some() { Transport::LongPolling } else { Transport::IntervalPolling };
    let mut reader = admitted.join(transport, start).await?;
    Ok(poll_frame(&mut reader, wait).await)
}

/// `wait` without a number is as long as the server waits; a number is in seconds. HEAD never waits.
fn wait(hub: &Hub, parts: &Parts) -> Option<Duration> {
    let longest = hub.config().long_poll_timeout;
    let wait = query(parts, "wait").filter(|_| parts.method == Method::GET)?;
    let wait = wait.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Some(wait.unwrap_or(longest).min(longest))
}

fn nothing() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

const POLL_INTERVAL: HeaderName = HeaderName::from_static("live-poll-interval");
