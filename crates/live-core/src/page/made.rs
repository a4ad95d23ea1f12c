//! Frames that were made for readers behind the head, so that others behind it share them.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use crate::{
    cursor::{Epoch, Version},
    frame::{Frame, Kind},
};

/// What a frame is made for: its kind, and the cursor that it continues from.
pub(super) type Key = (Kind, Epoch, Version);

#[derive(Debug)]
pub(super) struct Made {
    frames: HashMap<Key, Arc<Frame>>,
    /// Oldest first.
    order: VecDeque<Key>,
    bytes: usize,
    max_bytes: usize,
}

/// Kept however large they are: the whole page, and the frames that the readers nearest to the head share.
const ALWAYS_KEPT: usize = 4;
/// Small frames count for more than their bytes.
const MAX_FRAMES: usize = 256;

impl Made {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { frames: HashMap::new(), order: VecDeque::new(), bytes: 0, max_bytes }
    }

    pub(super) fn get(&self, key: Key) -> Option<Arc<Frame>> {
        self.frames.get(&key).cloned()
    }

    pub(super) fn insert(&mut self, key: Key, frame: Arc<Frame>) {
        self.bytes += frame.len();
        self.order.push_back(key);
        self.frames.insert(key, frame);
        let is_over = |made: &Self| made.bytes > made.max_bytes || made.order.len() > MAX_FRAMES;
        while is_over(self) && self.order.len() > ALWAYS_KEPT {
            let Some(oldest) = self.order.pop_front().and_then(|key| self.frames.remove(&key)) else { return };
            self.bytes -= oldest.len();
        }
    }

    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.order.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cursor::Cursor, frame::Draft};

    #[test]
    fn what_is_kept_is_bounded_by_its_bytes() {
        let mut made = Made::new(1_000);
        let at = |number| Cursor::new(Epoch::from_bits(1), Version::saturating(number));
        for number in 0..100 {
            let frame = Draft::new(Kind::Delta, at(number), at(200)).finish();
            made.insert((Kind::Delta, at(number).epoch, at(number).version), Arc::new(frame));
        }
        assert!(made.bytes <= 1_000 && made.order.len() == made.frames.len());
        assert!(made.get((Kind::Delta, at(99).epoch, at(99).version)).is_some());
        assert!(made.get((Kind::Delta, at(0).epoch, at(0).version)).is_none());
    }
}
