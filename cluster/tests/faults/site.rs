//! A site: its database, a publisher that never gives up, two nodes, and their readers.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use live_conformance::crowd::{Crowd, Place, Transport};
use live_core::{
    BusError, ChannelId, Config, EventBus, Hub, IdempotencyKey, PageSource, PostId, Render, SourceFuture, Update, bus,
};
use tokio::task::JoinHandle;

pub(super) fn blog() -> ChannelId {
    ChannelId::new("blog").unwrap()
}

/// What the host has committed: post id to edit and text.
#[derive(Debug, Default)]
pub(super) struct Database(Mutex<BTreeMap<String, usize>>);

impl Database {
    fn render(id: &str, edit: usize) -> Render {
        let text = "Roger. ".repeat(1 + edit % 40);
        Render::new(PostId::new(id).unwrap(), format!("<p data-edit=\"{edit}\">{text}</p>")).rev(edit as u64)
    }

    fn posts(&self) -> Vec<Render> {
        self.0.lock().unwrap().iter().map(|(id, edit)| Self::render(id, *edit)).collect()
    }

    /// What every page has to show in the end.
    fn shown(&self) -> BTreeMap<String, String> {
        self.posts().iter().map(|post| (post.id().to_string(), post.html().unwrap().to_owned())).collect()
    }

    /// Commits the next change, and says what to publish of it.
    fn change(&self, number: usize) -> Update {
        let mut posts = self.0.lock().unwrap();
        let id = format!("post-{}", number * 7 % 40);
        if number.is_multiple_of(5) && posts.remove(&id).is_some() {
            return Update::new().remove_rev(PostId::new(id).unwrap(), number as u64);
        }
        posts.insert(id.clone(), number);
        Update::new().render(Self::render(&id, number))
    }
}

impl PageSource for Database {
    fn load<'a>(&'a self, _: &'a ChannelId) -> SourceFuture<'a> {
        Box::pin(async move { Ok(Some(self.posts())) })
    }
}

/// A node, served by axum.
pub(super) struct Node {
    pub(super) bus: Arc<dyn EventBus>,
    address: SocketAddr,
    served: JoinHandle<()>,
}

impl Node {
    pub(super) async fn start(url: &str, database: &Arc<Database>) -> Self {
        let config = Config {
            compare_interval: Duration::from_secs(2),
            long_poll_timeout: Duration::from_secs(1),
            ..Config::default()
        };
        let bus = bus::from_url(url, &config).unwrap();
        let hub = Hub::with_source(Arc::clone(&bus), Arc::clone(database) as Arc<dyn PageSource>, config).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = live_axum::routes(hub.clone());
        let served = tokio::spawn(async move { live_axum::serve(listener, app, hub).await.unwrap() });
        Self { bus, address, served }
    }

    fn place(&self) -> Place {
        Place { address: self.address, prefix: "", transports: &Transport::ALL }
    }

    /// What the bus says of itself.
    pub(super) async fn check(&self) -> Result<(), String> {
        let trouble = |error: &BusError| match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        self.bus.check().await.map_err(|error| trouble(&error))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.served.abort();
    }
}

/// What a publisher has seen.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Publishing {
    pub(super) updates: usize,
    pub(super) failures: usize,
    /// The longest that one attempt took.
    pub(super) slowest: Duration,
}

/// What the fault leaves of the page's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Log {
    /// Nobody may be told to reload.
    Kept,
    /// The page is loaded from the database again, which may take longer than until the next post.
    Lost,
}

/// The site under a fault.
pub(super) struct Site {
    pub(super) nodes: Vec<Node>,
    pub(super) database: Arc<Database>,
    crowd: Crowd,
    is_over: Arc<AtomicBool>,
    publisher: JoinHandle<Publishing>,
}

const READERS: usize = 24;
/// Between two updates: slow enough for a debug build.
const PACE: Duration = Duration::from_millis(15);

