//! Publishing over HTTP.

use std::fmt::Display;

use bytes::Buf;
use http::{StatusCode, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;

use super::{Answer, ChannelId, JSON, Refusal, response};
use crate::{
    bus::{BusError, IdempotencyKey},
    config::Config,
    cursor::Cursor,
    html,
    hub::Hub,
    update::{Update, UpdateError},
};

#[derive(Serialize)]
struct Acknowledgement {
    cursor: Cursor,
    version: u64,
}

pub(super) async fn publish<B>(hub: &Hub, channel: &ChannelId, parts: &Parts, body: B) -> Result<Answer, Refusal>
where
    B: http_body::Body<Data: Buf, Error: Display>,
{
    if !hub.config().publishing.admits(&parts.headers) {
        return Err(Refusal::Unauthorized);
    }
    let key = idempotency_key(parts)?;
    let body = collect(hub, body).await?;
    let update = in_background(hub, move |config| parse(config, &body)).await?;
    to_page(hub, channel, update, key.as_ref()).await
}

pub(super) async fn to_page(
    hub: &Hub,
    channel: &ChannelId,
    update: Update,
    key: Option<&IdempotencyKey>,
) -> Result<Answer, Refusal> {
    let published = hub.publish(channel, update, key).await?;
    let acknowledgement = Acknowledgement { cursor: published.cursor, version: published.version().number() };
    Ok(response(StatusCode::OK, JSON, serde_json::to_vec(&acknowledgement).unwrap_or_default()).into())
}

pub(super) fn idempotency_key(parts: &Parts) -> Result<Option<IdempotencyKey>, Refusal> {
    let mut keys = parts.headers.get_all("idempotency-key").iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let key = key.to_str().ok().and_then(|key| IdempotencyKey::new(key).ok());
    key.filter(|_| keys.next().is_none()).map(Some).ok_or_else(|| Refusal::Bad(crate::bus::InvalidKey.to_string()))
}

pub(super) async fn collect<B>(hub: &Hub, body: B) -> Result<Vec<u8>, Refusal>
where
    B: http_body::Body<Data: Buf, Error: Display>,
{
    let max = hub.config().max_publish_bytes;
    let too_large = || Refusal::TooLarge(format!("the body is larger than {max} bytes"));
    if body.size_hint().lower() > max as u64 {
        return Err(too_large());
    }
    let body = Limited::new(body.map_err(|error| error.to_string()), max);
    let collected = tokio::time::timeout(hub.config().body_timeout, std::pin::pin!(body).collect()).await;
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes().to_vec()),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => Err(too_large()),
        Ok(Err(error)) => Err(Refusal::Bad(format!("the body cannot be read: {error}"))),
        Err(_) => Err(Refusal::Bad("the body did not come in time".to_owned())),
    }
}

/// Parsing and sanitising a whole page takes its time, which the readers on this thread must not wait for.
pub(super) async fn in_background<T: Send + 'static>(
    hub: &Hub,
    parse: impl FnOnce(&Config) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let hub = hub.clone();
    let parsed = tokio::task::spawn_blocking(move || parse(hub.config())).await;
    parsed.unwrap_or_else(|_| Err(Refusal::Unavailable("the update could not be parsed".to_owned())))
}

/// What comes over HTTP is sanitised, and has to be one element that readers can find again.
pub(super) fn parse(config: &Config, body: &[u8]) -> Result<Update, Refusal> {
    let bad = |error: UpdateError| Refusal::Bad(error.to_string());
    let update = Update::from_json(body).map_err(bad)?;
    // Before sanitising, which takes longer than all of this.
    update.check_size(&config.page).map_err(BusError::from)?;
    for render in update.renders() {
        if render.html().is_some_and(html::is_explosive) {
            return Err(bad(UpdateError::Explosive { id: render.id().clone() }));
        }
        if render.html().is_some_and(html::is_too_deep) {
            return Err(bad(UpdateError::TooDeep { id: render.id().clone() }));
        }
    }
    let update = update.map_html(|html| config.html.clean(html));
    for render in update.renders() {
        if render.html().is_some_and(|html| !html::is_post_element(html, render.id())) {
            return Err(bad(UpdateError::NoPostElement { id: render.id().clone() }));
        }
    }
    Ok(update)
}
