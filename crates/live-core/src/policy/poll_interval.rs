//! How long interval polling waits, by load.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use http::HeaderValue;

use crate::{config::Config, sync::lock};

/// Tells readers when to poll next, so that those who wait come back at no more than a rate that was chosen.
///
/// Who was told to wait is counted until the wait is over. So the number of those who poll is known whatever they were told, and
/// what they are told next does not change it: nothing swings. A cache that answers for the server takes its readers off the count.
#[derive(Debug)]
pub(crate) struct PollInterval {
    waits: Mutex<Waits>,
    shortest: Duration,
    longest: Duration,
    per_second: u64,
    /// The shortest as a header's value.
    told: HeaderValue,
}

#[derive(Debug)]
struct Waits {
    began: Instant,
    /// The nanoseconds that one slot stands for.
    width: u64,
    /// How many waits end in each slot, from `slot` on and around. The longest wait ends within them.
    ends: Box<[usize]>,
    /// The slot that has not ended yet.
    slot: u64,
    /// The sum of `ends`.
    total: usize,
}

impl PollInterval {
    pub(crate) fn new(config: &Config, now: Instant) -> Self {
        let (shortest, longest) = (config.poll_interval, config.longest_poll_interval());
        let width = nanoseconds(shortest / SLOTS_IN_SHORTEST).max(1);
        let slots = (nanoseconds(longest) / width) as usize + 2;
        let waits = Waits { began: now, width, ends: vec![0; slots].into(), slot: 0, total: 0 };
        let per_second = config.polls_per_second as u64;
        Self { waits: Mutex::new(waits), shortest, longest, per_second, told: header_value(shortest) }
    }

    /// For a reader whose poll is answered now and who can be told how long to wait.
    pub(crate) fn next(&self, now: Instant) -> Duration {
        // Held for some additions, and by polls alone.
        let mut waits = lock(&self.waits);
        let now = waits.end_until(now);
        let fair = (waits.total as u64 + 1).saturating_mul(1_000_000_000) / self.per_second;
        let interval = Duration::from_nanos(fair).clamp(self.shortest, self.longest);
        waits.begin(now + interval);
        interval
    }

    /// Counts a reader whose poll is answered now and who waits the shortest in any case.
    pub(crate) fn count(&self, now: Instant) {
        let mut waits = lock(&self.waits);
        let now = waits.end_until(now);
        waits.begin(now + self.shortest);
    }

    /// What an answer says of it, in milliseconds.
    pub(crate) fn to_header(&self, interval: Duration) -> HeaderValue {
        // As nearly all are told.
        if interval == self.shortest { self.told.clone() } else { header_value(interval) }
    }
}

fn header_value(interval: Duration) -> HeaderValue {
    HeaderValue::from(interval.as_millis() as u64)
}

/// Enough for 500 years.
fn nanoseconds(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

/// A wait is counted for up to a slot longer than it is, which is little of the shortest.
const SLOTS_IN_SHORTEST: u32 = 8;

impl Waits {
    /// Takes those off the count who come again by now, which it returns as the time since the beginning.
    fn end_until(&mut self, now: Instant) -> Duration {
        let now = now.saturating_duration_since(self.began);
        let slot = self.slot_of(now);
        // After a full turn nothing is left to end.
        let passed = slot.saturating_sub(self.slot).min(self.ends.len() as u64);
        for ended in self.slot..self.slot + passed {
            let ended = self.index(ended);
            self.total -= std::mem::take(&mut self.ends[ended]);
        }
        self.slot = self.slot.max(slot);
        now
    }

    fn begin(&mut self, end: Duration) {
        let index = self.index(self.slot_of(end));
        self.ends[index] += 1;
        self.total += 1;
    }

    fn slot_of(&self, time: Duration) -> u64 {
        nanoseconds(time) / self.width
    }

    fn index(&self, slot: u64) -> usize {
        (slot % self.ends.len() as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limits(per_second: usize) -> Config {
        Config {
            poll_interval: 3 * SECOND,
            max_poll_interval: 15 * SECOND,
            polls_per_second: per_second,
            ..Config::default()
        }
    }

    /// Polls that come in each second from the first to the last, from readers who do as they are told and never leave.
    fn polls(readers: u64, per_second: usize, seconds: usize) -> Vec<usize> {
        let began = Instant::now();
        let interval = PollInterval::new(&limits(per_second), began);
        // They come in the course of the first three seconds.
        let mut due: Vec<Duration> = (0..readers).map(|reader| 3 * SECOND * reader as u32 / readers as u32).collect();
        let mut counts = vec![0; seconds];
        while let Some((reader, now)) = due.iter().copied().enumerate().min_by_key(|(_, due)| *due) {
            let Some(count) = counts.get_mut(now.as_secs() as usize) else { return counts };
            *count += 1;
            due[reader] += interval.next(began + now);
        }
        counts
    }

    #[test]
    fn few_readers_poll_as_often_as_the_site_chose() {
        let interval = PollInterval::new(&limits(100), Instant::now());
        for _ in 0..300 {
            assert_eq!(interval.next(Instant::now()), 3 * SECOND);
        }
    }

    #[test]
    fn many_readers_come_at_the_rate_that_was_chosen_and_stay_at_it() {
        let counts = polls(1_000, 100, 60);
        assert!(counts[..3].iter().all(|&count| count > 300), "{counts:?}");
        // Waves of a crowd's beginning stay, because readers here take no random part of their wait; the sum is what was chosen.
        for ten_seconds in counts[10..].chunks(10) {
            assert!((900..=1_100).contains(&ten_seconds.iter().sum::<usize>()), "{counts:?}");
        }
    }

    #[test]
    fn nobody_is_told_to_wait_longer_than_the_longest() {
        let interval = PollInterval::new(&limits(1), Instant::now());
        let longest = (0..100).map(|_| interval.next(Instant::now())).max();
        assert_eq!(longest, Some(15 * SECOND));
    }

    #[test]
    fn readers_who_have_gone_are_forgotten() {
        let began = Instant::now();
        for later in [16 * SECOND, 1_000_000 * SECOND] {
            let interval = PollInterval::new(&limits(10), began);
            for _ in 0..100 {
                interval.next(began);
            }
            assert!(interval.next(began + SECOND) > 9 * SECOND);
            assert_eq!(interval.next(began + later), 3 * SECOND);
            assert_eq!(lock(&interval.waits).total, 1);
        }
    }

    #[test]
    fn readers_who_cannot_be_told_count_as_well() {
        let began = Instant::now();
        let interval = PollInterval::new(&limits(10), began);
        for _ in 0..99 {
            interval.count(began);
        }
        assert_eq!(interval.next(began), 10 * SECOND);
        assert_eq!(interval.next(began + 4 * SECOND), 3 * SECOND);
    }

    #[test]
    fn a_longest_below_the_shortest_leaves_the_interval_as_it_is() {
        let config = Config { max_poll_interval: Duration::ZERO, ..limits(1) };
        let interval = PollInterval::new(&config, Instant::now());
        for _ in 0..100 {
            assert_eq!(interval.next(Instant::now()), 3 * SECOND);
        }
    }
}