impl Site {
    /// Begins to publish over the first node; `urls` are the bus as each node sees it.
    pub(super) async fn begin(urls: &[String]) -> Self {
        let database = Arc::new(Database::default());
        let mut nodes = Vec::new();
        for url in urls {
            nodes.push(Node::start(url, &database).await);
        }
        let places = nodes.iter().map(Node::place).collect();
        let crowd = Crowd::begin(READERS, places, "0000000000000000-0", &BTreeMap::new(), 7);
        let is_over = Arc::new(AtomicBool::new(false));
        let publisher = tokio::spawn(publish(Arc::clone(&nodes[0].bus), Arc::clone(&database), Arc::clone(&is_over)));
        let site = Self { nodes, database, crowd, is_over, publisher };
        site.wait_for_updates(20).await;
        site
    }

    /// Waits until so many more updates are committed.
    pub(super) async fn wait_for_updates(&self, count: usize) {
        let newest = || self.database.0.lock().unwrap().values().max().copied().unwrap_or_default();
        let until = newest() + count;
        within("updates", async {
            while newest() < until {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    /// Waits until a node says that something like this is wrong.
    pub(super) async fn says(&self, node: usize, parts: &[&str]) {
        let mut said = Ok(());
        let found = tokio::time::timeout(DEADLINE, async {
            loop {
                said = self.nodes[node].check().await;
                if said.as_ref().is_err_and(|trouble| parts.iter().any(|part| trouble.contains(part))) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        if found.await.is_err() {
            panic!("node {node} never says {parts:?}, but {said:?}");
        }
    }

    /// The fault is over: all has to go on by itself, and every reader to end with what the database has.
    pub(super) async fn ends(self, name: &str, log: Log) {
        let began = Instant::now();
        for node in &self.nodes {
            within("a bus that is well", async {
                while node.check().await.is_err() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
            .await;
        }
        let ready = began.elapsed();
        self.wait_for_updates(20).await;
        self.is_over.store(true, Ordering::Relaxed);
        let publishing = within("the last publish", self.publisher).await.unwrap();
        let published = Instant::now();
        let readers = self.crowd.end_showing(self.database.shown()).await;
        let resets: usize = readers.iter().map(|reader| reader.resets).sum();
        // Only if posts came faster than the page could be loaded: such a reader fetches the page's HTML.
        let reloads = readers.iter().filter(|reader| reader.wants_reload).count();
        println!(
            "{name}: well again after {ready:.2?}; {} updates, {} attempts failed, the slowest took {:.2?}; {} readers, {resets} resets, {reloads} reloads, \
             all with the page {:.2?} after the last update",
            publishing.updates,
            publishing.failures,
            publishing.slowest,
            readers.len(),
            published.elapsed(),
        );
        assert!(log == Log::Lost || reloads == 0, "{reloads} readers were told to reload, and the log is there");
    }
}

/// Commits and publishes one change after the other, each until it is published.
async fn publish(bus: Arc<dyn EventBus>, database: Arc<Database>, is_over: Arc<AtomicBool>) -> Publishing {
    let mut seen = Publishing::default();
    while !is_over.load(Ordering::Relaxed) {
        seen.updates += 1;
        let update = database.change(seen.updates);
        let key = IdempotencyKey::new(format!("key-{}", seen.updates)).unwrap();
        loop {
            let began = Instant::now();
            let published = bus.publish(&blog(), update.clone(), Some(&key)).await;
            seen.slowest = seen.slowest.max(began.elapsed());
            match published {
                Ok(_) => break,
                Err(BusError::Refused(error)) => panic!("{error}"),
                Err(_) => seen.failures += 1,
            }
            tokio::time::sleep(PACE).await;
        }
        tokio::time::sleep(PACE).await;
    }
    seen
}

const DEADLINE: Duration = Duration::from_secs(60);

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("not in time: {what}"))
}
