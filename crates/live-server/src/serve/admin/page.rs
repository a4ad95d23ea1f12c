//! The status page: posts of a live page, rendered again each second while somebody watches.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use live_axum::{ChannelId, Hub, IdError, PostId, Render, Sort, Update};

use super::{
    About, cards,
    samples::{Samples, Totals},
};
use crate::serve::health::Health;

/// The page, and what it is drawn from.
#[derive(Debug)]
pub(super) struct StatusPage {
    /// The page's own hub.
    hub: Hub,
    channel: ChannelId,
    readers: Hub,
    health: Arc<Health>,
    about: About,
    started: Instant,
    samples: Mutex<Samples>,
}

/// How often it is drawn.
pub(super) const PERIOD: Duration = Duration::from_secs(1);

impl StatusPage {
    pub(super) fn new(hub: Hub, readers: Hub, health: Arc<Health>, about: About) -> Result<Arc<Self>, IdError> {
        let (started, samples) = (Instant::now(), Mutex::default());
        Ok(Arc::new(Self { hub, channel: ChannelId::new("status")?, readers, health, about, started, samples }))
    }

    /// Publishes the cards as they are now; those that have not changed are not sent.
    pub(super) async fn draw(&self) -> anyhow::Result<()> {
        let cards = self.cards();
        let mut renders = Vec::with_capacity(cards.len());
        for (place, (name, html)) in cards.into_iter().rev().enumerate() {
            let sort = Sort::new(place as u64 + 1)?;
            renders.push(Render::raw(PostId::new(name)?, html)?.sort(sort));
        }
        self.hub.publish(&self.channel, Update::replace(renders), None).await?;
        Ok(())
    }

    /// Draws each second while the page has readers, or had a moment ago.
    pub(super) async fn draw_while_watched(self: Arc<Self>) -> std::io::Result<()> {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if self.hub.open_pages() == 0 {
                self.samples().clear();
                continue;
            }
            self.samples().push(Totals::of(&self.readers.metrics()), Instant::now());
            if let Err(error) = self.draw().await {
                tracing::error!(%error, "status page not drawn");
            }
        }
    }

    fn samples(&self) -> std::sync::MutexGuard<'_, Samples> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each with its name, from the top.
    fn cards(&self) -> Vec<(&'static str, String)> {
        let mut channels = self.readers.channels();
        channels.sort_by(|(a, more), (b, less)| less.cmp(more).then_with(|| a.as_str().cmp(b.as_str())));
        cards::all(&cards::Moment {
            metrics: self.readers.metrics(),
            config: self.readers.config(),
            channels,
            bus_is_up: self.health.bus_is_up(),
            is_stopping: self.health.is_stopping(),
            uptime: self.started.elapsed(),
            bus: &self.about.bus,
            reader_urls: &self.about.reader_urls,
            samples: &self.samples(),
        })
    }

    /// The page as it is, for readers with and without scripts.
    async fn html(&self) -> anyhow::Result<String> {
        self.draw().await?;
        let cursor = self.hub.cursor(&self.channel).await?;
        let posts: String = self.cards().into_iter().map(|(_, html)| html).collect();
        let element = self.hub.element(&self.channel, Some(cursor));
        // Figures that change each second are nothing to speak of.
        let start = element.start().replacen('>', " label-new=\"\" label-changed=\"\" label-removed=\"\">", 1);
        Ok(TEMPLATE
            .replace("{start}", &start)
            .replace("{end}", element.end())
            .replace("{script}", &element.script())
            .replace("{version}", env!("CARGO_PKG_VERSION"))
            .replace("{posts}", &posts))
    }
}

const TEMPLATE: &str = include_str!("status.html");
const STYLE: &str = include_str!("status.css");

/// The page and its style; the script and the streams are Live's own routes.
pub(super) fn routes(page: Arc<StatusPage>) -> Router {
    Router::new().route("/", get(answer)).with_state(page).route("/status.css", get(style))
}

/// Everything from here, nothing inline, nothing framed. Scripts' own style sheets need no permission.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

async fn answer(State(page): State<Arc<StatusPage>>) -> Response {
    let html = match page.html().await {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "status page not rendered");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, html).into_response()
}

async fn style() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, STYLE).into_response()
}
