//! The hub: this process's replicas of the pages that have readers, and everything that its transports share.

mod drain;
#[cfg(feature = "socket")]
mod latest;
mod live_page;
mod outage;
mod packing;
mod pages;
mod pump;
mod reader;
mod seeding;
#[cfg(feature = "socket")]
mod shards;
mod source;
mod sweep;

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use live_sync::{Event, WakeList};
use tokio::{runtime::Handle, sync::Semaphore};

#[cfg(feature = "socket")]
pub(crate) use self::latest::{Latest, Resting};
pub(crate) use self::live_page::{LivePage, Look};
pub(crate) use self::reader::{Pace, Words};
use self::{drain::Drain, outage::Outage};
pub use self::{
    reader::{Delivery, Reader},
    source::{PageSource, SourceFuture},
};
use crate::{
    bus::{BusError, EventBus, IdempotencyKey, Published},
    config::{Config, ConfigError},
    cursor::{Cursor, Start},
    element::Element,
    id::ChannelId,
    metrics::{Counters, Metrics},
    page::Page,
    policy::{Connections, Full, Permit, PollInterval},
    publisher::Transport,
    sync::lock,
    update::Update,
};

/// Multiplies the pages of one bus to the readers of this process. Cloning it gives another handle to the same hub.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use live_core::{ChannelId, Config, Hub, PostId, Render, Update, bus};
/// let config = Config::default();
/// let hub = Hub::new(bus::from_url("memory:", &config)?, config)?;
/// let blog = ChannelId::new("blog")?;
/// hub.publish(&blog, Update::new().render(Render::new(PostId::new("1")?, "<p>Hello!</p>")), None).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

struct Inner {
    bus: Arc<dyn EventBus>,
    source: Option<Arc<dyn PageSource>>,
    /// Turns to load a page from the source.
    loads: Arc<Semaphore>,
    outage: Outage,
    config: Config,
    connections: Arc<Connections>,
    counters: Arc<Counters>,
    poll_interval: PollInterval,
    /// Pages with readers, or within the linger. Held for look-ups only.
    pages: Mutex<HashMap<ChannelId, Arc<LivePage>>>,
    drain: Drain,
    /// Lists beside the pages' own whose deadlines the sweep keeps, too.
    swept: Mutex<Vec<Weak<WakeList>>>,
    /// A comparison of heads with the bus is under way.
    is_comparing: AtomicBool,
    began: Instant,
    runtime: Handle,
}

impl Hub {
    /// A hub on this bus. Create it inside a tokio runtime, once per process, and clone it.
    ///
    /// # Errors
    /// [`HubError::Config`] for a configuration that cannot work, [`HubError::NoRuntime`] outside a tokio runtime.
    pub fn new(bus: Arc<dyn EventBus>, config: Config) -> Result<Self, HubError> {
        Self::build(bus, None, config)
    }

    /// A hub that loads pages which the bus does not hold whole from the site's own database.
    ///
    /// # Errors
    /// As [`Hub::new`].
    pub fn with_source(bus: Arc<dyn EventBus>, source: Arc<dyn PageSource>, config: Config) -> Result<Self, HubError> {
        Self::build(bus, Some(source), config)
    }

