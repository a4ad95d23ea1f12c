//! One page with its log as its owner keeps it: the state, and the keys of what was published.

use std::sync::Arc;

use super::{
    BusError, IdempotencyKey, Published,
    idempotency::{Keys, Known, digest},
};
use crate::{
    cursor::Epoch,
    page::{Numbered, Page, PageLimits},
    update::Update,
};

#[derive(Debug)]
pub(super) struct Log {
    pub(super) page: Page,
    pub(super) keys: Keys,
    /// The time of the last publish, in microseconds since the Unix epoch.
    pub(super) touched: u64,
}

/// What a publish came to.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) published: Published,
    /// `None` if the page stays as it was.
    pub(super) numbered: Option<Arc<Numbered>>,
    /// The key to store with the update.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only a store keeps it"))]
    pub(super) key: Option<(IdempotencyKey, Known)>,
}

impl Log {
    pub(super) fn new(page: Page) -> Self {
        Self { page, keys: Keys::default(), touched: 0 }
    }

    /// Numbers the update and makes it part of the page and its keys. `now` is in microseconds since the Unix epoch.
    pub(super) fn publish(
        &mut self,
        update: Update,
        key: Option<&IdempotencyKey>,
        now: u64,
        limits: &PageLimits,
    ) -> Result<Outcome, BusError> {
        let digest = digest(&update);
        if let Some(known) = key.and_then(|key| self.keys.get(key, now)) {
            if known.digest != digest {
                return Err(BusError::KeyReused);
            }
            let published = Published { cursor: known.cursor, repeated: true };
            return Ok(Outcome { published, numbered: None, key: None });
        }
        let numbered = self.page.number(update, now, Epoch::random()?, limits)?.map(Arc::new);
        if let Some(numbered) = &numbered {
            // It was numbered from this very page, so it follows its head.
            self.page.apply(numbered).unwrap_or_default();
        }
        self.touched = now;
        let cursor = self.page.cursor();
        let key = key.map(|key| (key.clone(), Known { digest, cursor, at: now }));
        if let Some((key, known)) = &key {
            self.keys.insert(key.clone(), *known);
        }
        Ok(Outcome { published: Published { cursor, repeated: false }, numbered, key })
    }
}
