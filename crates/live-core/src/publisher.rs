//! Publishers, and the choice of one by a setting.

#[cfg(feature = "piesocket")]
mod piesocket;

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

#[cfg(feature = "piesocket")]
pub use self::piesocket::{PieSocketError, PieSocketFailure, PieSocketPublisher};
use crate::{
    bus::{BusFuture, EventBus, Published},
    hub::Hub,
    id::ChannelId,
    update::Update,
};

/// Whatever brings an update to the readers of a page: the original's publishers, with their one method.
///
/// The [`Hub`] is one, and so is every [`EventBus`]. Write one for a hosted service or a framework of your own, and
/// [register](Publishers::register) it under a name.
pub trait Publisher: Send + Sync + 'static {
    /// Publishes renders and removals to a channel. `Ok` means as much as the publisher can promise; a bus has stored the update.
    fn publish<'a>(&'a self, channel: &'a ChannelId, update: Update) -> BusFuture<'a, Published>;
}

impl<B: EventBus> Publisher for B {
    fn publish<'a>(&'a self, channel: &'a ChannelId, update: Update) -> BusFuture<'a, Published> {
        EventBus::publish(self, channel, update, None)
    }
}

impl Publisher for Hub {
    fn publish<'a>(&'a self, channel: &'a ChannelId, update: Update) -> BusFuture<'a, Published> {
        Box::pin(async move { Hub::publish(self, channel, update, None).await })
    }
}

/// A way for frames to reach a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// RFC 6455.
    WebSocket,
    /// Server-Sent Events (HTML Living Standard §9.2).
    Sse,
    /// A request that is answered when there is something.
    LongPolling,
    /// A request every few seconds.
    IntervalPolling,
}

impl Transport {
    /// All of them, in the order in which they fall back.
    pub const ALL: [Self; 4] = [Self::WebSocket, Self::Sse, Self::LongPolling, Self::IntervalPolling];

    /// The name in settings and in the page's HTML.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
            Self::LongPolling => "long-polling",
            Self::IntervalPolling => "interval-polling",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Transport {
    type Err = UnknownPublisher;

    fn from_str(name: &str) -> Result<Self, UnknownPublisher> {
        let known = || Self::ALL.map(|transport| transport.name().to_owned()).to_vec();
        Self::ALL
            .into_iter()
            .find(|transport| transport.name() == name)
            .ok_or_else(|| UnknownPublisher { name: name.to_owned(), known: known() })
    }
}

/// The publishers that a site can choose from by one setting, `LIVE_PUBLISHER`.
///
/// The names of the transports stand for the site's own hub, read over that transport alone; no name stands for the hub with
/// all transports. Other names are those that the application registered.
pub struct Publishers {
    hub: Hub,
    registered: BTreeMap<String, Chosen>,
}

/// What a setting chose.
#[derive(Clone)]
pub struct Chosen {
    /// Where the site publishes to.
    pub publisher: Arc<dyn Publisher>,
    /// What the page's HTML connects with. Empty: with the publisher's own script, not with `<live-page>`.
    pub transports: Vec<Transport>,
}

/// The environment variable that chooses a publisher.
pub const PUBLISHER_VARIABLE: &str = "LIVE_PUBLISHER";

impl Publishers {
    /// The hub's own transports.
    pub fn new(hub: Hub) -> Self {
        Self { hub, registered: BTreeMap::new() }
    }

    /// Adds a publisher under a name of its own. `transports` is what the page's HTML connects with.
    #[must_use]
    pub fn register(mut self, name: &str, publisher: Arc<dyn Publisher>, transports: &[Transport]) -> Self {
        self.registered.insert(name.to_owned(), Chosen { publisher, transports: transports.to_vec() });
        self
    }

    /// The publisher with this name; no name (or an empty one) is the hub with the transports of its configuration.
    ///
    /// # Errors
    /// [`UnknownPublisher`] lists the names that there are.
    pub fn choose(&self, name: Option<&str>) -> Result<Chosen, UnknownPublisher> {
        let hub = |transports| Chosen { publisher: Arc::new(self.hub.clone()), transports };
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return Ok(hub(self.hub.config().transports.clone()));
        };
        if let Some(chosen) = self.registered.get(name) {
            return Ok(chosen.clone());
        }
        match name.parse() {
            Ok(transport) => Ok(hub(vec![transport])),
            Err(UnknownPublisher { name, mut known }) => {
                known.extend(self.registered.keys().cloned());
                Err(UnknownPublisher { name, known })
            }
        }
    }

    /// The publisher that the environment's `LIVE_PUBLISHER` names.
    ///
    /// # Errors
    /// As [`Publishers::choose`].
    pub fn from_env(&self) -> Result<Chosen, UnknownPublisher> {
        self.choose(std::env::var(PUBLISHER_VARIABLE).ok().as_deref())
    }
}

/// No publisher has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no publisher is named {name:?}; there are {}", known.join(", "))]
pub struct UnknownPublisher {
    /// The name asked for.
    pub name: String,
    /// The names that there are.
    pub known: Vec<String>,
}
