//! The server under test.

use std::{
    future::{Future, poll_fn},
    io,
    net::{SocketAddr, TcpListener},
    ops::Deref,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use live_core::{ChannelId, Clock, Config, EventBus, Html, Hub, PostId, Publishing, Render, Update, bus};
use tokio::task::JoinHandle;

use crate::{
    adapter::{Adapter, Routes, Serving},
    aftermath,
    bystander::Bystander,
    client::{DEADLINE, Join, Request, Response, Wire, eventually, within},
};

/// A server on a port of its own, with a [`Bystander`]. It is looked at when its case is over, and ends then.
#[derive(Clone)]
pub(crate) struct TestServer(Arc<Server>);

pub(crate) struct Server {
    adapter: Adapter,
    pub(crate) address: SocketAddr,
    pub(crate) hub: Hub,
    pub(crate) bus: Arc<dyn EventBus>,
    /// Where the routes are mounted.
    pub(crate) prefix: &'static str,
    served: Mutex<JoinHandle<io::Result<()>>>,
    bystander: Mutex<Option<Bystander>>,
}

impl Deref for TestServer {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.0
    }
}

impl Adapter {
    pub(crate) async fn start(self, config: Config) -> TestServer {
        self.start_on(bus::from_url("memory:", &config).unwrap(), config).await
    }

    /// A server without a bystander, for cases in which there is no place for one, or that leave the server unwell.
    pub(crate) async fn start_alone(self, config: Config) -> TestServer {
        self.start_alone_on(bus::from_url("memory:", &config).unwrap(), config).await
    }

    pub(crate) async fn start_on(self, bus: Arc<dyn EventBus>, config: Config) -> TestServer {
        let server = self.start_alone_on(bus, config).await;
        server.watch().await
    }

    pub(crate) async fn start_alone_on(self, bus: Arc<dyn EventBus>, config: Config) -> TestServer {
        self.begin(bus, config, self.0.prefix(), |listener, hub| self.0.serve(listener, hub))
    }

    /// Live's routes without a prefix, served by the framework: what it does not have is the limits of the adapter's own server.
    pub(crate) async fn start_by_the_framework(self, config: Config) -> TestServer {
        let bus = bus::from_url("memory:", &config).unwrap();
        let server = self.begin(bus, config, "", |listener, hub| self.0.serve_by_the_framework(listener, hub).unwrap());
        server.watch().await
    }

    fn begin(
        self,
        bus: Arc<dyn EventBus>,
        config: Config,
        prefix: &'static str,
        serve: impl FnOnce(TcpListener, Hub) -> Serving,
    ) -> TestServer {
        let hub = Hub::new(Arc::clone(&bus), config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let served = Mutex::new(tokio::spawn(serve(listener, hub.clone())));
        TestServer(Arc::new(Server { adapter: self, address, hub, bus, prefix, served, bystander: Mutex::default() }))
    }
}

/// A hub that is asked nothing.
pub(crate) fn hub_of_nobody() -> Hub {
    let config = Config::default();
    Hub::new(bus::from_url("memory:", &config).unwrap(), config).unwrap()
}

/// The defaults with everything that a test would have to wait for made short, and publishing open to all.
pub(crate) fn quick() -> Config {
    Config {
        // Longer than anything is waited for, so that a connection which ends does so for the case's own reason, and not because
        // the machine was too busy for a crowd that came at once.
        header_timeout: 2 * DEADLINE,
        poll_interval: Duration::from_millis(250),
        max_poll_interval: Duration::from_millis(250),
        linger: Duration::from_millis(750),
        long_poll_timeout: Duration::from_secs(2),
        publishing: Publishing::Open,
        html: Html::Trust,
        ..Config::default()
    }
}

impl TestServer {
    /// Puts a bystander in, and has the server looked at when the case is over.
    async fn watch(self) -> Self {
        let bystander = Bystander::open(&self).await;
        *self.bystander.lock().unwrap() = Some(bystander);
        aftermath::expect(&self);
        self
    }

