//! `redis+pubsub://`: the bus of Wagtail Live's Starlette and websockets publishers. It relays; it keeps no log.
//!
//! `link` is the connection, `message` is the wire.

mod link;
pub(super) mod message;

use std::{sync::Arc, time::Duration};

use tokio::runtime::Handle;

use self::link::{Connection, Keeper};
use super::{
    address,
    keeper::{self, AbortOnDrop, Access, bus_error},
    relay::{
        keys::{Claim, Claimed, NodeKeys},
        topic::Phase,
        topics::Rules,
    },
};
use crate::{
    bus::{
        self, BusError, BusFuture, EventBus, IdempotencyKey, Published, Subscription,
        idempotency::{Digest, digest},
    },
    config::{Clock, Config},
    cursor::Cursor,
    id::ChannelId,
    page::{Page, Standing},
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
    access: Access<Connection>,
    rules: Arc<Rules>,
    keys: Arc<NodeKeys>,
    deadline: Duration,
    runtime: Handle,
    _keeper: AbortOnDrop,
}

impl RedisPubSubBus {
    /// Opens the bus. Whether Redis can be reached shows later: until then, and whenever it is lost, it is tried again.
    ///
    /// # Errors
    /// [`BusError::Open`] says what is wrong with the URL, or that there is no tokio runtime to work in; [`BusError::Randomness`] if
    /// the operating system has none.
    pub fn open(url: &str, config: &Config) -> Result<Self, BusError> {
        let refuse = |reason: String| bus::refuse(url, reason);
        let client = address::parse(url).map_err(refuse)?;
        let runtime = Handle::try_current()
            .map_err(|_| refuse("open it inside a tokio runtime (under #[tokio::main], for example)".to_owned()))?;
        let rules = Arc::new(Rules::new(config)?);
        let (_keeper, access) = keeper::start(Keeper::new(client, Arc::clone(&rules), config), &runtime);
        let keys = Arc::new(NodeKeys::new(config.max_pages));
        Ok(Self { access, rules, keys, deadline: config.bus_deadline, runtime, _keeper })
    }

    async fn connection(&self) -> Result<Arc<Connection>, BusError> {
        self.access.connection().await
    }

    async fn in_time<T>(&self, answer: impl Future<Output = Result<T, BusError>>) -> Result<T, BusError> {
        tokio::time::timeout(self.deadline, answer).await.unwrap_or(Err(BusError::Unavailable))
    }

    /// Returns once everything that was published before has arrived.
    async fn confirmed(&self) -> Result<Arc<Connection>, BusError> {
        let connection = self.connection().await?;
        let _ = connection.ping().await.map_err(bus_error)?;
        Ok(connection)
    }

    async fn publish_now(
        &self,
        channel: &ChannelId,
        update: Update,
        key: Option<&IdempotencyKey>,
    ) -> Result<Published, BusError> {
        update.check_size(&self.rules.limits)?;
        let message = message::encode(&update);
        let max = self.rules.max_message_bytes;
        if message.len() > max {
            return Err(BusError::TooLarge { bytes: message.len(), max });
        }
        let Some(key) = key else { return self.sending().await?.send(channel, message).await };
        let digest: Digest = digest(&update);
        let claimed = match self.keys.claim(channel, key, digest, self.rules.clock.now())? {
            Claim::Repeated(published) => return Ok(published),
            Claim::New(claimed) => claimed,
        };
        // The caller may go away, and the message is with Redis all the same: its key waits for what becomes of it.
        let sent = self.sending().await?.send_under(claimed, message, self.rules.clock.clone());
        self.runtime.spawn(sent).await.unwrap_or(Err(BusError::Unavailable))
    }

    async fn sending(&self) -> Result<Sending, BusError> {
        Ok(Sending { connection: self.connection().await?, access: self.access.clone() })
    }

    async fn subscribe_now(&self, channel: &ChannelId) -> Result<Subscription, BusError> {
        let connection = self.connection().await?;
        // The tail comes first: it is what keeps the channel, also from being given up while Redis is asked.
        let (tail, mut phase) = connection.topics.enter(channel)?;
        phase.wait_for(|phase| *phase == Phase::Joined).await.map_err(|_| BusError::Unavailable)?;
        let page: Page = connection.topics.page(channel).ok_or(BusError::Unavailable)?;
        Ok(tail.follow(page.cursor().version.number(), page))
    }
}

impl EventBus for RedisPubSubBus {
    fn publish<'a>(
        &'a self,
        channel: &'a ChannelId,
        update: Update,
        key: Option<&'a IdempotencyKey>,
    ) -> BusFuture<'a, Published> {
        Box::pin(self.in_time(self.publish_now(channel, update, key)))
    }

    fn subscribe<'a>(&'a self, channel: &'a ChannelId) -> BusFuture<'a, Subscription> {
        Box::pin(self.in_time(self.subscribe_now(channel)))
    }

    /// A Redis that refuses is not ready, although nothing is lost.
    fn check<'a>(&'a self) -> BusFuture<'a, ()> {
        Box::pin(self.in_time(async move { self.connection().await?.ping().await.flatten().map_err(bus_error) }))
    }

    fn heads<'a>(&'a self, channels: &'a [ChannelId]) -> BusFuture<'a, Vec<Cursor>> {
        Box::pin(self.in_time(async move {
            let connection = self.confirmed().await?;
            Ok(channels.iter().map(|channel| connection.topics.head(channel)).collect())
        }))
    }

    fn standing<'a>(&'a self, channel: &'a ChannelId, cursor: Cursor) -> BusFuture<'a, Standing> {
        Box::pin(self.in_time(async move { Ok(self.confirmed().await?.topics.standing(channel, cursor)) }))
    }

    /// On this node only: other nodes, and the original's, know nothing of it.
    fn seed<'a>(&'a self, channel: &'a ChannelId, seed: Update) -> BusFuture<'a, Published> {
        Box::pin(self.in_time(async move { self.connection().await?.topics.seed(channel, seed) }))
    }

    fn subscriptions(&self) -> usize {
        self.access.present().map_or(0, |connection| connection.topics.count())
    }
}

/// A connection to publish over, for as long as it is the bus's.
struct Sending {
    connection: Arc<Connection>,
    access: Access<Connection>,
}

impl Sending {
    async fn send_under(self, claimed: Claimed, message: Vec<u8>, clock: Clock) -> Result<Published, BusError> {
        let published = self.send(claimed.channel(), message).await?;
        claimed.published(published.cursor, clock.now());
        Ok(published)
    }

    async fn send(&self, channel: &ChannelId, message: Vec<u8>) -> Result<Published, BusError> {
        let topics = &self.connection.topics;
        let arrival = topics.expect(channel, &message);
        let publish = redis::cmd("PUBLISH").arg(message::group(channel)).arg(message).to_owned();
        let mut redis = self.connection.redis.clone();
        tokio::select! {
            biased;
            answer = publish.exec_async(&mut redis) => answer.map_err(bus_error)?,
            () = self.access.over(&self.connection) => return Err(BusError::Unavailable),
        }
        // It comes back over the same connection, before the answer or right after it, depending on the version of Redis.
        let cursor = match arrival {
            Some(arrival) => arrival.await.ok(),
            None => None,
        };
        Ok(Published { cursor: cursor.unwrap_or_else(|| topics.head(channel)), repeated: false })
    }
}
