//! What a token says, once its signature is good.

use std::time::Duration;

use serde::{Deserialize, de::DeserializeOwned, de::IgnoredAny};

use super::{TokenError, TokenKey, Tokens};
use crate::id::ChannelId;

/// RFC 7515 §4.1.
#[derive(Deserialize)]
pub(super) struct Header {
    alg: String,
    crit: Option<IgnoredAny>,
}

/// RFC 7519 §4.1, and the channels. A claim that is there twice does not parse.
#[derive(Deserialize)]
pub(super) struct Claims {
    exp: Option<f64>,
    nbf: Option<f64>,
    iss: Option<String>,
    aud: Option<Audience>,
    sub: Option<String>,
    channels: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Header {
    pub(super) fn parse(json: &[u8]) -> Result<Self, TokenError> {
        object(json)
    }

    /// RFC 8725 §3.1: the algorithm is the key's. RFC 7515 §4.1.11: an extension that is not understood makes the token invalid,
    /// and none is understood.
    pub(super) fn check(&self, key: &TokenKey) -> Result<(), TokenError> {
        if self.alg == key.algorithm() && self.crit.is_none() { Ok(()) } else { Err(TokenError::Algorithm) }
    }
}

impl Claims {
    pub(super) fn parse(json: &[u8]) -> Result<Self, TokenError> {
        object(json)
    }

    /// How long the token is good from now on, in microseconds since the Unix epoch.
    pub(super) fn check(&self, tokens: &Tokens, channel: &ChannelId, now: u64) -> Result<Duration, TokenError> {
        let now = now as f64 / 1e6;
        let leeway = tokens.leeway.as_secs_f64();
        let left = self.exp.ok_or(TokenError::Endless)? + leeway - now;
        if left <= 0.0 {
            return Err(TokenError::Expired);
        }
        if left > tokens.max_life.as_secs_f64() + 2.0 * leeway {
            return Err(TokenError::Endless);
        }
        if self.nbf.is_some_and(|from| from > now + leeway) {
            return Err(TokenError::NotYet);
        }
        if !self.is_of(tokens.issuer.as_deref()) || !self.is_for(tokens.audience.as_deref()) {
            return Err(TokenError::Foreign);
        }
        if !self.names(channel.as_str()) {
            return Err(TokenError::Channel);
        }
        Duration::try_from_secs_f64(left).map_err(|_| TokenError::Malformed)
    }

    fn is_of(&self, issuer: Option<&str>) -> bool {
        issuer.is_none() || self.iss.as_deref() == issuer
    }

    /// RFC 7519 §4.1.3: who is not in the audience of a token that has one must refuse it.
    fn is_for(&self, audience: Option<&str>) -> bool {
        match (&self.aud, audience) {
            (None, audience) => audience.is_none(),
            (Some(_), None) => false,
            (Some(Audience::One(one)), Some(us)) => one == us,
            (Some(Audience::Several(several)), Some(us)) => several.iter().any(|each| each == us),
        }
    }

    /// Channels by their exact ids. `sub` is PieSocket's name for the one; beside `channels` it is free for the reader.
    fn names(&self, channel: &str) -> bool {
        match (&self.channels, &self.sub) {
            (Some(channels), _) => channels.iter().any(|each| each == channel),
            (None, sub) => sub.as_deref() == Some(channel),
        }
    }
}

/// What serde derives for a struct takes an array as well.
fn object<T: DeserializeOwned>(json: &[u8]) -> Result<T, TokenError> {
    let is_object = json.trim_ascii_start().first() == Some(&b'{');
    serde_json::from_slice(json).ok().filter(|_| is_object).ok_or(TokenError::Malformed)
}
