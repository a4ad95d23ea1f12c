//! Who may read a private channel: readers with a JSON Web Token (RFC 7519) that the site has signed for them.

mod claims;
mod key;
#[cfg(test)]
mod tests;

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use self::claims::{Claims, Header};
pub use self::key::{InvalidTokenKey, TokenKey};
use crate::{config::ConfigError, id::ChannelId};

/// Which channels ask their readers for a token, and which tokens are good.
///
/// A token names its channel in the claim `sub`, or several in `channels`, and has an end, `exp`. The reader's admission ends with it.
///
/// ```
/// use live_core::{Config, PrivateChannels, TokenKey, Tokens};
/// let key = TokenKey::hs256("a secret of at least 32 random bytes")?;
/// let tokens = Tokens { keys: vec![key], channels: PrivateChannels::All, ..Tokens::default() };
/// assert!(Config { tokens, ..Config::default() }.check().is_ok());
/// # Ok::<(), live_core::InvalidTokenKey>(())
/// ```
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The keys that tokens may be signed with. Default: none, and every channel is open. Two, while one takes over from the other.
    pub keys: Vec<TokenKey>,
    /// The channels that ask for a token. Default: those that begin with `private-`, as with PieSocket.
    pub channels: PrivateChannels,
    /// What `iss` has to be. Default: anything, because most keys sign for one site.
    pub issuer: Option<String>,
    /// What has to be in `aud`. Default: anything, but a token that is meant for somebody (has an `aud`) is refused then
    /// (RFC 7519 §4.1.3).
    pub audience: Option<String>,
    /// The longest that a token may still be good for. Default: 1 day, so that a token that leaks is of no use for ever.
    pub max_life: Duration,
    /// By how much the clocks of site and server may differ. Default: 30 s, more than a clock that is set by NTP is wrong.
    pub leeway: Duration,
    /// Bytes of a token. Default: 4 KiB, several times what one with these claims has.
    pub max_bytes: usize,
}

/// The channels that ask for a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrivateChannels {
    /// Those whose ids begin with this.
    Prefix(String),
    /// All of them.
    All,
}

/// Why a reader is not let in. A new token helps, unless the site makes all of them wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is none. Send one.
    #[error("this channel is private: send a token as Authorization: Bearer TOKEN, or as ?jwt=TOKEN")]
    Missing,
    /// It is longer than [`Tokens::max_bytes`].
    #[error("the token is too long")]
    TooLong,
    /// It is no signed token, or a claim in it is not what it should be.
    #[error("the token is malformed")]
    Malformed,
    /// No key of this server has signed it.
    #[error("the token's signature is not good")]
    Signature,
    /// It says another algorithm than the key's, or asks for an extension.
    #[error("the token's header does not fit its key")]
    Algorithm,
    /// Its time is over. Ask the site for a new one.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not good yet")]
    NotYet,
    /// It has no end, or one that is further away than [`Tokens::max_life`].
    #[error("the token must have an exp, and not one so far away")]
    Endless,
    /// It is from somebody else, or for somebody else.
    #[error("the token is of another issuer or for another audience")]
    Foreign,
    /// It is for another channel.
    #[error("the token is for another channel")]
    Channel,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            channels: PrivateChannels::Prefix("private-".to_owned()),
            issuer: None,
            audience: None,
            max_life: Duration::from_secs(24 * 60 * 60),
            leeway: Duration::from_secs(30),
            max_bytes: 4 << 10,
        }
    }
}

impl Tokens {
    /// Whether the channel is one of the private ones, whether there are keys or not.
    pub fn is_private(&self, channel: &ChannelId) -> bool {
        match &self.channels {
            PrivateChannels::Prefix(prefix) => channel.as_str().starts_with(prefix),
            PrivateChannels::All => true,
        }
    }

    /// Checks a token for a channel at this time, in microseconds since the Unix epoch; how long it is good from then on.
    ///
    /// # Errors
    /// A [`TokenError`] says what is wrong with it.
    pub fn check_token(&self, token: &[u8], channel: &ChannelId, now: u64) -> Result<Duration, TokenError> {
        if token.len() > self.max_bytes {
            return Err(TokenError::TooLong);
        }
        let token = std::str::from_utf8(token).map_err(|_| TokenError::Malformed)?;
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let signature = decode(signature)?;
        // RFC 8725 §3.1: the key says what it is checked with, and nothing in the token is read before that.
        let good = |key: &&TokenKey| key.has_signed(signed.as_bytes(), &signature);
        let key = self.keys.iter().find(good).ok_or(TokenError::Signature)?;
        Header::parse(&decode(header)?)?.check(key)?;
        Claims::parse(&decode(claims)?)?.check(self, channel, now)
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let bounds = |field, wanted| Err(ConfigError { field, wanted });
        if self.max_life.is_zero() || self.max_life > YEAR {
            return bounds("tokens.max_life", "longer than nothing and at most a year");
        }
        if self.leeway > HOUR {
            return bounds("tokens.leeway", "at most an hour");
        }
        if self.channels == PrivateChannels::Prefix(String::new()) {
            return bounds("tokens.channels", "a prefix that is not empty, or all channels");
        }
        Ok(())
    }
}

const HOUR: Duration = Duration::from_secs(60 * 60);
const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// RFC 7515 §2: base64url without padding, and nothing else.
fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)
}
