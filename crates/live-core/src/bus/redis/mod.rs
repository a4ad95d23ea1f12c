//! The buses on Redis: what they share is here, each has a folder of its own.

mod address;
mod keeper;
mod pubsub;

pub use self::pubsub::RedisPubSubBus;
