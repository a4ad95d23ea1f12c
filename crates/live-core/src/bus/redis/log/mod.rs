//! `redis://`: pages with their logs in Redis, for any number of nodes.
//!
//! `url` says where, `server` is a connection to one server or to a cluster, and `link` what is done with it. In the folder `script` is
//! the script that numbers, stores and announces; `script.rs` puts the limits into it, `connection` calls it, and `numbered` reads what
//! it has written under the `names` of pages. `topics` are the pages that this node follows, and `topic` is how one keeps up.

mod connection;
mod link;
mod names;
mod numbered;
mod script;
mod server;
mod topic;
mod topics;
mod url;

use std::{sync::Arc, time::Duration};

use tokio::runtime::Handle;

pub(in crate::bus) use self::url::SCHEMES;
use self::{
    connection::{Connection, publish_error, take_apart, words},
    link::Keeper,
    names::Names,
    topic::Phase,
    topics::Topics,
};
use super::{
    address,
    keeper::{self, AbortOnDrop, Access, bus_error, is_refusal},
};
use crate::{
    bus::{self, BusError, BusFuture, EventBus, IdempotencyKey, Published, Subscription},
    config::Config,
    cursor::Cursor,
    id::ChannelId,
    page::{PageLimits, Standing},
    update::Update,
};

/// A bus that keeps its pages in Redis (6.2 or newer; a cluster: 7.0), for any number of nodes.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use live_core::{Config, Hub, bus::RedisBus};
/// let config = Config::default();
/// let bus = RedisBus::open("redis://127.0.0.1:6379/0", &config)?;
/// let hub = Hub::new(std::sync::Arc::new(bus), config)?;
/// # Ok(()) }
/// ```
///
/// A script in Redis numbers each update, stores it and announces it in one step, so that all nodes see one order, whoever publishes.
/// A node that missed an announcement fetches what it lacks. What was published is as durable as Redis is: after a restart or a failover
/// that lost the end of a log, exactly the readers who saw what was lost begin anew.
///
/// A node has two connections, retried for ever: one for its calls, one for announcements, with a subscription for each page that it
/// follows.
#[derive(Debug)]
pub struct RedisBus {
    access: Access<Connection>,
    topics: Arc<Topics>,
    limits: PageLimits,
    max_tombstones: usize,
    deadline: Duration,
    publish_deadline: Duration,
    /// The key that [`EventBus::check`] writes.
    probe: String,
    _keeper: AbortOnDrop,
}

/// How long the key of [`EventBus::check`] stays.
const PROBE_SECONDS: u64 = 60;

impl RedisBus {
    /// Opens the bus. Whether Redis can be reached shows later: until then, and whenever it is lost, it is tried again.
    ///
    /// # Errors
    /// [`BusError::Open`] says what is wrong with the URL, or that there is no tokio runtime to work in.
    pub fn open(url: &str, config: &Config) -> Result<Self, BusError> {
        let refuse = |reason: String| bus::refuse(url, reason);
        let place = url::parse(url).map_err(refuse)?;
        let runtime = Handle::try_current().map_err(|_| refuse(address::NO_RUNTIME.to_owned()))?;
        let names = Names::new(&place.prefix);
        let probe = names.beside("check");
        let topics = Arc::new(Topics::new(names));
        let (_keeper, access) = keeper::start(Keeper::new(place, Arc::clone(&topics), config), &runtime);
        Ok(Self {
            access,
            topics,
            limits: config.page,
            max_tombstones: config.max_tombstones,
            deadline: config.bus_deadline,
            publish_deadline: config.publish_deadline,
            probe,
            _keeper,
        })
    }

    async fn connection(&self) -> Result<Arc<Connection>, BusError> {
        self.access.connection().await
    }

    async fn in_time<T>(&self, answer: impl Future<Output = Result<T, BusError>>) -> Result<T, BusError> {
        tokio::time::timeout(self.deadline, answer).await.unwrap_or(Err(BusError::Unavailable))
    }

    /// With a key a lost connection is no reason to give up: the next try has no second effect.
    async fn publish_now(
        &self,
        channel: &ChannelId,
        update: Update,
        key: Option<&IdempotencyKey>,
    ) -> Result<Published, BusError> {
        update.check_size(&self.limits)?;
        let (replace, items) = take_apart(update);
        let words = words(replace, &items);
        loop {
            let connection = self.connection().await?;
            let answer = tokio::select! {
                biased;
                answer = connection.publish(channel, &words, key) => Some(answer),
                () = self.access.over(&connection) => None,
            };
            match answer {
                Some(Ok(published)) => return Ok(published),
                Some(Err(error)) if key.is_none() || is_refusal(&error) => return Err(publish_error(error)),
                None if key.is_none() => return Err(BusError::Unavailable),
                // The connection is over, or soon will be known to be.
                Some(Err(_)) => self.access.over(&connection).await,
                None => {}
            }
        }
    }

    async fn subscribe_now(&self, channel: &ChannelId) -> Result<Subscription, BusError> {
        let connection = self.connection().await?;
        // The tail comes first: it is what keeps the page followed, also from being given up while Redis is asked.
        let (tail, mut phase) = self.topics.enter(channel);
        phase.wait_for(|phase| *phase == Phase::Joined).await.map_err(|_| BusError::Unavailable)?;
        let page = connection.read(channel, self.max_tombstones).await?;
        // If it was another connection that joined, this one is over.
        if !self.topics.handle_snapshot(connection.id, channel, page.cursor()) {
            return Err(BusError::Unavailable);
        }
        Ok(tail.follow(page.cursor().version.number(), page))
    }

    async fn check_now(&self) -> Result<(), BusError> {
        let connection = self.connection().await?;
        // Reading would not show that the memory or the disk is full.
        let probe = redis::cmd("SET").arg(&self.probe).arg(1).arg("EX").arg(PROBE_SECONDS).to_owned();
        probe.exec_async(&mut connection.server.clone()).await.map_err(bus_error)
    }
}

impl EventBus for RedisBus {
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

    fn check<'a>(&'a self) -> BusFuture<'a, ()> {
        Box::pin(self.in_time(self.check_now()))
    }

    fn heads<'a>(&'a self, channels: &'a [ChannelId]) -> BusFuture<'a, Vec<Cursor>> {
        Box::pin(self.in_time(async move {
            let pages = self.connection().await?.about(channels).await.map_err(bus_error)?;
            let heads: Vec<_> = pages.iter().map(|about| about.cursor).collect();
            self.topics.compare(channels, &heads);
            Ok(heads)
        }))
    }

    fn standing<'a>(&'a self, channel: &'a ChannelId, cursor: Cursor) -> BusFuture<'a, Standing> {
        Box::pin(self.in_time(async move {
            let about = self.connection().await?.about(std::slice::from_ref(channel)).await.map_err(bus_error)?;
            let page = about.into_iter().next().ok_or(BusError::Unavailable)?.into_page();
            Ok(match page.standing(cursor) {
                // Redis has numbered every cursor that there is.
                Standing::Unknown => Standing::Dead,
                known => known,
            })
        }))
    }

    fn subscriptions(&self) -> usize {
        self.topics.count()
    }
}
