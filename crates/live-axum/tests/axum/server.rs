//! The server under test. This file alone knows axum.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::extract::{Path, State};
use live_core::{
    Admission, ChannelId, Clock, Config, EventBus, Html, Hub, PostId, Publishing, Render, Route, Update, bus,
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::client::{Request, Response, Wire, eventually};

/// A server on a port of its own. Dropping it ends it.
pub struct TestServer {
    pub address: SocketAddr,
    pub hub: Hub,
    pub bus: Arc<dyn EventBus>,
    /// Where the routes are mounted.
    pub prefix: &'static str,
    pub served: JoinHandle<io::Result<()>>,
}

/// Serves a page of its own at `/`, a handler that panics at `/panic`, and Live's routes under a prefix.
pub async fn start_on(bus: Arc<dyn EventBus>, config: Config) -> TestServer {
    let hub = Hub::new(Arc::clone(&bus), config).unwrap();
    let prefix = "/live";
    let app = axum::Router::new()
        .route("/", axum::routing::get(|| async { "the site's own page" }))
        .route("/panic", axum::routing::get(panics))
        .route("/members/{route}/{channel}/", axum::routing::any(members))
        .with_state(hub.clone())
        .nest(prefix, live_axum::routes(hub.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(live_axum::serve(listener, app, hub.clone()));
    TestServer { address, hub, bus, prefix, served }
}

/// Live's routes without a prefix, in a router of the site's own that `axum::serve` serves: what it does not have is the limits of
/// Live's own server.
pub async fn start_under_axum_serve(config: Config) -> TestServer {
    let bus = bus::from_url("memory:", &config).unwrap();
    let hub = Hub::new(Arc::clone(&bus), config).unwrap();
    let app = axum::Router::new().route("/", axum::routing::get(|| async { "the site's own page" }));
    let app = app.merge(live_axum::routes(hub.clone())).into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let draining = hub.clone();
    let shutdown = async move { draining.draining().await };
    let served = tokio::spawn(axum::serve(listener, app).with_graceful_shutdown(shutdown).into_future());
    TestServer { address, hub, bus, prefix: "", served }
}

/// The site's own authentication, before any of Live's routes: a cookie that says for how many milliseconds it is good.
async fn members(
    State(hub): State<Hub>,
    Path((route, channel)): Path<(String, ChannelId)>,
    mut request: axum::extract::Request,
) -> Result<axum::response::Response, axum::http::StatusCode> {
    let cookie =
        request.headers().get("cookie").and_then(|cookie| cookie.to_str().ok()?.strip_prefix("member=")?.parse().ok());
    let milliseconds = cookie.ok_or(axum::http::StatusCode::UNAUTHORIZED)?;
    let until = std::time::Instant::now() + Duration::from_millis(milliseconds);
    request.extensions_mut().insert(Admission { until });
    let route = match route.as_str() {
        "ws" => Route::WebSocket(channel),
        "events" => Route::Events(channel),
        "updates" => Route::Updates(channel),
        _ => Route::WagtailPolling(channel),
    };
    Ok(live_axum::respond(&hub, route, request).await)
}

async fn panics() -> &'static str {
    panic!("a bug in the application")
}

pub async fn start(config: Config) -> TestServer {
    start_on(bus::from_url("memory:", &config).unwrap(), config).await
}

/// The defaults with everything that a test would have to wait for made short, and publishing open to all.
pub fn quick() -> Config {
    Config {
        poll_interval: Duration::from_millis(250),
        linger: Duration::from_millis(750),
        long_poll_timeout: Duration::from_secs(2),
        publishing: Publishing::Open,
        html: Html::Trust,
        ..Config::default()
    }
}

impl TestServer {
    /// One request on a connection of its own.
    pub async fn ask(&self, request: Request) -> Response {
        let mut wire = Wire::connect(self).await;
        wire.ask(request.under(self.prefix)).await
    }

    pub async fn get(&self, target: &str) -> Response {
        self.ask(Request::new("GET", target)).await
    }

    /// Publishes within the process and returns the page's cursor.
    pub async fn publish(&self, channel: &str, update: Update) -> String {
        self.hub.publish(&channel_id(channel), update, None).await.unwrap().cursor.to_string()
    }

    /// Adds or edits one post.
    pub async fn post(&self, channel: &str, id: &str, html: &str) -> String {
        self.publish(channel, Update::new().render(render(id, html))).await
    }

    /// Makes the page whole, with these posts, oldest first.
    pub async fn seed(&self, channel: &str, ids: &[&str]) -> String {
        let posts = ids.iter().map(|id| render(id, &format!("{id} as seeded")));
        self.publish(channel, Update::replace(posts)).await
    }

    pub async fn cursor(&self, channel: &str) -> String {
        self.hub.cursor(&channel_id(channel)).await.unwrap().to_string()
    }

    /// The readers that this server counts come to this number.
    pub async fn has_readers(&self, readers: usize) {
        eventually(&format!("{readers} readers"), || self.hub.readers() == readers).await;
    }

    /// After the last reader and the linger nothing is left of the pages.
    pub async fn forgets_its_readers(&self) {
        self.has_readers(0).await;
        eventually("no subscription and no page", || self.bus.subscriptions() == 0 && self.hub.open_pages() == 0).await;
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.served.abort();
    }
}

pub fn channel_id(id: &str) -> ChannelId {
    ChannelId::new(id).unwrap()
}

pub fn post_id(id: &str) -> PostId {
    PostId::new(id).unwrap()
}

pub fn render(id: &str, html: &str) -> Render {
    Render::new(post_id(id), html)
}

pub fn removal(id: &str) -> Update {
    Update::new().remove(post_id(id))
}

/// A clock that stands still until it is told the time.
#[derive(Clone, Default)]
pub struct SetClock(Arc<AtomicU64>);

impl SetClock {
    /// Begins somewhere in 2026.
    pub fn new() -> Self {
        let clock = Self::default();
        clock.0.store(1_795_000_000_000_000, Ordering::SeqCst);
        clock
    }

    pub fn pass(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub fn go_back(&self, time: Duration) {
        self.0.fetch_sub(u64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub fn clock(&self) -> Clock {
        let time = Arc::clone(&self.0);
        Clock::new(move || time.load(Ordering::SeqCst))
    }
}

/// Whether the tests run in their long size (`LIVE_TEST_SIZE=long`).
pub fn is_long() -> bool {
    std::env::var("LIVE_TEST_SIZE").is_ok_and(|size| size == "long")
}
