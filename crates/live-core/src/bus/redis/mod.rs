//! The buses on Redis: what they share is here, each has a folder of its own.

mod address;
mod channels;
mod keeper;
mod log;
mod pubsub;
mod relay;

pub(super) use self::log::SCHEMES as LOG_SCHEMES;
pub use self::{channels::RedisChannelsBus, log::RedisBus, pubsub::RedisPubSubBus};
