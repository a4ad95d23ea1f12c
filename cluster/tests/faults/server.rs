//! The Redis that a fault happens to, and the URLs of each bus on it.

use std::{net::SocketAddr, time::Duration};

use live_conformance::{redis_sentinel::RedisSentinel, redis_server::RedisServer};

use super::site::Log;

/// A bus on Redis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bus {
    scheme: &'static str,
    /// Whether what was published is there after a restart with the data.
    pub(super) is_logged: bool,
}

pub(super) const REDIS: Bus = Bus { scheme: "redis", is_logged: true };
pub(super) const REDIS_CHANNELS: Bus = Bus { scheme: "redis+channels", is_logged: false };
pub(super) const REDIS_PUBSUB: Bus = Bus { scheme: "redis+pubsub", is_logged: false };

impl Bus {
    pub(super) fn url(self, address: SocketAddr) -> String {
        format!("{}://{address}", self.scheme)
    }
}

impl Bus {
    /// What a fault that keeps the data leaves.
    pub(super) fn log(self) -> Log {
        if self.is_logged { Log::Kept } else { Log::Lost }
    }

    pub(super) fn sentinel_url(self, sentinel: &RedisSentinel) -> String {
        format!("{}+sentinel://{}/site/0", self.scheme, sentinel.address())
    }
}

pub(super) fn address(redis: &RedisServer) -> SocketAddr {
    ([127, 0, 0, 1], redis.port()).into()
}

/// Sets one of its options while it runs.
pub(super) fn set(redis: &RedisServer, option: &str, value: &str) {
    command(redis, &["CONFIG", "SET", option, value]);
}

pub(super) fn command(redis: &RedisServer, words: &[&str]) {
    let words: Vec<_> = words.iter().map(|word| word.as_bytes()).collect();
    let reply = redis.client().command(&words);
    assert_eq!(reply, live_conformance::redis_server::Reply::Status("OK".to_owned()), "{words:?}");
}

/// How long a fault lasts.
pub(super) fn outage() -> Duration {
    Duration::from_secs(if crate::messages::is_long() { 30 } else { 2 })
}

/// Longer than whatever waits for a minute.
pub(super) fn long_outage() -> Duration {
    Duration::from_secs(if crate::messages::is_long() { 75 } else { 3 })
}