    fn build(bus: Arc<dyn EventBus>, source: Option<Arc<dyn PageSource>>, config: Config) -> Result<Self, HubError> {
        config.check()?;
        let runtime = Handle::try_current().map_err(|_| HubError::NoRuntime)?;
        let connections = Arc::new(Connections::new(config.max_connections, config.max_connections_per_address));
        let poll_interval = PollInterval::new(&config, Instant::now());
        let inner = Inner {
            bus,
            source,
            loads: Arc::new(Semaphore::new(config.max_page_loads.min(Semaphore::MAX_PERMITS))),
            outage: Outage::default(),
            config,
            connections,
            counters: Arc::default(),
            poll_interval,
            pages: Mutex::default(),
            drain: Drain::default(),
            swept: Mutex::default(),
            is_comparing: AtomicBool::new(false),
            began: Instant::now(),
            runtime,
        };
        let hub = Self { inner: Arc::new(inner) };
        sweep::start(&hub);
        Ok(hub)
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Publishes an update. What in-process callers publish is the site's own HTML and passes unchanged.
    ///
    /// Publish after the commit of whatever the update shows: a reader may fetch the page at once.
    ///
    /// # Errors
    /// A [`BusError`] says whether nothing was stored, or whether to try again with the same key.
    pub async fn publish(
        &self,
        channel: &ChannelId,
        update: Update,
        key: Option<&IdempotencyKey>,
    ) -> Result<Published, BusError> {
        let published = self.inner.bus.publish(channel, update, key).await;
        match &published {
            Ok(published) => {
                self.inner.counters.published.add(1);
                tracing::debug!(%channel, cursor = %published.cursor, repeated = published.repeated, "published")
            }
            Err(error) => {
                self.inner.counters.publish_failures.add(1);
                tracing::warn!(%channel, %error, "publish failed");
            }
        }
        published
    }

    /// The cursor of a page's head, to print into its HTML. Take it *before* the first read of what the HTML is rendered from:
    /// then whatever is not in the HTML is newer than the cursor.
    ///
    /// # Errors
    /// [`HubError::Unavailable`] if the bus does not answer. Render without a cursor then: its readers are served the last minute.
    pub async fn cursor(&self, channel: &ChannelId) -> Result<Cursor, HubError> {
        let heads = self.inner.bus.heads(std::slice::from_ref(channel));
        let heads = self.within_deadline(heads).await?;
        heads.into_iter().next().ok_or(HubError::Unavailable)
    }

    /// A copy of the page as the bus has it: what Live itself knows of it.
    ///
    /// # Errors
    /// [`HubError::Unavailable`] if the bus does not answer.
    pub async fn page(&self, channel: &ChannelId) -> Result<Page, HubError> {
        if self.inner.source.is_some() {
            // Opening it is what loads it into the bus.
            self.open(channel).await?;
        }
        // Not the replica's, which may lag behind what the caller has published.
        let mut subscription = self.within_deadline(self.inner.bus.subscribe(channel)).await?;
        match std::future::poll_fn(|cx| subscription.poll_next(cx)).await {
            Some(Event::Snapshot(page)) => Ok(page),
            _ => Err(HubError::Unavailable),
        }
    }

    /// The HTML that connects a page to this hub, beginning at `cursor`.
    pub fn element(&self, channel: &ChannelId, cursor: Option<Cursor>) -> Element {
        Element::new(channel.clone(), cursor, &self.inner.config)
    }

    /// How many readers there are, on all transports.
    pub fn readers(&self) -> usize {
        self.inner.connections.len()
    }

    /// How many pages this hub follows.
    pub fn open_pages(&self) -> usize {
        lock(&self.inner.pages).len()
    }

    /// What the hub has counted since it began, and how its pages are at the moment.
    pub fn metrics(&self) -> Metrics {
        let pages: Vec<_> = lock(&self.inner.pages).values().cloned().collect();
        Metrics {
            open_pages: pages.len() as u64,
            stale_pages: pages.iter().filter(|page| page.is_stale()).count() as u64,
            subscriptions: self.inner.bus.subscriptions() as u64,
            ..self.inner.counters.snapshot()
        }
    }

    /// The channels that the hub follows, each with its number of readers, in no order.
    pub fn channels(&self) -> Vec<(ChannelId, usize)> {
        let pages = lock(&self.inner.pages);
        pages.values().map(|page| (page.channel.clone(), page.readers.load(Ordering::Relaxed))).collect()
    }

    /// Whether a reader from this address could be counted in, for somebody who is answered at once and so takes no place.
    pub(crate) fn has_room(&self, address: Option<IpAddr>) -> Result<(), Full> {
        self.inner.connections.has_room(address)
    }

    /// Counts a reader from this address in.
    ///
    /// # Errors
    /// [`Full`] if the server or the address has as many as it may.
    pub fn admit(&self, address: Option<IpAddr>) -> Result<Permit, Full> {
        self.inner.connections.enter(address)
    }

    /// A reader of the page from `start` on. It subscribes the bus if it is the page's first.
    ///
    /// # Errors
    /// [`HubError::Unavailable`] if the bus does not answer within the deadline, [`HubError::TooManyPages`] if as many pages are
    /// open as may be, [`HubError::Draining`] while the server drains. The reader should come back later in each case.
    pub async fn join(&self, channel: &ChannelId, start: Start, permit: Permit) -> Result<Reader, HubError> {
        // Readers over other transports come by the routes.
        self.join_over(Transport::WebSocket, channel, start, permit).await
    }

    #[allow(clippy::manual_async_fn, reason = "an async fn makes room for copies of its arguments")]
    pub(crate) fn join_over(
        &self,
        transport: Transport,
        channel: &ChannelId,
        start: Start,
        permit: Permit,
    ) -> impl Future<Output = Result<Reader, HubError>> {
        async move {
            if self.is_draining() {
                return Err(HubError::Draining);
            }
            let counted = self.open(channel).await?;
            Ok(Reader::new(counted.over(transport), permit, start))
        }
    }

    /// Asks the bus about a cursor that the replica cannot place, and tells the page's readers.
    fn ask_standing(&self, page: &Arc<LivePage>, cursor: Cursor) {
        let (hub, page) = (self.clone(), Arc::clone(page));
        let generation = page.generation();
        self.inner.runtime.spawn(async move {
            let answer = async {
                let standing = hub.within_deadline(hub.inner.bus.standing(&page.channel, cursor)).await?;
                Ok::<_, HubError>((standing, hub.cursor(&page.channel).await?))
            };
            let answer = answer.await.ok();
            if answer.is_none() {
                // The next look asks again; not at once.
                tokio::time::sleep(ASK_AGAIN).await;
            }
            page.set_verdict(cursor, generation, answer);
        });
    }

    async fn within_deadline<T>(&self, answer: impl Future<Output = Result<T, BusError>>) -> Result<T, HubError> {
        let answer = tokio::time::timeout(self.inner.config.bus_deadline, answer).await;
        match answer.unwrap_or(Err(BusError::Unavailable)) {
            Ok(answer) => {
                self.inner.outage.is_over();
                Ok(answer)
            }
            Err(error) => {
                self.inner.outage.goes_on(&error);
                Err(HubError::Unavailable)
            }
        }
    }

    /// What paces interval polling.
    pub(crate) fn poll_interval(&self) -> &PollInterval {
        &self.inner.poll_interval
    }

    /// Milliseconds since the hub began: the time of deadlines.
    pub(crate) fn now(&self) -> u64 {
        self.millis(Instant::now())
    }

    fn millis(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.inner.began).as_millis() as u64
    }

