//! Two event buses of one's own, each on an existing message library's shape; `docs/adding-a-bus.md` tells how they are made.
//!
//! [`LoggedBus`] is on a message library with a log. [`Broker`] stands for it, within the process: Kafka, JetStream, a table that
//! is only appended to. [`RelayedBus`] is on one that relays and keeps nothing. [`Relay`] stands for it: MQTT, NATS without
//! JetStream, `NOTIFY` of PostgreSQL.

mod broker;
mod logged;
mod pages;
mod relay;
mod relayed;
mod topic;

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::JoinHandle;

pub use self::{broker::Broker, logged::LoggedBus, relay::Relay, relayed::RelayedBus};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The task ends with the bus.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
