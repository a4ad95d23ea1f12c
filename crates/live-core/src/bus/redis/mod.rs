//! The buses on Redis: what they share is here, each has a folder of its own.

mod address;
mod keeper;
mod log;
mod pubsub;
mod relay;

pub(super) use self::log::SCHEMES as LOG_SCHEMES;
pub use self::{log::RedisBus, pubsub::RedisPubSubBus};
