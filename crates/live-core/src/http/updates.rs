//! Polling with cursors.

use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header, request::Parts};

use super::{
    Answer, Body, ChannelId, Refusal, Reply,
    encoding::{self, accepts_gzip},
    guard::{Admitted, Caller},
    queries,
};
use crate::{
    cursor::Start,
    hub::{Hub, Reader},
    publisher::Transport,
    transport::{Polled, glance, poll_frame},
};

pub(super) async fn poll(hub: &Hub, channel: &ChannelId, parts: &Parts, caller: &Caller<'_>) -> Result<Reply, Refusal> {
    let now = Instant::now();
    let [cursor, wait] = queries(parts, ["cursor", "wait"]);
    let start = Start::parse(cursor.as_deref());
    // HEAD never waits.
    let wait = wait.filter(|_| parts.method == Method::GET).map(|wait| parse_wait(hub, &wait));
    let admitted = caller.admit(channel)?;
    if let Some(wait) = wait {
        let reader = Box::pin(admitted.join(Transport::LongPolling, start)).await?;
        return Ok(Reply::Later(Box::pin(answer_later(reader, wait, accepts_gzip(&parts.headers)))));
    }
    let page = admitted.visit(now)?;
    let polled = match page.and_then(|page| glance(&page, start, hub.config().clock.now())) {
        Some(polled) => polled,
        // Boxed, so that not every request is as large as one that asks the bus.
        None => Box::pin(ask(&admitted, start)).await?,
    };
    let mut response = response(hub, polled, || accepts_gzip(&parts.headers)).await?;
    let is_public = hub.config().public_cache && !admitted.is_for_a_time();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(if is_public { PUBLIC } else { PRIVATE }));
    headers.insert(POLL_INTERVAL, hub.poll_interval().to_header(hub.poll_interval().next(now)));
    Ok(Reply::Now(response.into()))
}

/// As a reader of the page, who can wait for the bus.
async fn ask(admitted: &Admitted<'_>, start: Start) -> Result<Polled, Refusal> {
    let mut reader = admitted.join(Transport::IntervalPolling, start).await?;
    Ok(poll_frame(&mut reader, None).await)
}

/// The answer to a poll that waits, which has nothing of the request any more.
async fn answer_later(mut reader: Reader, wait: Duration, accepts_gzip: bool) -> Result<Answer, Refusal> {
    let polled = poll_frame(&mut reader, Some(wait)).await;
    let hub = reader.hub();
    let mut response = response(hub, polled, || accepts_gzip).await?;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(PRIVATE));
    // Who waits at the server is no load between two polls.
    headers.insert(POLL_INTERVAL, hub.poll_interval().to_header(hub.config().poll_interval));
    Ok(response.into())
}

async fn response(hub: &Hub, polled: Polled, accepts_gzip: impl FnOnce() -> bool) -> Result<Response<Body>, Refusal> {
    match polled {
        Polled::Frame(frame) => Ok(encoding::answer(hub, frame, accepts_gzip).await),
        Polled::Nothing => Ok(nothing()),
        Polled::Unconfirmed => Err(Refusal::Unavailable("the bus does not answer".to_owned())),
        Polled::Ended(close) => Err(Refusal::Ended(close)),
    }
}

/// A number is in seconds; anything else is as long as the server waits.
fn parse_wait(hub: &Hub, wait: &str) -> Duration {
    let longest = hub.config().long_poll_timeout;
    let wait = wait.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    wait.unwrap_or(longest).min(longest)
}

fn nothing() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

const PUBLIC: &str = "public, max-age=1";
const PRIVATE: &str = "private, no-store";
const POLL_INTERVAL: HeaderName = HeaderName::from_static("live-poll-interval");
