//! Who got what, and how long it took.

use anyhow::{Result, ensure};

use crate::{
    latencies::Latencies,
    update::{Label, now},
};

/// Counts updates until each has reached every reader.
pub(super) struct Tally {
    readers: usize,
    reached: usize,
    /// Microseconds of each delivery since the last summary.
    micros: Vec<u32>,
}

impl Tally {
    pub(super) fn new(readers: usize) -> Self {
        Self { readers, reached: 0, micros: Vec::new() }
    }

    /// Counts a message of the reader whose last update was `last`. One without an update is a heartbeat.
    ///
    /// # Errors
    /// An update came twice, or one is missing.
    pub(super) fn count(&mut self, last: &mut u32, message: &[u8]) -> Result<()> {
        let Some(label) = Label::find(message) else { return Ok(()) };
        let number = label.number;
        ensure!(*last == 0 || number == *last + 1, "update {number} came after {last}");
        *last = number;
        let took = now().saturating_sub(label.published);
        self.micros.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        self.reached += 1;
        // Updates come one at a time: the next is published when all readers have this one.
        if self.reached == self.readers {
            self.reached = 0;
            println!("{number} {}", took.as_nanos());
        }
        Ok(())
    }

    /// How long those deliveries took that have come since the last summary.
    pub(super) fn summary(&mut self) -> Latencies {
        let summary = Latencies::of_micros(&mut self.micros);
        self.micros.clear();
        summary
    }
}
