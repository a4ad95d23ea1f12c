//! One channel that is followed, and its page as far as this node has seen it since.

use std::sync::Arc;

use live_sync::{Announcements, Sleepers};
use sha2::{Digest as _, Sha256};
use tokio::sync::{oneshot, watch};

use super::topics::{Followed, Rules};
use crate::{
    bus::BusError,
    cursor::{Cursor, Epoch},
    id::ChannelId,
    page::{NumberError, Numbered, Page},
    update::Update,
};

/// How far the subscription is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Redis is still to be asked.
    New,
    Asked,
    /// Redis has acknowledged.
    Joined,
}

#[derive(Debug)]
pub(crate) struct Topic {
    /// Its epoch is of this one subscription: a cursor from before cannot be placed, because nobody knows what was missed.
    pub(crate) page: Page,
    pub(crate) announcements: Announcements<Arc<Numbered>>,
    pub(crate) phase: watch::Sender<Phase>,
    /// No other topic of the connection has it.
    pub(crate) number: u64,
    /// Messages of this node that are on their way; one each for publishers that wait.
    expected: Vec<(Digest, oneshot::Sender<Cursor>)>,
    max_tombstones: usize,
}

/// Yields the cursor of a message of this node once it has come back.
pub(crate) type Arrival = oneshot::Receiver<Cursor>;

type Digest = [u8; 32];

fn digest(message: &[u8]) -> Digest {
    Sha256::digest(message).into()
}

impl Topic {
    pub(crate) fn new(
        announcements: Announcements<Arc<Numbered>>,
        max_tombstones: usize,
        number: u64,
    ) -> Result<Self, BusError> {
        let page = Page::new(Epoch::random()?, max_tombstones);
        let phase = watch::Sender::new(Phase::New);
        Ok(Self { page, announcements, phase, number, expected: Vec::new(), max_tombstones })
    }

    pub(crate) fn followed(&self, channel: &ChannelId) -> Followed {
        Followed { channel: channel.clone(), number: self.number }
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    pub(crate) fn is_joined(&self) -> bool {
        self.phase() == Phase::Joined
    }

    /// Wakes nobody: all who wait for the phase wait for the next one.
    pub(crate) fn set_asked(&self) {
        self.phase.send_if_modified(|phase| {
            *phase = Phase::Asked;
            false
        });
    }

    /// Numbers the update, makes it part of the page and announces it to subscribers whom the caller wakes.
    ///
    /// Without a log nothing can be refused for good: an update that a full page has no room for is the first of a new page, and
    /// the readers of the old one begin anew.
    pub(crate) fn take(&mut self, update: Update, rules: &Rules) -> Result<Sleepers, BusError> {
        let mut sleepers = Sleepers::default();
        let numbered = match number(&self.page, update.clone(), rules) {
            Err(NumberError::PageFull { .. } | NumberError::NoVersionLeft)
                if self.page.has_log() && !update.is_replace() =>
            {
                let empty = Page::new(Epoch::random()?, self.max_tombstones);
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

    pub(crate) fn expect(&mut self, message: &[u8]) -> Arrival {
        self.expected.retain(|(_, publisher)| !publisher.is_closed());
        let (publisher, arrival) = oneshot::channel();
        self.expected.push((digest(message), publisher));
        arrival
    }

    #[cfg(test)]
    pub(crate) fn expected(&self) -> usize {
        self.expected.len()
    }

    /// A message has come and the page is as it is with it: whom to tell, and what. Of two messages with the same bytes the earlier
    /// counts, which takes nobody too far.
    pub(crate) fn arrived(&mut self, message: &[u8]) -> Option<(oneshot::Sender<Cursor>, Cursor)> {
        if self.expected.is_empty() {
            return None;
        }
        let digest = digest(message);
        let index = self.expected.iter().position(|(expected, _)| *expected == digest)?;
        let (_, publisher) = self.expected.remove(index);
        Some((publisher, self.page.cursor()))
    }
}

fn number(page: &Page, update: Update, rules: &Rules) -> Result<Option<Arc<Numbered>>, NumberError> {
    Ok(page.number(update, rules.clock.now(), page.cursor().epoch, &rules.limits)?.map(Arc::new))
}

/// Why the page did not take an update, without a word of what is in it, because it is logged.
pub(crate) fn reason(error: &BusError) -> &'static str {
    match error {
        BusError::Refused(NumberError::PageFull { .. }) => "the update is larger than a page may be",
        BusError::Refused(NumberError::PostTooLarge { .. }) => "a post in it is larger than it may be",
        BusError::Refused(NumberError::TooManyItems { .. }) => "it has more renders and removals than it may",
        BusError::Refused(NumberError::NoVersionLeft) => "the clock is too far in the future",
        _ => "it cannot be numbered",
    }
}