    /// Has the sweep wake what is due in this list, for as long as it exists.
    #[cfg(feature = "socket")]
    pub(crate) fn sweep_also(&self, list: &Arc<WakeList>) {
        lock(&self.inner.swept).push(Arc::downgrade(list));
    }

    fn reader_left(&self, page: &LivePage) {
        page.left_at.store(self.now(), Ordering::Relaxed);
        page.readers.fetch_sub(1, Ordering::AcqRel);
        self.inner.drain.progress();
    }
}

/// The pumps hear of it and give their subscriptions back; the bus may live on.
impl Drop for Inner {
    fn drop(&mut self) {
        lock(&self.pages).values().for_each(|page| page.resubscribe.notify_one());
    }
}

/// How long a hub waits before it asks a silent bus again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("readers", &self.readers())
            .field("open_pages", &self.open_pages())
            .finish_non_exhaustive()
    }
}

/// Why the hub does not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The configuration cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A hub needs a tokio runtime to work in.
    #[error("a hub is created inside a tokio runtime (under #[tokio::main], for example)")]
    NoRuntime,
    /// The bus does not answer. Come back later.
    #[error("the bus does not answer")]
    Unavailable,
    /// As many pages are open as may be. Come back later.
    #[error("as many pages are open as may be")]
    TooManyPages,
    /// The server drains. Come back in a moment, to another one.
    #[error("the server drains")]
    Draining,
}
