//! What the buses that relay share. They keep no log: each node numbers what it hears.
//!
//! `topics` has the channels that a connection follows and `topic` the page of each, `message` is what is said of an update, `keys`
//! are the idempotency keys of this node, `links` its connections, and `pubsub` relays over the publish/subscribe of Redis.

mod keys;
mod links;
pub(super) mod message;
pub(super) mod pubsub;
mod topic;
pub(super) mod topics;

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use tokio::runtime::Handle;

pub(super) use self::links::Links;
use self::{
    keys::{Claim, Claimed, NodeKeys},
    topic::Phase,
    topics::{Rules, Topics},
};
use super::keeper::{self, AbortOnDrop, Keep};
use crate::{
    bus::{
        BusError, BusFuture, EventBus, IdempotencyKey, Published, Subscription,
        idempotency::{Digest, digest},
    },
    config::{Clock, Config},
    cursor::Cursor,
    id::ChannelId,
    page::{Page, Standing},
    update::Update,
};

/// How updates get to Redis and back.
pub(super) trait Relay: fmt::Debug + Send + Sync + 'static {
    type Connection: Carry;
    type Keeper: Keep<Connection = Self::Connection> + 'static;

    /// One for each connection.
    fn keepers(&self, rules: &Arc<Rules>, config: &Config) -> Vec<Self::Keeper>;

    /// Over which connection a channel is followed.
    fn place(&self, channel: &ChannelId) -> usize;

    /// What is sent of an update. Its size is what the limit is for.
    fn encode(&self, update: &Update) -> Vec<u8>;

    /// Sends it, and says where the page is with it.
    fn send(
        &self,
        links: &Links<Self::Connection>,
        channel: &ChannelId,
        message: Vec<u8>,
    ) -> impl Future<Output = Result<Cursor, BusError>> + Send;
}

/// A connection that channels are followed over.
pub(super) trait Carry: fmt::Debug + Send + Sync + 'static {
    fn topics(&self) -> &Topics;

    /// Returns once everything that was published before has arrived.
    fn confirm(&self) -> impl Future<Output = Result<(), BusError>> + Send;

    /// Gives up what Redis would go on holding for it.
    fn leave(&self) -> impl Future<Output = Result<(), BusError>> + Send {
        std::future::ready(Ok(()))
    }
}

/// A bus that relays.
#[derive(Debug)]
pub(super) struct RelayedBus<R: Relay> {
    relay: Arc<R>,
    links: Links<R::Connection>,
    rules: Arc<Rules>,
    keys: Arc<NodeKeys>,
    deadline: Duration,
    publish_deadline: Duration,
    runtime: Handle,
    _keepers: Vec<AbortOnDrop>,
}

impl<R: Relay> RelayedBus<R> {
    /// Whether Redis can be reached shows later: until then, and whenever it is lost, it is tried again.
    pub(super) fn new(relay: R, runtime: Handle, config: &Config) -> Result<Self, BusError> {
        let rules = Arc::new(Rules::new(config)?);
        let keepers = relay.keepers(&rules, config).into_iter().map(|keeper| keeper::start(keeper, &runtime));
        let (keepers, links): (_, Vec<_>) = keepers.unzip();
        let keys = Arc::new(NodeKeys::new(config.max_pages));
        let (relay, links) = (Arc::new(relay), Links::new(links));
        Ok(Self {
            relay,
            links,
            rules,
            keys,
            deadline: config.bus_deadline,
            publish_deadline: config.publish_deadline,
            runtime,
            _keepers: keepers,
        })
    }

    async fn connection(&self, channel: &ChannelId) -> Result<Arc<R::Connection>, BusError> {
        self.links.connection(self.relay.place(channel)).await
    }

    async fn in_time<T>(&self, answer: impl Future<Output = Result<T, BusError>>) -> Result<T, BusError> {
        tokio::time::timeout(self.deadline, answer).await.unwrap_or(Err(BusError::Unavailable))
    }

    /// Returns once everything that was published before has arrived.
    async fn confirmed(&self, place: usize) -> Result<Arc<R::Connection>, BusError> {
        let connection = self.links.connection(place).await?;
        connection.confirm().await?;
        Ok(connection)
    }

