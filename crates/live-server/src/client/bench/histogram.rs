//! How long things took, in constant memory.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use serde::Serialize;

/// Counts durations in buckets that are at most 1/64 wide, so that a percentile is wrong by less than 1.6 %. The greatest is exact.
pub(super) struct Histogram {
    buckets: Box<[AtomicU64]>,
    max: AtomicU64,
}

/// What is reported of one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Summary {
    pub(super) count: u64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
}

/// Buckets for each doubling.
const STEPS: u64 = 64;
/// The exponent of `STEPS`.
const STEP_BITS: u32 = STEPS.trailing_zeros();

impl Default for Histogram {
    fn default() -> Self {
        let buckets = (0..=bucket(u64::MAX)).map(|_| AtomicU64::new(0)).collect();
        Self { buckets, max: AtomicU64::new(0) }
    }
}

impl Histogram {
    pub(super) fn add(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = self.buckets.get(bucket(micros)) {
            count.fetch_add(1, Relaxed);
        }
        self.max.fetch_max(micros, Relaxed);
    }

    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().map(|count| count.load(Relaxed)).sum()
    }

    pub(super) fn summary(&self) -> Summary {
        let milliseconds = |micros: u64| micros as f64 / 1_000.0;
        Summary {
            count: self.count(),
            p50_ms: milliseconds(self.percentile(50)),
            p99_ms: milliseconds(self.percentile(99)),
            max_ms: milliseconds(self.max.load(Relaxed)),
        }
    }

    /// The microseconds that so many of a hundred do not exceed; 0 without any.
    fn percentile(&self, of_hundred: u64) -> u64 {
        let wanted = (self.count() * of_hundred).div_ceil(100);
        let mut seen = 0;
        let reached = self.buckets.iter().position(|count| {
            seen += count.load(Relaxed);
            seen >= wanted && seen > 0
        });
        reached.map_or(0, lowest).min(self.max.load(Relaxed))
    }
}

/// The first doublings have a bucket for each microsecond, the later ones `STEPS` each.
fn bucket(micros: u64) -> usize {
    let shift = (u64::BITS - micros.leading_zeros()).saturating_sub(STEP_BITS + 1);
    (u64::from(shift) * STEPS + (micros >> shift)) as usize
}

/// The least that falls into a bucket.
fn lowest(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let shift = (bucket / STEPS).saturating_sub(1);
    (bucket - shift * STEPS) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_in_order_and_at_most_a_64th_wide() {
        let mut before = 0;
        for micros in (0..1_000).chain([4_095, 4_096, 1_000_000, u64::MAX / 3, u64::MAX]) {
            let index = bucket(micros);
            assert!(index >= before, "{micros}");
            before = index;
            let low = lowest(index);
            assert!(low <= micros && micros - low <= micros / STEPS, "{micros}: {low}");
        }
    }

    #[test]
    fn percentiles_are_of_what_was_added() {
        let histogram = Histogram::default();
        assert_eq!(histogram.summary(), Summary { count: 0, p50_ms: 0.0, p99_ms: 0.0, max_ms: 0.0 });
        for millis in 1..=100 {
            histogram.add(Duration::from_millis(millis));
        }
        let summary = histogram.summary();
        assert_eq!((summary.count, summary.max_ms), (100, 100.0));
        assert!((49.0..=50.0).contains(&summary.p50_ms) && (97.4..=99.0).contains(&summary.p99_ms), "{summary:?}");
        let one = Histogram::default();
        one.add(Duration::from_micros(7));
        assert_eq!(one.summary(), Summary { count: 1, p50_ms: 0.007, p99_ms: 0.007, max_ms: 0.007 });
    }
}
