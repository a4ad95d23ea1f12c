//! The buses on Redis: what they share is here, each has a folder of its own.

mod address;
mod keeper;
mod log;
mod pubsub;

use tokio::task::JoinHandle;

pub(super) use self::log::SCHEMES as LOG_SCHEMES;
pub use self::{log::RedisBus, pubsub::RedisPubSubBus};

/// The task ends with the bus.
#[derive(Debug)]
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