    /// A host that is away takes only its own pages along: their heads are unknown, and all that a check asks about is every host.
    async fn heads_now(&self, channels: &[ChannelId]) -> Result<Vec<Cursor>, BusError> {
        let places: Vec<_> = channels.iter().map(|channel| self.relay.place(channel)).collect();
        let count = self.links.count();
        let (mut connections, mut failed) = (HashMap::new(), None);
        for place in (0..count).filter(|place| places.is_empty() || places.contains(place)) {
            // One that hangs leaves time for the others.
            let each = self.deadline / u32::try_from(count).unwrap_or(1);
            match tokio::time::timeout(each, self.confirmed(place)).await.unwrap_or(Err(BusError::Unavailable)) {
                Ok(connection) => drop(connections.insert(place, connection)),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if places.is_empty() || connections.is_empty() => return Err(error),
            _ => {}
        }
        let unknown = Page::new(self.rules.origin, 0).cursor();
        let head = |(channel, place)| connections.get(place).map_or(unknown, |of| of.topics().head(channel));
        Ok(channels.iter().zip(&places).map(head).collect())
    }

    async fn publish_now(
        &self,
        channel: &ChannelId,
        update: Update,
        key: Option<&IdempotencyKey>,
    ) -> Result<Published, BusError> {
        update.check_size(&self.rules.limits)?;
        let message = self.relay.encode(&update);
        let max = self.rules.max_message_bytes;
        if message.len() > max {
            return Err(BusError::TooLarge { bytes: message.len(), max });
        }
        let sending = Sending { relay: Arc::clone(&self.relay), links: self.links.clone() };
        let Some(key) = key else { return sending.send(channel, message).await };
        let digest: Digest = digest(&update);
        let claimed = match self.keys.claim(channel, key, digest, self.rules.clock.now())? {
            Claim::Repeated(published) => return Ok(published),
            Claim::New(claimed) => claimed,
        };
        // Waited for here, so that a caller who goes away before it is there has published nothing.
        self.connection(channel).await?;
        // The caller may go away, and the message is with Redis all the same: its key waits for what becomes of it.
        let sent = sending.send_under(claimed, message, self.rules.clock.clone());
        self.runtime.spawn(sent).await.unwrap_or(Err(BusError::Unavailable))
    }

    async fn subscribe_now(&self, channel: &ChannelId) -> Result<Subscription, BusError> {
        let connection = self.connection(channel).await?;
        // The tail comes first: it is what keeps the channel, also from being given up while Redis is asked.
        let (tail, mut phase) = connection.topics().enter(channel)?;
        phase.wait_for(|phase| *phase == Phase::Joined).await.map_err(|_| BusError::Unavailable)?;
        let page: Page = connection.topics().page(channel).ok_or(BusError::Unavailable)?;
        Ok(tail.follow(page.cursor().version.number(), page))
    }
}

impl<R: Relay> EventBus for RelayedBus<R> {
    fn publish<'a>(
        &'a self,
        channel: &'a ChannelId,
        update: Update,
        key: Option<&'a IdempotencyKey>,
    ) -> BusFuture<'a, Published> {
        Box::pin(async move {
            let published = tokio::time::timeout(self.publish_deadline, self.publish_now(channel, update, key)).await;
            published.unwrap_or(Err(BusError::Unavailable))
        })
    }

    fn subscribe<'a>(&'a self, channel: &'a ChannelId) -> BusFuture<'a, Subscription> {
        Box::pin(self.in_time(self.subscribe_now(channel)))
    }

    fn heads<'a>(&'a self, channels: &'a [ChannelId]) -> BusFuture<'a, Vec<Cursor>> {
        Box::pin(self.in_time(self.heads_now(channels)))
    }

    fn standing<'a>(&'a self, channel: &'a ChannelId, cursor: Cursor) -> BusFuture<'a, Standing> {
        Box::pin(self.in_time(async move {
            let connection = self.confirmed(self.relay.place(channel)).await?;
            Ok(connection.topics().standing(channel, cursor))
        }))
    }

    /// On this node only: other nodes, and the original's, know nothing of it.
    fn seed<'a>(&'a self, channel: &'a ChannelId, seed: Update) -> BusFuture<'a, Published> {
        Box::pin(self.in_time(async move { self.connection(channel).await?.topics().seed(channel, seed) }))
    }

    fn subscriptions(&self) -> usize {
        self.links.present().iter().map(|connection| connection.topics().count()).sum()
    }

    fn leave<'a>(&'a self) -> BusFuture<'a, ()> {
        Box::pin(self.in_time(async {
            for connection in self.links.present() {
                connection.leave().await?;
            }
            Ok(())
        }))
    }
}

/// What a public bus is, beside its name and its URL: the bus in its field `bus`.
macro_rules! relay_event_bus {
    ($name:ty) => {
        impl $crate::bus::EventBus for $name {
            fn publish<'a>(
                &'a self,
                channel: &'a $crate::ChannelId,
                update: $crate::Update,
                key: Option<&'a $crate::bus::IdempotencyKey>,
            ) -> $crate::bus::BusFuture<'a, $crate::bus::Published> {
                self.bus.publish(channel, update, key)
            }

            fn subscribe<'a>(
                &'a self,
                channel: &'a $crate::ChannelId,
            ) -> $crate::bus::BusFuture<'a, $crate::bus::Subscription> {
                self.bus.subscribe(channel)
            }

            fn heads<'a>(
                &'a self,
                channels: &'a [$crate::ChannelId],
            ) -> $crate::bus::BusFuture<'a, Vec<$crate::Cursor>> {
                self.bus.heads(channels)
            }

            fn standing<'a>(
                &'a self,
                channel: &'a $crate::ChannelId,
                cursor: $crate::Cursor,
            ) -> $crate::bus::BusFuture<'a, $crate::page::Standing> {
                self.bus.standing(channel, cursor)
            }

            fn seed<'a>(
                &'a self,
                channel: &'a $crate::ChannelId,
                seed: $crate::Update,
            ) -> $crate::bus::BusFuture<'a, $crate::bus::Published> {
                self.bus.seed(channel, seed)
            }

            fn subscriptions(&self) -> usize {
                self.bus.subscriptions()
            }

            fn leave<'a>(&'a self) -> $crate::bus::BusFuture<'a, ()> {
                self.bus.leave()
            }
        }
    };
}
pub(super) use relay_event_bus;

/// What a publish needs of the bus, also beyond its caller.
struct Sending<R: Relay> {
    relay: Arc<R>,
    links: Links<R::Connection>,
}

impl<R: Relay> Sending<R> {
    async fn send_under(self, claimed: Claimed, message: Vec<u8>, clock: Clock) -> Result<Published, BusError> {
        let published = self.send(claimed.channel(), message).await?;
        claimed.published(published.cursor, clock.now());
        Ok(published)
    }

    async fn send(&self, channel: &ChannelId, message: Vec<u8>) -> Result<Published, BusError> {
        let cursor = self.relay.send(&self.links, channel, message).await?;
        Ok(Published { cursor, repeated: false })
    }
}
