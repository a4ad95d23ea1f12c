//! Who may publish over HTTP.

use std::fmt;

use http::{HeaderMap, header};
use sha2::{Digest, Sha256};

use crate::config::ConfigError;

/// Whether the publish route exists, and for whom.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Publishing {
    /// The route does not exist.
    #[default]
    Off,
    /// Whoever sends one of these tokens as `Authorization: Bearer`. Two, while one takes over from the other.
    Tokens(Vec<TokenDigest>),
    /// Everyone who reaches the server. Only where nobody else can reach it.
    Open,
}

/// A token's SHA-256: the token itself is not kept, and comparing digests takes the same time wherever they differ.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenDigest(pub(super) [u8; 32]);

impl Publishing {
    /// Publishing with this token.
    pub fn token(token: impl AsRef<str>) -> Self {
        Self::Off.or_token(token)
    }

    /// Publishing with this token as well.
    #[must_use]
    pub fn or_token(self, token: impl AsRef<str>) -> Self {
        let mut tokens = match self {
            Self::Tokens(tokens) => tokens,
            Self::Off | Self::Open => Vec::new(),
        };
        tokens.push(TokenDigest(Sha256::digest(token.as_ref()).into()));
        Self::Tokens(tokens)
    }

    /// Whether the route exists.
    pub fn is_off(&self) -> bool {
        *self == Self::Off
    }

    /// Whether the request may publish.
    pub fn admits(&self, headers: &HeaderMap) -> bool {
        let Self::Tokens(tokens) = self else { return *self == Self::Open };
        let Some(token) = headers.get(header::AUTHORIZATION).and_then(|value| bearer(value.as_bytes())) else {
            return false;
        };
        let digest = TokenDigest(Sha256::digest(token).into());
        tokens.contains(&digest)
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let empty = TokenDigest(Sha256::digest("").into());
        match self {
            Self::Tokens(tokens) if tokens.contains(&empty) => {
                Err(ConfigError { field: "publishing", wanted: "a token that is not empty" })
            }
            _ => Ok(()),
        }
    }
}

/// RFC 6750 §2.1; the scheme's name is case-insensitive (RFC 9110 §11.1).
pub(crate) fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

impl fmt::Debug for Publishing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("Off"),
            Self::Tokens(tokens) => write!(f, "Tokens({})", tokens.len()),
            Self::Open => f.write_str("Open"),
        }
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(authorization: &str) -> HeaderMap {
        [(header::AUTHORIZATION, authorization.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn the_token_opens_and_nothing_else_does() {
        let publishing = Publishing::token("new").or_token("old");
        for good in ["Bearer new", "bearer old", "BEARER  new "] {
            assert!(publishing.admits(&with(good)), "{good}");
        }
        for bad in ["Bearer", "Bearer ", "Bearer ne", "Bearer newer", "Basic new", "new", ""] {
            assert!(!publishing.admits(&with(bad)), "{bad}");
        }
        assert!(!publishing.admits(&HeaderMap::new()));
        assert!(Publishing::Open.admits(&HeaderMap::new()));
        assert!(!Publishing::Off.admits(&with("Bearer x")));
        assert!(Publishing::token("").check().is_err());
        assert!(!format!("{publishing:?}").contains("new"));
    }
}
