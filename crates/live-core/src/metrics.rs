//! What a hub counts. Relaxed atomics, touched when something is delivered; a reader that waits costs nothing.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{
    frame::{Frame, Kind},
    publisher::Transport,
};

/// What a hub has counted since it began: for an exporter, a status page or a log line. See [`Hub::metrics`](crate::Hub::metrics).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// By transport, in the order of [`Transport::ALL`].
    pub transports: [TransportMetrics; 4],
    /// Updates that reached pages with readers (or within the linger), each once per page.
    pub updates: u64,
    /// Publishes through this hub that succeeded, repetitions of a key included. A logged bus has stored them, a relayed one has handed
    /// them over.
    pub published: u64,
    /// Publishes through this hub that failed or were refused.
    pub publish_failures: u64,
    /// Pages that the hub follows.
    pub open_pages: u64,
    /// Those of them whose head the bus does not confirm.
    pub stale_pages: u64,
    /// Channels that the bus is subscribed to in this process.
    pub subscriptions: u64,
    /// From the arrival of an update at its page until each reader of a stream was handed its frame. Of 64 readers who share a task
    /// it is the time of the first, which is less than that of the last by a fraction of a millisecond.
    pub fan_out: FanOut,
}

/// What one transport has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransportMetrics {
    /// The transport.
    pub transport: Transport,
    /// Readers at the moment. An interval poll is one for as long as it takes to answer it.
    pub readers: u64,
    /// Readers that ever came.
    pub joined: u64,
    /// Frames that brought a reader something.
    pub deliveries: u64,
    /// Those of them that stood in place of several, because a reader of a stream was slow.
    pub conflations: u64,
    /// Those of them that replaced the whole page.
    pub resets: u64,
    /// Those of them that sent the reader back to its HTML.
    pub reloads: u64,
    /// Bytes of frames, heartbeats included, as the transport encodes them; without what HTTP adds, and before gzip.
    pub bytes: u64,
}

/// A histogram of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FanOut {
    /// How many were at most as long as the bound of the same index in [`FanOut::BOUNDS`], and longer than the bound before it; the
    /// last entry is those above all bounds.
    pub counts: [u64; FanOut::BOUNDS.len() + 1],
    /// All times together.
    pub sum: Duration,
}

impl FanOut {
    /// From a write to a socket that is ready to a reader who is very slow.
    pub const BOUNDS: [Duration; 16] = [
        Duration::from_micros(50),
        Duration::from_micros(100),
        Duration::from_micros(250),
        Duration::from_micros(500),
        Duration::from_millis(1),
        Duration::from_micros(2_500),
        Duration::from_millis(5),
        Duration::from_millis(10),
        Duration::from_millis(25),
        Duration::from_millis(50),
        Duration::from_millis(100),
        Duration::from_millis(250),
        Duration::from_millis(500),
        Duration::from_secs(1),
        Duration::from_secs(5),
        Duration::from_secs(10),
    ];
}

/// How long ago an update arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Age {
    bucket: usize,
    nanoseconds: u64,
}

impl Age {
    fn new(time: Duration) -> Self {
        Self { bucket: FanOut::BOUNDS.partition_point(|bound| time > *bound), nanoseconds: time.as_nanos() as u64 }
    }

    /// The age of the update that a frame carries.
    pub(crate) fn of(frame: &Frame) -> Option<Self> {
        frame.arrived().map(|arrived| Self::new(arrived.elapsed()))
    }
}

/// The counters behind [`Metrics`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    transports: [TransportCounters; 4],
    pub(crate) updates: Counter,
    pub(crate) published: Counter,
    pub(crate) publish_failures: Counter,
    fan_out: [Counter; FanOut::BOUNDS.len() + 1],
    fan_out_nanoseconds: Counter,
}

#[derive(Debug, Default)]
struct TransportCounters {
    joined: Counter,
    left: Counter,
    deliveries: Counter,
    conflations: Counter,
    resets: Counter,
    reloads: Counter,
    bytes: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn joined(&self, transport: Transport) {
        self.of(transport).joined.add(1);
    }

    /// A reader who joined and left in one.
    pub(crate) fn visited(&self, transport: Transport) {
        self.joined(transport);
        self.left(transport);
    }

    pub(crate) fn left(&self, transport: Transport) {
        self.of(transport).left.add(1);
    }

    /// A frame that was found for a reader of a stream that had the one before it.
    pub(crate) fn followed(&self, transport: Transport, frame: &Frame) {
        self.followed_at(transport, frame, Age::of(frame));
    }

