//! Polling with cursors.

use std::time::{Duration, Instant};

use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};

use super::{Answer, Body, ChannelId, Refusal, encoding, guard::Caller, query};
use crate::{
    cursor::Start,
    hub::Hub,
    publisher::Transport,
    transport::{Polled, poll_frame},
};

pub(super) async fn poll(
    hub: &Hub,
    channel: &ChannelId,
    parts: &Parts,
    caller: &Caller<'_>,
) -> Result<Answer, Refusal> {
    let wait = wait(hub, parts);
    let transport = if wait.is_some() { Transport::LongPolling } else { Transport::IntervalPolling };
    let start = Start::parse(query(parts, "cursor").as_deref());
    let mut reader = caller.join(transport, channel, start).await?;
    let mut response = match poll_frame(&mut reader, wait).await {
        Polled::Frame(frame) => encoding::answer(hub, &parts.headers, frame).await,
        Polled::Nothing => nothing(),
        Polled::Unconfirmed => return Err(Refusal::Unavailable("the bus does not answer".to_owned())),
        Polled::Ended(close) => return Err(Refusal::Ended(close)),
    };
    let is_public = hub.config().public_cache && wait.is_none() && !reader.is_admitted_for_a_time();
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static(if is_public { "public, max-age=1" } else { "private, no-store" }),
    );
    // Who waits at the server is no load between two polls.
    let interval = if wait.is_none() { hub.poll_interval().next(Instant::now()) } else { hub.config().poll_interval };
    headers.insert(POLL_INTERVAL, (interval.as_millis() as u64).into());
    Ok(response.into())
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

const POLL_INTERVAL: &str = "live-poll-interval";
