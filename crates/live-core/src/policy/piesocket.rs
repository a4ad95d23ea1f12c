//! Who may use PieSocket's routes.

use std::fmt;

use sha2::{Digest, Sha256};

use super::TokenDigest;
use crate::config::ConfigError;

/// The accounts of a self-hosted PieSocket: an API key that pages connect with, and a secret that publishers have beside it. Without
/// an account the routes do not exist.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct PieSocketKeys(Vec<Account>);

#[derive(Clone, PartialEq, Eq)]
struct Account {
    api_key: TokenDigest,
    secret: TokenDigest,
}

impl PieSocketKeys {
    /// No routes.
    pub fn off() -> Self {
        Self::default()
    }

    /// One account.
    pub fn new(api_key: impl AsRef<str>, secret: impl AsRef<str>) -> Self {
        Self::default().or(api_key, secret)
    }

    /// This account as well, while one takes over from the other.
    #[must_use]
    pub fn or(mut self, api_key: impl AsRef<str>, secret: impl AsRef<str>) -> Self {
        self.0.push(Account { api_key: digest(api_key.as_ref()), secret: digest(secret.as_ref()) });
        self
    }

    /// Whether the routes do not exist.
    pub fn is_off(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether pages may connect with this key.
    pub fn knows(&self, api_key: &str) -> bool {
        let api_key = digest(api_key);
        self.0.iter().any(|account| account.api_key == api_key)
    }

    /// Whether a publisher with these may publish.
    pub fn admits(&self, api_key: &str, secret: &str) -> bool {
        self.0.contains(&Account { api_key: digest(api_key), secret: digest(secret) })
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let empty = digest("");
        if self.0.iter().any(|account| account.api_key == empty || account.secret == empty) {
            return Err(ConfigError { field: "piesocket", wanted: "a key and a secret that are not empty" });
        }
        Ok(())
    }
}

fn digest(text: &str) -> TokenDigest {
    TokenDigest(Sha256::digest(text).into())
}

impl fmt::Debug for PieSocketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PieSocketKeys({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_belongs_to_its_key() {
        let keys = PieSocketKeys::new("key", "hush").or("next", "quiet");
        assert!(keys.knows("key") && keys.knows("next") && !keys.knows("") && !keys.knows("hush"));
        assert!(keys.admits("key", "hush") && keys.admits("next", "quiet"));
        for (api_key, secret) in [("key", "quiet"), ("key", ""), ("", ""), ("hush", "key"), ("key", "HUSH")] {
            assert!(!keys.admits(api_key, secret), "{api_key} {secret}");
        }
        assert!(PieSocketKeys::off().is_off() && !PieSocketKeys::off().admits("", ""));
        assert!(PieSocketKeys::new("key", "").check().is_err() && keys.check().is_ok());
        assert_eq!(format!("{keys:?}"), "PieSocketKeys(2)");
    }
}
