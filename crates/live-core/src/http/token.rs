//! How a reader shows its token, and for how long that lets it in.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use http::{header, request::Parts};

use super::{ChannelId, Refusal, query};
use crate::{
    config::Config,
    policy::{Admission, TokenError, bearer},
};

/// Until when the reader is let in; `None` is for ever. A site that has put an [`Admission`] into the request has checked the reader
/// by itself.
pub(super) fn admitted_until(config: &Config, parts: &Parts, channel: &ChannelId) -> Result<Option<Instant>, Refusal> {
    if let Some(admission) = parts.extensions.get::<Admission>() {
        return Ok(Some(admission.until));
    }
    // Without a key there are no tokens; whoever comes from PieSocket relies on it that a private channel is closed then.
    let is_guarded = !config.tokens.keys.is_empty() || !config.piesocket.is_off();
    if !is_guarded || !config.tokens.is_private(channel) {
        return Ok(None);
    }
    let left = token(parts)
        .ok_or(TokenError::Missing)
        .and_then(|token| config.tokens.check_token(&token, channel, config.clock.now()));
    let left: Duration = left.map_err(|error| {
        tracing::debug!(%channel, %error, "token refused");
        Refusal::Token(error)
    })?;
    Ok(Some(Instant::now() + left))
}

/// `Authorization: Bearer`, PieSocket's own header, or the query, which is all that a browser's `WebSocket` and `EventSource` can
/// send; the first that is there counts.
fn token(parts: &Parts) -> Option<Cow<'_, [u8]>> {
    let header = |name| parts.headers.get(name).map(http::HeaderValue::as_bytes);
    let in_header = header(header::AUTHORIZATION.as_str()).and_then(bearer).or_else(|| header("jwt"));
    match in_header {
        Some(token) => Some(Cow::Borrowed(token)),
        None => query(parts, "jwt").map(|token| Cow::Owned(token.into_owned().into_bytes())),
    }
}
