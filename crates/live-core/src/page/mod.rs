//! A page: a keyed state with one log. Pure: no I/O, and the time is an argument.
//!
//! A bus that owns the log calls [`Page::number`], stores the result, and then calls [`Page::apply`]; every copy of the page
//! elsewhere only applies. [`View`] adds what readers need: the recent frames, and the answer to a cursor.

mod apply;
mod made;
mod number;
mod posts;
mod ring;
mod stored;
mod view;

use std::collections::VecDeque;

use self::posts::Posts;
pub use self::{
    apply::{ApplyError, Change, Numbered},
    number::{NumberError, PageLimits, WhenFull},
    posts::Post,
    stored::{StoredPage, StoredPost, StoredRemoval},
    view::{Answer, View, ViewLimits},
};
use crate::cursor::{Cursor, Epoch, Version};

/// The state of one page and what it needs to place any cursor: versions of changes, removals up to a horizon, forks.
#[derive(Debug, Clone)]
pub struct Page {
    /// The epoch of cursors from before the log began: the bus's.
    origin: Epoch,
    epoch: Epoch,
    head: Version,
    /// Changes up to here may have been forgotten: an older cursor cannot be answered exactly.
    horizon: Version,
    whole: bool,
    /// Former epochs of this log, oldest first, each with the last version that it is good for.
    forks: VecDeque<Fork>,
    posts: Posts,
}

/// The end of an epoch: a server opened the log that may have lost what came after `head`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fork {
    /// The former epoch.
    pub epoch: Epoch,
    /// The last version of it that this log has.
    pub head: Version,
}

/// What a page can say about a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The changes since this version are known exactly.
    At(Version),
    /// The cursor was of this page, and what has changed since is not known any more.
    Dead,
    /// This copy of the page cannot place it: only the bus may declare it dead.
    Unknown,
}

/// How many former epochs a page remembers.
const MAX_FORKS: usize = 16;

impl Page {
    /// A page without a log. `origin` is the epoch of its bus.
    pub fn new(origin: Epoch, max_tombstones: usize) -> Self {
        Self {
            origin,
            epoch: origin,
            head: Version::ZERO,
            horizon: Version::ZERO,
            whole: false,
            forks: VecDeque::new(),
            posts: Posts::new(max_tombstones),
        }
    }

    /// The cursor of the page's newest update, `<bus epoch>-0` before the first.
    pub fn cursor(&self) -> Cursor {
        Cursor::new(self.epoch, self.head)
    }

    /// Whether the page holds every post, so that it can bring any reader up to date by itself.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether the page was ever published to.
    pub fn has_log(&self) -> bool {
        self.head > Version::ZERO
    }

    /// Changes at or before this version may be forgotten.
    pub fn horizon(&self) -> Version {
        self.horizon
    }

    /// The posts, in ascending order of their place.
    pub fn posts(&self) -> impl DoubleEndedIterator<Item = Post<'_>> {
        self.posts.by_sort()
    }

    /// The posts that changed after a version, in ascending order of their place. Exact from the horizon on.
    pub fn changed_since(&self, version: Version) -> Vec<Post<'_>> {
        self.posts.changed_since(version)
    }

    /// The post with this id.
    pub fn post(&self, id: &str) -> Option<Post<'_>> {
        self.posts.get(id)
    }

    /// The ids of the posts known to be gone.
    pub fn removed(&self) -> impl Iterator<Item = &crate::id::PostId> {
        self.posts.removed_since(Version::ZERO)
    }

    /// Begins a new epoch at the head, because what came after may have been lost. A page without a log stays as it is.
    pub fn fork(&mut self, epoch: Epoch) {
        if !self.has_log() {
            return;
        }
        self.forks.push_back(Fork { epoch: self.epoch, head: self.head });
        if self.forks.len() > MAX_FORKS {
            self.forks.pop_front();
        }
        self.epoch = epoch;
    }

    /// What this copy of the page can say about a cursor.
    pub fn standing(&self, cursor: Cursor) -> Standing {
        let Cursor { epoch, version } = cursor;
        if epoch == self.epoch {
            return if version > self.head { Standing::Unknown } else { self.unless_forgotten(version) };
        }
        if let Some(fork) = self.forks.iter().find(|fork| fork.epoch == epoch) {
            return if version > fork.head { Standing::Dead } else { self.unless_forgotten(version) };
        }
        // Before its log began, the page's cursor had the epoch of the bus.
        if epoch == self.origin && version == Version::ZERO {
            return self.unless_forgotten(version);
        }
        Standing::Unknown
    }

    fn unless_forgotten(&self, version: Version) -> Standing {
        if version < self.horizon { Standing::Dead } else { Standing::At(version) }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
