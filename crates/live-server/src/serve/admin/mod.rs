//! The operators' listener: a status page, drawn live by Live itself, and the metrics. It has a hub of its own, so that watching the
//! server costs its readers nothing, and goes on while they are sent away.

mod cards;
mod metrics;
mod numbers;
mod page;
mod samples;

use std::{io, sync::Arc, time::Duration};

use axum::{Router, middleware};
use live_axum::{Config, Hub, bus};
use tokio::{net::TcpListener, task::JoinSet};

use self::page::StatusPage;
use super::{health::Health, listeners::Listeners, loopback, readers};
use crate::settings::{Settings, redacted};

/// What the status page says of the server itself.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) reader_urls: Vec<String>,
    pub(super) admin_urls: Vec<String>,
    /// Without its password.
    bus: String,
    /// Whether the operators' listeners can be reached from this machine alone.
    is_private: bool,
}

impl About {
    pub(super) fn new(settings: &Settings, listeners: &Listeners) -> io::Result<Self> {
        let scheme = if settings.tls_cert.is_some() { "https" } else { "http" };
        let (readers, admin) = (listeners.reader_addresses()?, listeners.admin_addresses()?);
        Ok(Self {
            reader_urls: readers.iter().map(|address| format!("{scheme}://{address}{}", settings.prefix)).collect(),
            admin_urls: admin.iter().map(|address| format!("http://{address}")).collect(),
            bus: redacted(&settings.bus),
            is_private: admin.iter().all(|address| address.ip().to_canonical().is_loopback()),
        })
    }
}

/// The running listeners.
pub(super) struct Admin {
    hub: Hub,
    serving: JoinSet<io::Result<()>>,
}

impl Admin {
    /// Serves `listeners`, which may be none, about `readers`.
    pub(super) async fn start(
        listeners: Vec<TcpListener>,
        readers: &Hub,
        health: &Arc<Health>,
        about: About,
    ) -> anyhow::Result<Self> {
        let config = config();
        let hub = Hub::new(bus::from_url("memory:", &config)?, config)?;
        let mut serving = JoinSet::new();
        if listeners.is_empty() {
            return Ok(Self { hub, serving });
        }
        let is_private = about.is_private;
        let page = StatusPage::new(hub.clone(), readers.clone(), Arc::clone(health), about)?;
        page.draw().await?;
        serving.spawn(Arc::clone(&page).draw_while_watched());
        let mut app: Router = page::routes(page)
            .merge(metrics::routes(readers.clone(), health))
            .merge(live_axum::routes(hub.clone()))
            .merge(readers::health_routes(health));
        if is_private {
            app = app.layer(middleware::from_fn(loopback::only));
        }
        for listener in listeners {
            serving.spawn(live_axum::serve(listener, app.clone(), hub.clone()));
        }
        Ok(Self { hub, serving })
    }

    /// Ends the listeners, once there is nothing left to watch.
    pub(super) async fn stop(mut self) {
        if self.hub.readers() > 0 {
            self.hub.drain().await;
        }
        self.serving.abort_all();
        while self.serving.join_next().await.is_some() {}
    }
}

/// A hub for a page that a few people look at.
fn config() -> Config {
    Config {
        public_url: String::new(),
        poll_interval: page::PERIOD,
        max_poll_interval: page::PERIOD,
        linger: 3 * page::PERIOD,
        drain_window: page::PERIOD,
        drain_deadline: Duration::from_secs(1),
        ..Config::default()
    }
}
