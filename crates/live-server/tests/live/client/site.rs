//! A site with live pages, in this process, so that a test sees what a command did to them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use live_axum::{ChannelId, Config, EventBus, Html, Hub, PostId, Publishing, Render, Update, bus};
use tokio::{
    net::{TcpListener, TcpSocket},
    runtime::Runtime,
    task::JoinHandle,
};

use crate::server::{DEADLINE, wait_until};

/// A server on a port of its own, with Live's routes under `/live`.
pub(crate) struct Site {
    pub(crate) runtime: Runtime,
    pub(crate) address: SocketAddr,
    /// Its own, until it listens there.
    pub(crate) port: Option<TcpSocket>,
    bus: Arc<dyn EventBus>,
    served: Option<(Hub, JoinHandle<()>)>,
}

/// The defaults, open to all publishers and with short waits.
pub(crate) fn quick() -> Config {
    Config {
        poll_interval: Duration::from_millis(250),
        max_poll_interval: Duration::from_millis(250),
        linger: Duration::from_millis(750),
        drain_window: Duration::from_millis(50),
        drain_deadline: Duration::from_secs(5),
        publishing: Publishing::Open,
        html: Html::Trust,
        ..Config::default()
    }
}

impl Site {
    pub(crate) fn start() -> Self {
        Self::with(quick(), |hub| Router::new().nest("/live", live_axum::routes(hub)))
    }

    pub(crate) fn with(config: Config, app: impl FnOnce(Hub) -> Router) -> Self {
        let mut site = Self::stopped(&config);
        site.serve(config, app);
        site
    }

    /// A site whose server has not started yet: its port is free, and nobody listens there.
    pub(crate) fn stopped(config: &Config) -> Self {
        let runtime = Runtime::new().unwrap();
        // Bound and not listening: nobody else gets the port, and who connects is refused.
        let port = TcpSocket::new_v4().unwrap();
        // For the server that follows on the port.
        port.set_reuseaddr(true).unwrap();
        port.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = port.local_addr().unwrap();
        let bus = bus::from_url("memory:", config).unwrap();
        Self { runtime, address, port: Some(port), bus, served: None }
    }

    /// Serves on the site's port, with what was published before.
    pub(crate) fn serve(&mut self, config: Config, app: impl FnOnce(Hub) -> Router) {
        let _entered = self.runtime.enter();
        let hub = Hub::new(Arc::clone(&self.bus), config).unwrap();
        let app = app(hub.clone());
        let serving = hub.clone();
        let listener = self.listen();
        let served = self.runtime.spawn(async move { live_axum::serve(listener, app, serving).await.unwrap() });
        self.served = Some((hub, served));
    }

    fn listen(&mut self) -> TcpListener {
        let mut listener = self.port.take().map(|port| port.listen(1024).unwrap());
        wait_until("the port of the server before is free", || {
            let bound = || self.runtime.block_on(TcpListener::bind(self.address)).ok();
            listener = listener.take().or_else(bound);
            listener.is_some()
        });
        listener.unwrap()
    }

    /// Drains, and waits until the server has ended.
    pub(crate) fn stop(&mut self) {
        let (hub, served) = self.served.take().unwrap();
        let ended = async move {
            hub.drain().await;
            served.await.unwrap();
        };
        self.runtime.block_on(async { tokio::time::timeout(DEADLINE, ended).await.unwrap() });
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.served.as_ref().unwrap().0
    }

    /// What `--server` takes.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/live", self.address)
    }

    /// `live` with these arguments, for this site.
    pub(crate) fn live(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = super::command::command(arguments);
        command.env("LIVE_SERVER", self.url());
        command
    }

    /// Publishes past the server, on the bus itself: it works while the server is down.
    pub(crate) fn publish(&self, channel: &str, update: Update) -> String {
        let id = ChannelId::new(channel).unwrap();
        self.runtime.block_on(self.bus.publish(&id, update, None)).unwrap().cursor.to_string()
    }

    pub(crate) fn post(&self, channel: &str, id: &str, html: &str) -> String {
        self.publish(channel, Update::new().render(render(id, html)))
    }

    /// The posts of a page, the lowest first: id and HTML. A hidden post has none.
    pub(crate) fn posts(&self, channel: &str) -> Vec<(String, Option<String>)> {
        let page = self.runtime.block_on(self.hub().page(&ChannelId::new(channel).unwrap())).unwrap();
        let mut posts: Vec<_> =
            page.posts().map(|post| (post.sort(), post.id.to_string(), post.html().map(str::to_owned))).collect();
        posts.sort();
        posts.into_iter().map(|(_, id, html)| (id, html)).collect()
    }

    pub(crate) fn ids(&self, channel: &str) -> Vec<String> {
        self.posts(channel).into_iter().map(|(id, _)| id).collect()
    }

    pub(crate) fn cursor(&self, channel: &str) -> String {
        self.runtime.block_on(self.hub().cursor(&ChannelId::new(channel).unwrap())).unwrap().to_string()
    }

    /// Waits until so many readers are connected.
    pub(crate) fn has_readers(&self, readers: usize) {
        wait_until(&format!("there are {readers} readers"), || self.hub().readers() == readers);
    }
}

pub(crate) fn render(id: &str, html: &str) -> Render {
    Render::new(PostId::new(id).unwrap(), html)
}
