//! The newest frames of a page, each continuing from the one before.

use std::{collections::VecDeque, sync::Arc};

use crate::{cursor::Cursor, frame::Frame};

#[derive(Debug)]
pub(super) struct Ring {
    /// Consecutive: each frame's `prev` is the `cursor` of the one before it.
    frames: VecDeque<Arc<Frame>>,
    bytes: usize,
    max_frames: usize,
    max_bytes: usize,
}

impl Ring {
    pub(super) fn new(max_frames: usize, max_bytes: usize) -> Self {
        Self { frames: VecDeque::new(), bytes: 0, max_frames, max_bytes }
    }

    pub(super) fn push(&mut self, frame: Arc<Frame>) {
        if self.frames.back().is_some_and(|last| last.cursor() != frame.prev()) {
            self.clear();
        }
        self.bytes += frame.len();
        self.frames.push_back(frame);
        while self.frames.len() > self.max_frames || self.bytes > self.max_bytes {
            let Some(oldest) = self.frames.pop_front() else { return };
            self.bytes -= oldest.len();
        }
    }

    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.bytes = 0;
    }

    pub(super) fn newest(&self) -> Option<&Arc<Frame>> {
        self.frames.back()
    }

    /// The frame that continues from `cursor`, if it is one of the newest `few`.
    pub(super) fn next(&self, cursor: Cursor, few: usize) -> Option<&Arc<Frame>> {
        self.frames.iter().rev().take(few).find(|frame| frame.prev() == cursor)
    }
}
