//! Whether the bus is away, for the log: one line when it goes and one when it is back, however many pages there are.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::bus::BusError;

#[derive(Debug, Default)]
pub(super) struct Outage {
    is_away: AtomicBool,
}

impl Outage {
    /// The bus has answered the hub.
    pub(super) fn is_over(&self) {
        if self.is_away.swap(false, Ordering::Relaxed) {
            tracing::info!("the bus answers again");
        }
    }

    /// It has not.
    pub(super) fn goes_on(&self, error: &BusError) {
        if self.is_away.swap(true, Ordering::Relaxed) {
            tracing::debug!(%error, "the bus still fails");
        } else {
            tracing::warn!(%error, "the bus failed");
        }
    }
}
