//! `redis+channels://`: the bus of Wagtail Live's Django Channels publisher, whichever layer of channels_redis carries it.
//!
//! `url` is the settings, `event` and `fernet` are the wire, `ring` says which host has what. The Pub/Sub layer relays as
//! `redis+pubsub://` does; the other one is `core`.

mod core;
mod event;
mod fernet;
mod ring;
mod url;

use std::{borrow::Cow, sync::Arc};

use tokio::runtime::Handle;

use self::{
    core::Core,
    event::Codec,
    url::{Layer, Settings},
};
use super::{
    address,
    relay::{
        RelayedBus,
        message::MessageError,
        pubsub::{PubSub, Wire},
        relay_event_bus,
    },
};
use crate::{
    bus::{self, BusError, EventBus},
    config::Config,
    id::ChannelId,
    update::Update,
};

/// A bus on the channel layer of Django Channels (channels_redis 3 and 4): what an unmodified Wagtail Live site publishes to with
/// `DjangoChannelsPublisher`. The server takes the place of Daphne for `/ws/`.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use live_core::{Config, Hub, bus::RedisChannelsBus};
/// let config = Config::default();
/// let bus = RedisChannelsBus::open("redis+channels://127.0.0.1:6379/0?layer=core", &config)?;
/// let hub = Hub::new(std::sync::Arc::new(bus), config)?;
/// # Ok(()) }
/// ```
///
/// It relays as [`RedisPubSubBus`](super::RedisPubSubBus) does, and keeps nothing: updates are numbered by this node, and
/// whoever may have missed one begins anew. What is published here reaches the consumers of Channels as well. Of the settings of
/// channels_redis it does not have `channel_capacity`, Sentinel (`master_name`) and serializers of one's own.
#[derive(Debug)]
pub struct RedisChannelsBus {
    bus: Box<dyn EventBus>,
}

impl RedisChannelsBus {
    /// Opens the bus. Whether Redis can be reached shows later: until then, and whenever it is lost, it is tried again.
    ///
    /// # Errors
    /// [`BusError::Open`] says what is wrong with the URL, or that there is no tokio runtime to work in; [`BusError::Randomness`] if
    /// the operating system has none.
    pub fn open(url: &str, config: &Config) -> Result<Self, BusError> {
        let settings = Settings::parse(url).map_err(|reason| bus::refuse(url, reason))?;
        let runtime = Handle::try_current().map_err(|_| bus::refuse(url, address::NO_RUNTIME))?;
        let clock = config.clock.clone();
        let bus: Box<dyn EventBus> = match settings.layer {
            Layer::PubSub => {
                // That layer tells nobody how long a message is good.
                let codec = Codec { format: settings.format, keys: settings.keys, max_seconds: None, clock };
                let wire = Arc::new(Groups { prefix: settings.prefix, codec });
                Box::new(RelayedBus::new(PubSub::new(settings.hosts, wire), runtime, config)?)
            }
            Layer::Core => Box::new(RelayedBus::new(Core::new(settings, clock), runtime, config)?),
        };
        Ok(Self { bus })
    }
}

relay_event_bus!(RedisChannelsBus);

/// The group of a page (`DjangoChannelsApp.connect`).
fn group(channel: &ChannelId) -> String {
    format!("{GROUP}{channel}")
}

const GROUP: &str = "liveblog_";

/// What the Pub/Sub layer publishes.
#[derive(Debug)]
struct Groups {
    prefix: String,
    codec: Codec,
}

impl Wire for Groups {
    fn name(&self, channel: &ChannelId) -> String {
        format!("{}__group__{}", self.prefix, group(channel))
    }

    fn channel_of<'a>(&self, name: &'a [u8]) -> Option<&'a str> {
        let name = std::str::from_utf8(name).ok()?;
        name.strip_prefix(self.prefix.as_str())?.strip_prefix("__group__")?.strip_prefix(GROUP)
    }

    fn encode(&self, update: &Update) -> Vec<u8> {
        self.codec.encode(update)
    }

    fn seal(&self, message: Vec<u8>) -> Result<Vec<u8>, BusError> {
        self.codec.seal(message)
    }

    fn decode(&self, message: &[u8], max: usize) -> Result<Update, MessageError> {
        let event: Cow<'_, [u8]> = self.codec.open(message, max)?;
        self.codec.decode(&event)
    }

    fn place(&self, channel: &ChannelId, hosts: usize) -> usize {
        ring::place(&self.name(channel), hosts)
    }
}