    /// Ends the server at once.
    pub(crate) fn end(&self) {
        self.served.lock().unwrap().abort();
        self.bystander.lock().unwrap().take();
        aftermath::forget(self);
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether what the adapter serves with has returned.
    pub(crate) fn has_ended(&self) -> bool {
        self.served.lock().unwrap().is_finished()
    }

    /// Waits until what the adapter serves with returns, without an error.
    pub(crate) async fn ends(&self) {
        let ended = poll_fn(|cx| Pin::new(&mut *self.served.lock().unwrap()).poll(cx));
        within("the end of serve", ended).await.unwrap().unwrap();
    }

    pub(crate) fn take_bystander(&self) -> Option<Bystander> {
        self.bystander.lock().unwrap().take()
    }

    /// How many bystanders there are to leave out of account.
    fn bystanders(&self) -> usize {
        usize::from(self.bystander.lock().unwrap().is_some())
    }

    /// Readers, the bystander left out.
    pub(crate) fn readers(&self) -> usize {
        self.hub.readers() - self.bystanders()
    }

    /// Pages that the hub follows, the bystander's left out.
    pub(crate) fn open_pages(&self) -> usize {
        self.hub.open_pages() - self.bystanders()
    }

    /// Channels that the bus is subscribed to, the bystander's left out.
    pub(crate) fn subscriptions(&self) -> usize {
        self.bus.subscriptions() - self.bystanders()
    }

    /// The ways of reading that the adapter has.
    pub(crate) fn joins(&self) -> Vec<Join> {
        match self.adapter.0.routes() {
            Routes::All => Join::ALL.to_vec(),
            Routes::WebSocket => vec![Join::WebSocket],
        }
    }

    /// One request on a connection of its own.
    pub(crate) async fn ask(&self, request: Request) -> Response {
        let mut wire = Wire::connect(self).await;
        wire.ask(request.under(self.prefix)).await
    }

    pub(crate) async fn get(&self, target: &str) -> Response {
        self.ask(Request::new("GET", target)).await
    }

    /// Publishes within the process and returns the page's cursor.
    pub(crate) async fn publish(&self, channel: &str, update: Update) -> String {
        self.hub.publish(&channel_id(channel), update, None).await.unwrap().cursor.to_string()
    }

    /// Adds or edits one post.
    pub(crate) async fn post(&self, channel: &str, id: &str, html: &str) -> String {
        self.publish(channel, Update::new().render(render(id, html))).await
    }

    /// Makes the page whole, with these posts, oldest first.
    pub(crate) async fn seed(&self, channel: &str, ids: &[&str]) -> String {
        let posts = ids.iter().map(|id| render(id, &format!("{id} as seeded")));
        self.publish(channel, Update::replace(posts)).await
    }

    pub(crate) async fn cursor(&self, channel: &str) -> String {
        self.hub.cursor(&channel_id(channel)).await.unwrap().to_string()
    }

    /// The readers that this server counts come to this number.
    pub(crate) async fn has_readers(&self, readers: usize) {
        eventually(&format!("{readers} readers"), || self.readers() == readers).await;
    }

    /// After the last reader and the linger nothing is left of the pages. The bystander leaves, too.
    pub(crate) async fn forgets_its_readers(&self) {
        if let Some(bystander) = self.take_bystander() {
            bystander.ends_well(self).await;
        }
        let counts = || (self.hub.readers(), self.bus.subscriptions(), self.hub.open_pages());
        eventually("no reader, no subscription and no page", || counts() == (0, 0, 0)).await;
    }
}

pub(crate) fn channel_id(id: &str) -> ChannelId {
    ChannelId::new(id).unwrap()
}

pub(crate) fn post_id(id: &str) -> PostId {
    PostId::new(id).unwrap()
}

pub(crate) fn render(id: &str, html: &str) -> Render {
    Render::new(post_id(id), html)
}

pub(crate) fn removal(id: &str) -> Update {
    Update::new().remove(post_id(id))
}

/// A clock that stands still until it is told the time.
#[derive(Clone, Default)]
pub(crate) struct SetClock(Arc<AtomicU64>);

impl SetClock {
    /// Begins somewhere in 2026.
    pub(crate) fn new() -> Self {
        let clock = Self::default();
        clock.0.store(1_795_000_000_000_000, Ordering::SeqCst);
        clock
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn go_back(&self, time: Duration) {
        self.0.fetch_sub(u64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let time = Arc::clone(&self.0);
        Clock::new(move || time.load(Ordering::SeqCst))
    }
}

/// Whether the tests run in their long size (`LIVE_TEST_SIZE=long`).
pub(crate) fn is_long() -> bool {
    std::env::var("LIVE_TEST_SIZE").is_ok_and(|size| size == "long")
}
