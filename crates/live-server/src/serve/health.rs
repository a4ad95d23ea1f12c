//! Whether the server is fit to be sent readers.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use live_axum::{BusError, EventBus, Hub};
use tokio::time::timeout;

/// What `/readyz` and the metrics say. One task asks the bus once a second, however many ask the server.
#[derive(Debug)]
pub(super) struct Health {
    /// What is wrong with the bus, if anything is.
    bus_trouble: Mutex<Option<String>>,
    is_stopping: AtomicBool,
}

/// Whether to send readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Readiness {
    Ready,
    /// In words.
    BusDown(String),
    Stopping,
}

impl Health {
    /// Begins to ask the bus; ends when nobody holds the health any more.
    pub(super) fn watch(bus: Arc<dyn EventBus>, hub: &Hub) -> Arc<Self> {
        let not_asked = Mutex::new(Some("the bus was not asked yet".to_owned()));
        let health = Arc::new(Self { bus_trouble: not_asked, is_stopping: AtomicBool::new(false) });
        let (watched, deadline) = (Arc::downgrade(&health), hub.config().bus_deadline);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(PERIOD);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let answer = timeout(deadline, bus.check()).await;
                let Some(health) = watched.upgrade() else { return };
                health.set_bus(answer.unwrap_or(Err(BusError::Unavailable)));
            }
        });
        health
    }

    fn set_bus(&self, answer: Result<(), BusError>) {
        let trouble = answer.err().map(|error| in_full(&error));
        let before = std::mem::replace(&mut *self.bus_trouble(), trouble.clone());
        match (before, trouble) {
            (Some(_), None) => tracing::info!("the bus answers"),
            (None, Some(trouble)) => tracing::warn!("{trouble}"),
            _ => {}
        }
    }

    fn bus_trouble(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.bus_trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn bus_is_up(&self) -> bool {
        self.bus_trouble().is_none()
    }

    /// From now on the server is not ready.
    pub(super) fn set_stopping(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    pub(super) fn readiness(&self) -> Readiness {
        match self.bus_trouble().clone() {
            _ if self.is_stopping() => Readiness::Stopping,
            Some(trouble) => Readiness::BusDown(trouble),
            None => Readiness::Ready,
        }
    }
}

/// With what caused it, which says what to do.
fn in_full(error: &BusError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// How often the bus is asked.
const PERIOD: Duration = Duration::from_secs(1);
