//! `redis+pubsub://`: the bus of Wagtail Live's Starlette and websockets publishers.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::{
    address,
    relay::{
        RelayedBus,
        message::{self, MessageError},
        pubsub::{PubSub, Wire},
        relay_event_bus,
    },
};
use crate::{
    bus::{self, BusError},
    config::Config,
    id::ChannelId,
    update::Update,
};

/// A bus on the publish/subscribe of Redis (6 or newer): what an unmodified Wagtail Live site publishes to.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use live_core::{Config, Hub, bus::RedisPubSubBus};
/// let config = Config::default();
/// let bus = RedisPubSubBus::open("redis+pubsub://127.0.0.1:6379/1", &config)?;
/// let hub = Hub::new(std::sync::Arc::new(bus), config)?;
/// # Ok(()) }
/// ```
///
/// Redis keeps nothing of what it relays. So this node numbers the updates of a page from when it begins to follow the page until it
/// loses Redis or the last subscription ends, and a cursor is good for that time and this node. A publish has reached Redis when it
/// returns, and whoever follows the page at that moment; nothing is stored. Idempotency keys are remembered by the node that
/// published. There is one connection, retried for ever, and one subscription for each channel that is followed.
#[derive(Debug)]
pub struct RedisPubSubBus {
    bus: RelayedBus<PubSub>,
}

impl RedisPubSubBus {
    /// Opens the bus. Whether Redis can be reached shows later: until then, and whenever it is lost, it is tried again.
    ///
    /// # Errors
    /// [`BusError::Open`] says what is wrong with the URL, or that there is no tokio runtime to work in; [`BusError::Randomness`] if
    /// the operating system has none.
    pub fn open(url: &str, config: &Config) -> Result<Self, BusError> {
        let client = address::parse(url).map_err(|reason| bus::refuse(url, reason))?;
        let runtime = Handle::try_current().map_err(|_| bus::refuse(url, address::NO_RUNTIME))?;
        Ok(Self { bus: RelayedBus::new(PubSub::new(vec![client], Arc::new(Json)), runtime, config)? })
    }
}

relay_event_bus!(RedisPubSubBus);

/// Wagtail Live's own channel names and JSON.
#[derive(Debug)]
struct Json;

/// What the original puts before a channel id (`make_channel_group_name`).
const GROUP: &str = "group_";

impl Wire for Json {
    fn name(&self, channel: &ChannelId) -> String {
        format!("{GROUP}{channel}")
    }

    fn channel_of<'a>(&self, name: &'a [u8]) -> Option<&'a str> {
        std::str::from_utf8(name).ok()?.strip_prefix(GROUP)
    }

    fn encode(&self, update: &Update) -> Vec<u8> {
        message::encode(update)
    }

    fn decode(&self, message: &[u8], max: usize) -> Result<Update, MessageError> {
        message::decode(message, max)
    }

    fn place(&self, _: &ChannelId, _: usize) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_in_redis_is_named_as_the_original_names_it() {
        for name in ["GOLD", "group_", "*", "Ünïcode ✓", "a b{c}", "]["] {
            let channel = ChannelId::new(name).unwrap();
            assert_eq!(Json.name(&channel), format!("group_{name}"));
            assert_eq!(Json.channel_of(Json.name(&channel).as_bytes()), Some(name));
        }
        assert_eq!(Json.channel_of(b"liveblog_GOLD"), None);
        assert_eq!(Json.channel_of(b"group_\xff"), None);
    }
}
