//! A numbered update, and what it does to a copy of the page.

use std::sync::Arc;

use super::{Page, posts::Moment};
use crate::{cursor::Cursor, id::PostId, update::Sort};

/// An update with its place in the log: what a bus stores and announces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// The head that it follows.
    pub prev: Cursor,
    /// The head that it makes.
    pub cursor: Cursor,
    /// The page is exactly these posts from now on, and whole; what readers saw before is void.
    pub reset: bool,
    /// Posts and removals, each id once.
    pub changes: Vec<Change>,
}

/// One change of a numbered update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A post added or edited.
    Post {
        /// The post.
        id: PostId,
        /// Its HTML, or `None` while it is hidden.
        html: Option<Arc<str>>,
        /// Its place.
        sort: Sort,
        /// Whether the publisher chose the place.
        placed: bool,
        /// The publisher's revision.
        rev: Option<u64>,
    },
    /// A post gone.
    Removal {
        /// The post.
        id: PostId,
        /// The publisher's revision that a later render has to reach.
        rev: Option<u64>,
    },
}

impl Change {
    /// The post that changes.
    pub fn id(&self) -> &PostId {
        match self {
            Self::Post { id, .. } | Self::Removal { id, .. } => id,
        }
    }
}

/// Why a copy of a page does not take an update.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The copy has it already. Drop it.
    #[error("update {cursor} is not newer than the page")]
    Old {
        /// The update.
        cursor: Cursor,
    },
    /// Updates in between are missing. Take a new snapshot.
    #[error("update continues from {prev}, but the page is at {head}")]
    Gap {
        /// Where the update continues from.
        prev: Cursor,
        /// Where the page is.
        head: Cursor,
    },
}

impl Page {
    /// Makes the update part of the page.
    ///
    /// # Errors
    /// [`ApplyError::Old`] if the page is past it: drop it. [`ApplyError::Gap`] if the page does not reach it: take a new snapshot.
    pub fn apply(&mut self, update: &Numbered) -> Result<(), ApplyError> {
        if update.prev != self.cursor() {
            return Err(self.refusal(update));
        }
        for (index, change) in update.changes.iter().enumerate() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            self.posts.apply(change, Moment { version: update.cursor.version, index });
        }
        self.epoch = update.cursor.epoch;
        self.head = update.cursor.version;
        if update.reset {
            self.whole = true;
            self.horizon = self.head;
        }
        if let Some(horizon) = self.posts.forget_old_removals() {
            self.horizon = self.horizon.max(horizon);
        }
        Ok(())
    }

    fn refusal(&self, update: &Numbered) -> ApplyError {
        if update.cursor.epoch == self.epoch && update.cursor.version <= self.head {
            return ApplyError::Old { cursor: update.cursor };
        }
        ApplyError::Gap { prev: update.prev, head: self.cursor() }
    }
}
