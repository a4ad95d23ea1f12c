//! Whether the server is fit to be sent readers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use live_axum::{EventBus, Hub};
use tokio::time::timeout;

/// What `/readyz` and the metrics say. One task asks the bus once a second, however many ask the server.
#[derive(Debug)]
pub(super) struct Health {
    bus_is_up: AtomicBool,
    is_stopping: AtomicBool,
}

/// Whether to send readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readiness {
    Ready,
    BusDown,
    Stopping,
}

impl Health {
    /// Begins to ask the bus; ends when nobody holds the health any more.
    pub(super) fn watch(bus: Arc<dyn EventBus>, hub: &Hub) -> Arc<Self> {
        let health = Arc::new(Self { bus_is_up: AtomicBool::new(false), is_stopping: AtomicBool::new(false) });
        let (watched, deadline) = (Arc::downgrade(&health), hub.config().bus_deadline);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(PERIOD);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let answer = timeout(deadline, bus.check()).await;
                let Some(health) = watched.upgrade() else { return };
                health.set_bus(matches!(answer, Ok(Ok(_))));
            }
        });
        health
    }

    fn set_bus(&self, is_up: bool) {
        match (self.bus_is_up.swap(is_up, Ordering::Relaxed), is_up) {
            (false, true) => tracing::info!("the bus answers"),
            (true, false) => tracing::warn!("the bus does not answer"),
            _ => {}
        }
    }

    pub(super) fn bus_is_up(&self) -> bool {
        self.bus_is_up.load(Ordering::Relaxed)
    }

    /// From now on the server is not ready.
    pub(super) fn set_stopping(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    pub(super) fn readiness(&self) -> Readiness {
        match () {
            () if self.is_stopping() => Readiness::Stopping,
            () if !self.bus_is_up() => Readiness::BusDown,
            () => Readiness::Ready,
        }
    }
}

/// How often the bus is asked.
const PERIOD: Duration = Duration::from_secs(1);