    /// The same for whoever knows how old the frame is.
    pub(crate) fn followed_at(&self, transport: Transport, frame: &Frame, age: Option<Age>) {
        self.delivered(transport, frame);
        if frame.kind() == Kind::Conflated {
            self.of(transport).conflations.add(1);
        }
        if let Some(age) = age {
            self.fan_out[age.bucket].add(1);
            self.fan_out_nanoseconds.add(age.nanoseconds);
        }
    }

    pub(crate) fn delivered(&self, transport: Transport, frame: &Frame) {
        if frame.is_hello() {
            return self.sent(transport, frame.len_over(transport));
        }
        self.answered(transport, frame.len_over(transport));
        match frame.kind() {
            Kind::Reset => self.of(transport).resets.add(1),
            Kind::Reload => self.of(transport).reloads.add(1),
            Kind::Delta | Kind::Conflated | Kind::Stale => {}
        }
    }

    /// A delivery that is not a frame: Wagtail Live's polling has its own form.
    pub(crate) fn answered(&self, transport: Transport, bytes: usize) {
        self.of(transport).deliveries.add(1);
        self.sent(transport, bytes);
    }

    /// Bytes that bring nothing new.
    pub(crate) fn sent(&self, transport: Transport, bytes: usize) {
        self.of(transport).bytes.add(bytes as u64);
    }

    fn of(&self, transport: Transport) -> &TransportCounters {
        &self.transports[transport as usize]
    }

    /// What is counted here; the hub adds what it knows of its pages.
    pub(crate) fn snapshot(&self) -> Metrics {
        Metrics {
            transports: Transport::ALL.map(|transport| self.of(transport).snapshot(transport)),
            updates: self.updates.value(),
            published: self.published.value(),
            publish_failures: self.publish_failures.value(),
            open_pages: 0,
            stale_pages: 0,
            subscriptions: 0,
            fan_out: FanOut {
                counts: std::array::from_fn(|bucket| self.fan_out[bucket].value()),
                sum: Duration::from_nanos(self.fan_out_nanoseconds.value()),
            },
        }
    }
}

impl TransportCounters {
    fn snapshot(&self, transport: Transport) -> TransportMetrics {
        // Who left had joined: read in this order, the difference is never negative.
        let left = self.left.value();
        let joined = self.joined.value();
        TransportMetrics {
            transport,
            readers: joined.saturating_sub(left),
            joined,
            deliveries: self.deliveries.value(),
            conflations: self.conflations.value(),
            resets: self.resets.value(),
            reloads: self.reloads.value(),
            bytes: self.bytes.value(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cursor::{Cursor, Epoch, Version},
        frame::Draft,
    };

    #[test]
    fn a_time_falls_into_the_bucket_whose_bound_it_does_not_exceed() {
        let counters = Counters::default();
        let cursor = Cursor::new(Epoch::from_bits(1), Version::ZERO);
        let frame = Draft::new(Kind::Delta, cursor, cursor).finish();
        for nanoseconds in [1, 50_000, 50_001, 10_000_000_000, 10_000_000_001] {
            let age = Age::new(Duration::from_nanos(nanoseconds));
            counters.followed_at(Transport::WebSocket, &frame, Some(age));
        }
        let fan_out = counters.snapshot().fan_out;
        assert_eq!((fan_out.counts[0], fan_out.counts[1]), (2, 1));
        assert_eq!(fan_out.counts[FanOut::BOUNDS.len() - 1..], [1, 1]);
        assert_eq!(fan_out.counts.iter().sum::<u64>(), 5);
        assert_eq!(fan_out.sum.as_nanos(), 20_000_100_003);
        assert!(FanOut::BOUNDS.is_sorted());
    }

    #[test]
    fn readers_are_counted_by_the_transport_they_came_over() {
        let counters = Counters::default();
        counters.joined(Transport::Sse);
        counters.joined(Transport::Sse);
        counters.left(Transport::Sse);
        counters.joined(Transport::IntervalPolling);
        counters.left(Transport::IntervalPolling);
        let readers =
            counters.snapshot().transports.map(|metrics| (metrics.transport, metrics.readers, metrics.joined));
        assert_eq!(readers[1], (Transport::Sse, 1, 2));
        assert_eq!(readers[3], (Transport::IntervalPolling, 0, 1));
        assert_eq!(readers.map(|(transport, ..)| transport), Transport::ALL);
    }
}
