//! One page of a relayed bus, for as long as its node hears all of it.

use std::sync::Arc;

use live_core::{
    BusError, Clock, Config, Epoch, PageLimits, Update,
    bus::{Announcements, Sleepers, Subscription, TAIL_CAPACITY},
    page::{NumberError, Numbered, Page},
};

/// What a page may come to.
pub(crate) struct Rules {
    /// The epoch of the cursors of pages that are not followed here.
    pub(crate) origin: Epoch,
    pub(crate) limits: PageLimits,
    pub(crate) clock: Clock,
    max_tombstones: usize,
}

impl Rules {
    pub(crate) fn new(config: &Config) -> Result<Self, BusError> {
        let origin = Epoch::random()?;
        Ok(Self { origin, limits: config.page, clock: config.clock.clone(), max_tombstones: config.max_tombstones })
    }
}

pub(crate) struct Topic {
    /// Its epoch is of this time alone. So a cursor from before is dead, which is how the loss is reported to who comes with one.
    pub(crate) page: Page,
    /// And this is how it is reported to who follows.
    pub(crate) announcements: Announcements<Arc<Numbered>>,
}

impl Topic {
    pub(crate) fn new(rules: &Rules) -> Result<Self, BusError> {
        let page = Page::new(Epoch::random()?, rules.max_tombstones);
        Ok(Self { page, announcements: Announcements::new(TAIL_CAPACITY) })
    }

    pub(crate) fn subscribe(&self) -> Subscription {
        let tail = self.announcements.subscribe();
        tail.follow(self.page.cursor().version.number(), self.page.clone())
    }

    /// Numbers the update, makes it part of the page, and announces it to subscribers whom the caller wakes.
    ///
    /// Whoever sends has sent it to other nodes already, so a full page refuses nothing: it begins anew with what it has no room for.
    pub(crate) fn take(&mut self, update: Update, rules: &Rules) -> Result<Sleepers, BusError> {
        let mut sleepers = Sleepers::default();
        let numbered = match number(&self.page, update.clone(), rules) {
            Err(NumberError::PageFull { .. }) if self.page.has_log() && !update.is_replace() => {
                let empty = Self::new(rules)?.page;
                let numbered = number(&empty, update, rules)?;
                self.page = empty;
                sleepers = self.announcements.lose_without_waking();
                numbered
            }
            numbered => numbered?,
        };
        let Some(numbered) = numbered else { return Ok(sleepers) };
        // It was numbered from this very page, so it follows its head.
        self.page.apply(&numbered).unwrap_or_default();
        let at = numbered.cursor.version.number();
        Ok(sleepers.and(self.announcements.announce_without_waking(at, &numbered)))
    }
}

fn number(page: &Page, update: Update, rules: &Rules) -> Result<Option<Arc<Numbered>>, NumberError> {
    let numbered = page.number(update, rules.clock.now(), page.cursor().epoch, &rules.limits)?;
    Ok(numbered.map(Arc::new))
}
