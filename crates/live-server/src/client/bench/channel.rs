//! One channel of a bench: what was sent when, and who has it.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use live_core::{PostId, Render, Update};

use super::histogram::Histogram;

/// What all readers measure together.
#[derive(Default)]
pub(super) struct Measured {
    /// From sending a publish to the server's answer.
    pub(super) answered: Histogram,
    /// From sending a publish to one reader having it.
    pub(super) delivered: Histogram,
    /// From sending a publish to the last reader having it, or something newer.
    pub(super) last: Histogram,
    /// Updates that a reader did not get, because it got a newer one in their place.
    pub(super) left_out: AtomicU64,
}

/// The updates of one channel: one post, edited again and again.
pub(super) struct BenchChannel {
    updates: Vec<Sent>,
    id: PostId,
    size: usize,
}

struct Sent {
    at: OnceLock<Instant>,
    /// Readers that do not have it yet.
    missing: AtomicU64,
}

impl BenchChannel {
    pub(super) fn new(id: PostId, updates: usize, readers: u64, size: usize) -> Self {
        let sent = || Sent { at: OnceLock::new(), missing: AtomicU64::new(readers) };
        Self { updates: (0..updates).map(|_| sent()).collect(), id, size }
    }

    /// The post before the first update.
    pub(super) fn seed(&self) -> Update {
        Update::new().render(Render::new(self.id.clone(), "live bench"))
    }

    /// Leaves the page as empty as it was.
    pub(super) fn removal(&self) -> Update {
        Update::new().remove(self.id.clone())
    }

    /// The update with this number. Its post has as many bytes as was asked for, or a few more.
    pub(super) fn update(&self, number: usize) -> Update {
        let mark = format!("{MARK}{number};");
        let filling = "x".repeat(self.size.saturating_sub(mark.len()));
        Update::new().render(Render::new(self.id.clone(), mark + &filling))
    }

    /// The update with this number is on its way.
    pub(super) fn sent(&self, number: usize) {
        if let Some(sent) = self.updates.get(number) {
            let _ = sent.at.set(Instant::now());
        }
    }

    /// The channel as a reader that has joined now sees it.
    pub(super) fn progress<'a>(&'a self, measured: &'a Measured) -> Progress<'a> {
        Progress { channel: self, measured, seen: 0 }
    }
}

/// How far one reader is. Dropped before the end, the reader is missed no longer.
pub(super) struct Progress<'a> {
    channel: &'a BenchChannel,
    measured: &'a Measured,
    /// Updates that it has, or something newer.
    seen: usize,
}

impl Progress<'_> {
    /// Takes a frame; `true` when it was the last.
    pub(super) fn take(&mut self, frame: &str, now: Instant) -> bool {
        let number = mark(frame).filter(|number| (self.seen..self.channel.updates.len()).contains(number));
        let Some(number) = number else { return false };
        if let Some(at) = self.channel.updates[number].at.get() {
            self.measured.delivered.add(now - *at);
        }
        self.measured.left_out.fetch_add((number - self.seen) as u64, Relaxed);
        self.advance(number + 1, now);
        self.seen == self.channel.updates.len()
    }

    fn advance(&mut self, to: usize, now: Instant) {
        for sent in &self.channel.updates[self.seen..to] {
            let is_last = sent.missing.fetch_sub(1, Relaxed) == 1;
            if let Some(at) = sent.at.get().filter(|_| is_last) {
                self.measured.last.add(now.saturating_duration_since(*at));
            }
        }
        self.seen = to;
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        for sent in &self.channel.updates[self.seen..] {
            sent.missing.fetch_sub(1, Relaxed);
        }
    }
}

/// Stands before the number of an update, in its post.
const MARK: &str = "live-bench-";

fn mark(frame: &str) -> Option<usize> {
    let (_, after) = frame.split_once(MARK)?;
    after.split_once(';')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn channel(readers: u64) -> BenchChannel {
        let channel = BenchChannel::new(PostId::new("bench").unwrap(), 3, readers, 40);
        (0..3).for_each(|number| channel.sent(number));
        channel
    }

    fn frame(channel: &BenchChannel, number: usize) -> String {
        serde_json::to_string(&channel.update(number)).unwrap()
    }

    #[test]
    fn the_last_reader_of_an_update_is_the_one_that_nobody_follows() {
        let (channel, measured) = (channel(2), Measured::default());
        let (mut one, mut other) = (channel.progress(&measured), channel.progress(&measured));
        let later = Instant::now() + Duration::from_secs(1);
        assert!(!one.take(&frame(&channel, 0), later));
        assert_eq!((measured.delivered.count(), measured.last.count()), (1, 0));
        assert!(!other.take(&frame(&channel, 0), later));
        assert_eq!((measured.delivered.count(), measured.last.count()), (2, 1));
        assert!(!other.take(&frame(&channel, 0), later), "what comes twice counts once");
        assert_eq!(measured.delivered.count(), 2);
    }

    #[test]
    fn a_reader_that_gets_a_newer_update_has_the_older_ones() {
        let (channel, measured) = (channel(1), Measured::default());
        let mut reader = channel.progress(&measured);
        assert!(reader.take(&frame(&channel, 2), Instant::now()));
        let left_out = measured.left_out.load(Relaxed);
        assert_eq!((measured.delivered.count(), left_out, measured.last.count()), (1, 2, 3));
    }

    #[test]
    fn a_reader_that_is_lost_is_not_waited_for() {
        let (channel, measured) = (channel(2), Measured::default());
        drop(channel.progress(&measured));
        assert!(channel.progress(&measured).take(&frame(&channel, 2), Instant::now()));
        assert_eq!(measured.last.count(), 3);
    }

    #[test]
    fn a_post_has_the_size_that_was_asked_for() {
        let update = channel(1).update(2);
        let html = update.renders().next().unwrap().html().unwrap().to_owned();
        assert_eq!(html.len() - "<div data-post-id=\"bench\"></div>".len(), 40);
        assert_eq!(mark(&html), Some(2));
        assert_eq!((mark("{}"), mark("live-bench-x;")), (None, None));
    }
}
