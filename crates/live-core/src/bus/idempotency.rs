//! Keys that make a repeated publish harmless.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    str::FromStr,
    time::Duration,
};

use sha2::{Digest as _, Sha256};

use super::{BusError, Published};
use crate::{cursor::Cursor, update::Update};

/// A publisher's name for one update: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Checks a key.
    ///
    /// # Errors
    /// [`InvalidKey`] for any other text.
    pub fn new(key: impl Into<String>) -> Result<Self, InvalidKey> {
        let key = key.into();
        let valid = (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
        if valid { Ok(Self(key)) } else { Err(InvalidKey) }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidKey;

    fn from_str(key: &str) -> Result<Self, InvalidKey> {
        Self::new(key)
    }
}

/// The text is no idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key is 1 to 255 visible ASCII characters")]
pub struct InvalidKey;

/// What tells one update from another under the same key.
pub type Digest = [u8; 32];

/// The digest of an update: of what it says, not of how it was written down.
pub fn digest(update: &Update) -> Digest {
    // All else that an update has, JSON can say.
    let head = update.expected_head().map(|head| head.to_string()).unwrap_or_default();
    let json = serde_json::to_vec(update).unwrap_or_default();
    Sha256::new().chain_update(json).chain_update(head).finalize().into()
}

/// How long a key is remembered.
pub(super) const KEY_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// How many keys of one page are remembered.
pub(super) const MAX_KEYS: usize = 1_000;

/// The keys of one page that are remembered: the last 1,000 of 24 hours.
#[derive(Debug, Default)]
pub struct Keys {
    known: HashMap<IdempotencyKey, Known>,
    /// Oldest first.
    order: VecDeque<IdempotencyKey>,
}

/// What was published under a key.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// The update.
    pub digest: Digest,
    /// Where the page was with it.
    pub cursor: Cursor,
    /// When, in microseconds since the Unix epoch.
    pub at: u64,
}

impl Keys {
    /// What this update came to if it was published under the key before, `None` if the key is new.
    ///
    /// # Errors
    /// [`BusError::KeyReused`] if another update was.
    pub fn find(&self, key: &IdempotencyKey, digest: &Digest, now: u64) -> Result<Option<Published>, BusError> {
        match self.get(key, now) {
            Some(known) if known.digest == *digest => Ok(Some(Published { cursor: known.cursor, repeated: true })),
            Some(_) => Err(BusError::KeyReused),
            None => Ok(None),
        }
    }

    pub(super) fn get(&self, key: &IdempotencyKey, now: u64) -> Option<&Known> {
        self.known.get(key).filter(|known| now.saturating_sub(known.at) < KEY_LIFE.as_micros() as u64)
    }

    /// Remembers a key, and forgets the oldest where there are too many.
    pub fn insert(&mut self, key: IdempotencyKey, known: Known) {
        if self.known.insert(key.clone(), known).is_some() {
            self.order.retain(|present| *present != key);
        }
        self.order.push_back(key);
        if self.order.len() > MAX_KEYS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursor::{Epoch, Version};

    #[test]
    fn a_key_is_visible_ascii() {
        assert!(IdempotencyKey::new("post-7/2").is_ok());
        for bad in ["", "a b", "ü", "a\n", &"x".repeat(256)] {
            assert_eq!(IdempotencyKey::new(bad), Err(InvalidKey), "{bad:?}");
        }
    }

    #[test]
    fn the_last_thousand_keys_of_a_day_are_remembered() {
        let cursor = Cursor::new(Epoch::from_bits(1), Version::ZERO);
        let mut keys = Keys::default();
        let key = |number: usize| IdempotencyKey::new(number.to_string()).unwrap();
        for number in 0..=MAX_KEYS {
            keys.insert(key(number), Known { digest: [0; 32], cursor, at: 5 });
        }
        assert!(keys.get(&key(0), 5).is_none());
        assert!(keys.get(&key(1), 5).is_some());
        let life = KEY_LIFE.as_micros() as u64;
        assert!(keys.get(&key(1), 4 + life).is_some());
        assert!(keys.get(&key(1), 5 + life).is_none());
    }
}
