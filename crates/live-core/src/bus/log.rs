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

/// One page and the idempotency keys of what was published to it: what a bus with a log keeps for each page.
///
/// ```
/// use live_core::{Epoch, PageLimits, PostId, Render, Update, bus::Log, page::Page};
/// # let limits = live_core::Config::default().page;
/// let mut log = Log::new(Page::new(Epoch::from_bits(1), 10_000));
/// let update = Update::new().render(Render::new(PostId::new("1")?, "Kick-off!"));
/// let outcome = log.publish(update, None, 1_795_000_000_000_000, Epoch::from_bits(2), &limits)?;
/// assert_eq!(outcome.published.cursor, log.page().cursor());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It reads no clock and no randomness, so the same publishes in the same order make the same page everywhere. It stores nothing: the
/// owner does, before it announces.
#[derive(Debug)]
pub struct Log {
    pub(super) page: Page,
    pub(super) keys: Keys,
    /// The time of the last publish, in microseconds since the Unix epoch.
    pub(super) touched: u64,
}

/// What a publish came to.
#[derive(Debug)]
pub struct Outcome {
    /// What the publisher is told.
    pub published: Published,
    /// What subscribers are told, or `None` if the page stays as it was.
    pub numbered: Option<Arc<Numbered>>,
    /// The key to store with the update.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only a store keeps it"))]
    pub(super) key: Option<(IdempotencyKey, Known)>,
}

impl Log {
    /// A log of this page, without keys.
    pub fn new(page: Page) -> Self {
        Self { page, keys: Keys::default(), touched: 0 }
    }

    /// The page as it is.
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// The time of the last publish, in microseconds since the Unix epoch.
    pub fn touched(&self) -> u64 {
        self.touched
    }

    /// Numbers the update and makes it part of the page and its keys. `now` is in microseconds since the Unix epoch; `epoch` begins if
    /// the page has no log yet.
    ///
    /// A log whose page [has none](Page::has_log) afterwards, because the update was refused or empty, need not be kept.
    ///
    /// # Errors
    /// [`BusError::Refused`] says why the update does not fit, [`BusError::KeyReused`] that the key is another update's. The log stays
    /// as it was.
    pub fn publish(
        &mut self,
        update: Update,
        key: Option<&IdempotencyKey>,
        now: u64,
        epoch: Epoch,
        limits: &PageLimits,
    ) -> Result<Outcome, BusError> {
        // Before keys are asked, because a bus may refuse what is too large before it asks its store anything.
        update.check_size(limits)?;
        // A digest costs more than the rest, and is for updates with a key.
        let key = key.map(|key| (key, digest(&update)));
        if let Some((key, digest)) = &key
            && let Some(published) = self.keys.find(key, digest, now)?
        {
            return Ok(Outcome { published, numbered: None, key: None });
        }
        let numbered = self.page.number(update, now, epoch, limits)?.map(Arc::new);
        if let Some(numbered) = &numbered {
            // It was numbered from this very page, so it follows its head.
            self.page.apply(numbered).unwrap_or_default();
        }
        self.touched = now;
        let cursor = self.page.cursor();
        let key = key.map(|(key, digest)| (key.clone(), Known { digest, cursor, at: now }));
        if let Some((key, known)) = &key {
            self.keys.insert(key.clone(), *known);
        }
        Ok(Outcome { published: Published { cursor, repeated: false }, numbered, key })
    }
}
