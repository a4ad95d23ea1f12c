//! The core layer: a group is a sorted set of consumers' names, and a message goes to the inbox of each process that has some of them.
//!
//! `link` is the connection and its memberships, `inbox` what comes over it, `confirm` how to know that all has come, `names` are the
//! keys and names in Redis, `send` is how a message gets to a group, and `former` what is left behind.

mod confirm;
mod former;
mod inbox;
mod link;
mod names;
mod send;

use std::{sync::Arc, time::Duration};

use redis::Client;

use self::{
    link::{Connection, Keeper},
    names::Names,
};
use super::{event::Codec, group, ring, url::Settings};
use crate::{
    bus::{
        BusError,
        redis::relay::{Links, Relay, topics::Rules},
    },
    config::{Clock, Config},
    cursor::Cursor,
    id::ChannelId,
    update::Update,
};

#[derive(Debug)]
pub(super) struct Core {
    hosts: Vec<Client>,
    layer: Arc<Layer>,
}

/// What all connections have in common.
#[derive(Debug)]
struct Layer {
    prefix: String,
    expiry: Duration,
    group_expiry: Duration,
    capacity: u64,
    random_prefix_length: usize,
    codec: Codec,
    hosts: usize,
    clock: Clock,
}

/// How much longer than its expiry Channels takes an encrypted message, in seconds.
const ENCRYPTED_LONGER: u64 = 10;

impl Core {
    pub(super) fn new(settings: Settings, clock: Clock) -> Self {
        let max_seconds = Some(settings.expiry.as_secs() + ENCRYPTED_LONGER);
        let codec = Codec { format: settings.format, keys: settings.keys, max_seconds, clock: clock.clone() };
        let layer = Layer {
            prefix: settings.prefix,
            expiry: settings.expiry,
            group_expiry: settings.group_expiry,
            capacity: settings.capacity,
            random_prefix_length: settings.random_prefix_length,
            codec,
            hosts: settings.hosts.len(),
            clock,
        };
        Self { hosts: settings.hosts, layer: Arc::new(layer) }
    }
}

impl Relay for Core {
    type Connection = Connection;
    type Keeper = Keeper;

    fn keepers(&self, rules: &Arc<Rules>, config: &Config) -> Vec<Keeper> {
        let keeper = |(place, client): (usize, &Client)| {
            Keeper::new(client.clone(), place, Arc::clone(&self.layer), Arc::clone(rules), config)
        };
        self.hosts.iter().enumerate().map(keeper).collect()
    }

    fn place(&self, channel: &ChannelId) -> usize {
        ring::place(&group(channel), self.layer.hosts)
    }

    fn encode(&self, update: &Update) -> Vec<u8> {
        self.layer.codec.encode(update)
    }

    async fn send(&self, links: &Links<Connection>, channel: &ChannelId, message: Vec<u8>) -> Result<Cursor, BusError> {
        send::send(&self.layer, links, channel, &message).await
    }
}

impl Layer {
    /// The sorted set of a page's group.
    fn group_key(&self, channel: &ChannelId) -> String {
        format!("{}:group:{}", self.prefix, group(channel))
    }

    /// As Python's `time.time()`, what everything in a sorted set is scored with.
    fn score(&self) -> String {
        let now = self.clock.now();
        format!("{}.{:06}", now / 1_000_000, now % 1_000_000)
    }

    /// What is scored up to here is older than that.
    fn oldest(&self, age: Duration) -> u64 {
        (self.clock.now() / 1_000_000).saturating_sub(age.as_secs())
    }
}
