//! What a shard has seen of its page, for all its readers.

use std::sync::Arc;

#[cfg(feature = "socket")]
use super::LivePage;
use super::Look;
#[cfg(feature = "socket")]
use crate::metrics::Age;
use crate::{cursor::Cursor, frame::Frame};

/// The head of a page, and the frame that leads to it from the one before: all that most of its readers need to see.
#[derive(Debug)]
pub(crate) struct Latest {
    /// When it was seen, in milliseconds since the hub began.
    pub(crate) seen_at: u64,
    head: Cursor,
    pub(super) frame: Option<Arc<Frame>>,
    #[cfg(feature = "socket")]
    pub(super) age: Option<Age>,
}

impl Latest {
    /// The page as it is at this time; `None` until the bus's first snapshot.
    #[cfg(feature = "socket")]
    pub(super) fn of(page: &LivePage, now: u64) -> Option<Self> {
        let (head, frame) = page.with_view(|view| {
            let head = view.page().cursor();
            (head, view.newest().filter(|frame| frame.cursor() == head).cloned())
        })?;
        let age = frame.as_deref().and_then(Age::of);
        Some(Self { seen_at: now, head, frame, age })
    }

    /// What a reader at `cursor` would find; `None` if it has to look by itself.
    pub(super) fn look(&self, cursor: Cursor) -> Option<Look> {
        match &self.frame {
            _ if cursor == self.head => Some(Look::UpToDate),
            Some(frame) if cursor == frame.prev() => Some(Look::Frame(Arc::clone(frame))),
            _ => None,
        }
    }
}
