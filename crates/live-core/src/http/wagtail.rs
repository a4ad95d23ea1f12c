//! Wagtail Live's own two polling protocols, on their one URL: its unmodified browser code works against it.

use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header, request::Parts};
use serde::{Serialize, ser::SerializeMap};

use super::{
    Answer, Body, ChannelId, JSON, Refusal,
    guard::{Admitted, Caller},
    query, response,
};
use crate::{
    cursor::{Start, Version},
    hub::{Hub, LivePage, Reader},
    id::PostId,
    page::{Page, Post},
    publisher::Transport,
    transport::poll_change,
};

pub(super) async fn poll(
    hub: &Hub,
    channel: &ChannelId,
    parts: &Parts,
    caller: &Caller<'_>,
) -> Result<Answer, Refusal> {
    match answer(hub, channel, parts, caller).await {
        Ok(mut response) => {
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
            Ok(response.into())
        }
        Err(refusal) => {
            // The original's browser code repeats at once when it gets an error.
            Box::pin(tokio::time::sleep(ERROR_DELAY)).await;
            Err(refusal)
        }
    }
}

pub(super) const ERROR_DELAY: Duration = Duration::from_secs(1);

async fn answer(hub: &Hub, channel: &ChannelId, parts: &Parts, caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
    match parts.method {
        Method::POST => read(&caller.admit(channel)?, |page| handshake(hub, page)).await,
        Method::HEAD => {
            let response = read(&caller.admit(channel)?, probe).await?;
            // The original's browser code is told once what to wait: a rush must not make it slow for as long as the page is open.
            hub.poll_interval().count(Instant::now());
            Ok(response)
        }
        _ => {
            let since = last_update(parts)?;
            let transport = if is_interval(hub) { Transport::IntervalPolling } else { Transport::LongPolling };
            // Boxed, because a page asks by HEAD whether there is anything to get.
            Box::pin(async {
                let mut reader = caller.admit(channel)?.join(transport, Start::Recent).await?;
                updates(hub, &mut reader, since).await
            })
            .await
        }
    }
}

/// What the page says at once, without a reader where it is open.
async fn read<T>(admitted: &Admitted<'_>, read: impl Fn(&Page) -> T) -> Result<T, Refusal> {
    if let Some(page) = admitted.visit(Instant::now())?
        && let Some(found) = page.with_page(|page| if_whole(page, &read))
    {
        page.count_glance(None);
        return found;
    }
    let reader = Box::pin(admitted.join(Transport::IntervalPolling, Start::Recent)).await?;
    whole(reader.page(), read)
}

/// The original answers 500 to these, except that its long polling waits out `nan` and `inf`.
fn last_update(parts: &Parts) -> Result<Version, Refusal> {
    let bad = || Refusal::Bad("last_update_ts must be a finite number of seconds".to_owned());
    let seconds: f64 = query(parts, "last_update_ts").ok_or_else(bad)?.trim().parse().map_err(|_| bad())?;
    Version::from_seconds(seconds).ok_or_else(bad)
}

fn whole<T>(page: &LivePage, read: impl FnOnce(&Page) -> T) -> Result<T, Refusal> {
    page.with_page(|page| if_whole(page, read)).unwrap_or(Err(Refusal::NotWhole))
}

fn if_whole<T>(page: &Page, read: impl FnOnce(&Page) -> T) -> Result<T, Refusal> {
    if page.is_whole() { Ok(read(page)) } else { Err(Refusal::NotWhole) }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Handshake<'a> {
    live_posts: Vec<&'a PostId>,
    last_update_timestamp: Seconds,
    polling_interval: u64,
}

