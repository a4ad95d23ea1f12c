//! What a shard has seen of its page, for all its readers.

use std::sync::Arc;

use super::{Hub, LivePage};
use crate::{
    cursor::Cursor,
    frame::Frame,
    metrics::{Age, Counters},
    publisher::Transport,
};

/// The newest frame of a page, for those who have the one before it.
#[derive(Debug)]
pub(crate) struct Latest {
    frame: Arc<Frame>,
    age: Option<Age>,
    /// When it was seen, in milliseconds since the hub began.
    seen_at: u64,
    counters: Arc<Counters>,
}

impl Latest {
    /// The page as it is now. `None` if there is no such frame, or if not all readers are to have it, because the server drains.
    pub(super) fn of(hub: &Hub, page: &LivePage) -> Option<Self> {
        if hub.is_draining() {
            return None;
        }
        let frame = page.with_view(|view| view.newest().cloned())??;
        let (age, counters) = (Age::of(&frame), Arc::clone(&hub.inner.counters));
        Some(Self { frame, age, seen_at: hub.now(), counters })
    }
}

/// A reader who is at a cursor of the page, and to whom nothing is to be said but what is new.
#[derive(Debug)]
pub(crate) struct Resting {
    cursor: Cursor,
    /// The moment that it waits for: a heartbeat, its silence, or the end of its admission. What is sent in between only puts it off.
    until: u64,
    sent_at: Option<u64>,
    transport: Transport,
}

impl Resting {
    pub(super) fn new(cursor: Cursor, until: u64, transport: Transport) -> Self {
        Self { cursor, until, sent_at: None, transport }
    }

    /// The frame that is new for all, if that is what it lacks; it is at the frame's cursor then.
    pub(crate) fn follow<'a>(&mut self, latest: &'a Latest) -> Option<&'a Frame> {
        let frame = &*latest.frame;
        if frame.prev() != self.cursor || latest.seen_at >= self.until {
            return None;
        }
        latest.counters.followed_at(self.transport, frame, latest.age);
        self.cursor = frame.cursor();
        self.sent_at = Some(latest.seen_at);
        Some(frame)
    }

    pub(super) fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// When it was last sent anything, if it was since it came to rest.
    pub(super) fn sent_at(&self) -> Option<u64> {
        self.sent_at
    }
}
