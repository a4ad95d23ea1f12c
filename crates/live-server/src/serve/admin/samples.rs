//! The last minute of what is counted, for rates. Taken only while somebody watches.

use std::{collections::VecDeque, time::Instant};

use live_axum::Metrics;

/// What grows, at one moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Instant,
    totals: Totals,
}

/// Over all transports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) updates: u64,
    pub(super) deliveries: u64,
    pub(super) bytes: u64,
}

impl Totals {
    pub(super) fn of(metrics: &Metrics) -> Self {
        Self {
            updates: metrics.updates,
            deliveries: metrics.transports.iter().map(|transport| transport.deliveries).sum(),
            bytes: metrics.transports.iter().map(|transport| transport.bytes).sum(),
        }
    }
}

/// One sample a second.
#[derive(Debug, Default)]
pub(super) struct Samples {
    samples: VecDeque<Sample>,
}

/// A minute of them, and the one before.
const MAX_SAMPLES: usize = 61;

impl Samples {
    pub(super) fn push(&mut self, totals: Totals, at: Instant) {
        if self.samples.len() == MAX_SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample { at, totals });
    }

    /// Nobody has watched: what comes next does not continue what was.
    pub(super) fn clear(&mut self) {
        self.samples.clear();
    }

    /// What was counted per second between the last two samples.
    pub(super) fn rate(&self, of: fn(&Totals) -> u64) -> Option<f64> {
        self.rates(of).pop()
    }

    /// Between all of them, oldest first.
    pub(super) fn rates(&self, of: fn(&Totals) -> u64) -> Vec<f64> {
        let pairs = self.samples.iter().zip(self.samples.iter().skip(1));
        let rate = |(before, after): (&Sample, &Sample)| {
            let seconds = after.at.duration_since(before.at).as_secs_f64();
            let counted = of(&after.totals).saturating_sub(of(&before.totals)) as f64;
            if seconds > 0.0 { counted / seconds } else { 0.0 }
        };
        pairs.map(rate).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_rate_is_the_difference_over_the_time_and_a_minute_is_kept() {
        let mut samples = Samples::default();
        assert_eq!(samples.rate(|totals| totals.updates), None);
        let start = Instant::now();
        for second in 0..100 {
            let totals = Totals { updates: second * 10, ..Totals::default() };
            samples.push(totals, start + Duration::from_secs(2 * second));
        }
        assert_eq!(samples.rate(|totals| totals.updates), Some(5.0));
        assert_eq!(samples.rates(|totals| totals.bytes), [0.0; MAX_SAMPLES - 1]);
        samples.clear();
        assert_eq!(samples.rate(|totals| totals.updates), None);
    }
}