/// Removed posts are listed, and the time lies one grace back: so the first poll removes and renders what the page's HTML was
/// too old for.
fn handshake(hub: &Hub, page: &Page) -> Response<Body> {
    let grace = hub.config().grace.as_micros() as u64;
    let recent = Version::saturating(hub.config().clock.now().saturating_sub(grace));
    let handshake = Handshake {
        live_posts: page.posts().map(|post| post.id).chain(page.removed()).collect(),
        last_update_timestamp: Seconds(recent.min(page.cursor().version)),
        polling_interval: hub.config().poll_interval.as_millis() as u64,
    };
    json(&handshake)
}

const LAST_UPDATE_AT: HeaderName = HeaderName::from_static("last-update-at");

fn probe(page: &Page) -> Response<Body> {
    let mut response = response(StatusCode::OK, JSON, "{}");
    if let Ok(at) = HeaderValue::from_str(&page.cursor().version.to_seconds()) {
        response.headers_mut().insert(LAST_UPDATE_AT, at);
    }
    response
}

async fn updates(hub: &Hub, reader: &mut Reader, since: Version) -> Result<Response<Body>, Refusal> {
    whole(reader.page(), |_| ())?;
    let head = whole(reader.page(), |page| page.cursor().version)?;
    let since = if since > head { place(hub, reader, since).await? } else { since };
    if since == head && !is_interval(hub) {
        let changed = poll_change(reader, since, hub.config().long_poll_timeout).await;
        if !changed.map_err(Refusal::Ended)? {
            return Ok(response(StatusCode::OK, JSON, "{\"timeOutReached\": \"Timeout duration reached.\"}"));
        }
    }
    let response = whole(reader.page(), |page| json(&Updates { page, since }))?;
    reader.count_answer(response.body().len().unwrap_or_default() as usize);
    Ok(response)
}

/// The original has one of the two, and its clients do not say which they are.
fn is_interval(hub: &Hub) -> bool {
    hub.config().transports == [Transport::IntervalPolling]
}

/// A time above the replica's head. Only the bus can say that it never gave it, and that what the reader saw is lost, so that it gets
/// everything; else the replica lags, and is waited for: an older state would turn the time back.
async fn place(hub: &Hub, reader: &mut Reader, since: Version) -> Result<Version, Refusal> {
    let channel = reader.page().channel.clone();
    if since > hub.cursor(&channel).await?.version {
        return Ok(Version::ZERO);
    }
    let before = Version::saturating(since.number() - 1);
    match poll_change(reader, before, hub.config().bus_deadline).await {
        Ok(true) => Ok(since),
        Ok(false) => Err(Refusal::Unavailable("this server lags behind its bus".to_owned())),
        Err(close) => Err(Refusal::Ended(close)),
    }
}

struct Updates<'a> {
    page: &'a Page,
    since: Version,
}

impl Serialize for Updates<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let since = if self.since < self.page.horizon() { Version::ZERO } else { self.since };
        let current: Vec<&PostId> = self.page.posts().map(|post| post.id).collect();
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("updates", &Renders(self.page.changed_since(since)))?;
        map.serialize_entry("currentPosts", &current)?;
        map.serialize_entry("lastUpdateTimestamp", &Seconds(self.page.cursor().version))?;
        map.end()
    }
}

/// Posts as the original sends them, oldest first.
struct Renders<'a>(Vec<Post<'a>>);

impl Serialize for Renders<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Render<'a> {
            show: bool,
            content: std::borrow::Cow<'a, str>,
        }
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for post in &self.0 {
            map.serialize_entry(post.id, &Render { show: post.html().is_some(), content: post.content() })?;
        }
        map.end()
    }
}

/// Written with six decimals, which a double holds exactly.
struct Seconds(Version);

impl Serialize for Seconds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The shortest text of the nearest double, which is what a browser reads and sends back.
        serializer.serialize_f64(self.0.number() as f64 / 1e6)
    }
}

fn json(value: &impl Serialize) -> Response<Body> {
    // Ids, text and finite numbers: JSON can say all of it.
    response(StatusCode::OK, JSON, serde_json::to_vec(value).unwrap_or_default())
}
