//! One task per open page: it follows the bus, and brings every update into the replica.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use live_sync::Event;

use super::{Hub, Inner, LivePage, live_page::Opening};
use crate::{
    bus::{BusError, Published, Subscription},
    page::{NumberError, Page},
    update::Update,
};

/// Begins to follow the bus for this page. The task ends when the page is closed or the hub is gone.
pub(super) fn start(hub: &Hub, page: &Arc<LivePage>) {
    let pump = Pump { inner: Arc::downgrade(&hub.inner), page: Arc::clone(page), seeded: None, failures: 0 };
    hub.inner.runtime.spawn(pump.run());
}

struct Pump {
    /// Weak, so that a hub which nobody uses any more ends.
    inner: Weak<Inner>,
    page: Arc<LivePage>,
    /// The page opens when the replica has reached this version of the seed.
    seeded: Option<Published>,
    failures: u32,
}

/// Why following the bus came to an end.
enum End {
    Lost,
    Closed,
}

impl Pump {
    async fn run(mut self) {
        loop {
            let Some(hub) = self.hub() else { return };
            let subscription = hub.within_deadline(hub.inner.bus.subscribe(&self.page.channel)).await;
            drop(hub);
            match subscription {
                Ok(subscription) => {
                    self.failures = 0;
                    if let End::Closed = self.follow(subscription).await {
                        return;
                    }
                    tracing::debug!(channel = %self.page.channel, "continuity lost, subscribing anew");
                }
                Err(_) if *self.page.opening.borrow() == Opening::Pending => return self.fail(),
                Err(_) => {
                    self.page.set_stale();
                    self.back_off().await;
                }
            }
        }
    }

    fn hub(&self) -> Option<Hub> {
        let hub = self.inner.upgrade().map(|inner| Hub { inner })?;
        self.is_open(&hub).then_some(hub)
    }

    /// Whether the hub still has this page, and not a later one of the same channel.
    fn is_open(&self, hub: &Hub) -> bool {
        let pages = crate::sync::lock(&hub.inner.pages);
        pages.get(&self.page.channel).is_some_and(|page| Arc::ptr_eq(page, &self.page))
    }

    /// The readers that wait get a 503, and the next one tries again.
    fn fail(&self) {
        if let Some(hub) = self.hub() {
            hub.close(&self.page);
        }
    }

    async fn follow(&mut self, mut subscription: Subscription) -> End {
        loop {
            let event = tokio::select! {
                biased;
                event = std::future::poll_fn(|cx| subscription.poll_next(cx)) => event,
                // The head differs from the bus's, or the page was closed.
                () = self.page.resubscribe.notified() => return if self.hub().is_some() { End::Lost } else { End::Closed },
            };
            match event {
                Some(Event::Snapshot(page)) => self.install(page).await,
                Some(Event::Item(update)) if self.page.apply(&update).is_ok() => {}
                Some(Event::Item(_) | Event::Lost) | None => return End::Lost,
            }
            self.open_if_ready();
        }
    }

    async fn install(&mut self, page: Page) {
        let whole = page.is_whole();
        self.page.install(page);
        if !whole && *self.page.opening.borrow() == Opening::Pending {
            self.seeded = self.seed().await;
        }
    }

    fn open_if_ready(&self) {
        let head = self.page.with_page(Page::cursor);
        let ready = self.seeded.is_none_or(|seed| head.is_some_and(|head| head.version >= seed.cursor.version));
        if ready && *self.page.opening.borrow() == Opening::Pending {
            self.page.opening.send_replace(Opening::Open);
        }
    }

    /// Makes the page whole out of the site's own database. A publish in between means that the load may be older: load again.
    async fn seed(&self) -> Option<Published> {
        let hub = self.hub()?;
        let source = hub.inner.source.clone()?;
        let deadline = hub.inner.config.bus_deadline;
        for _ in 0..MAX_SEEDS {
            let head = hub.cursor(&self.page.channel).await.ok()?;
            let posts = match tokio::time::timeout(deadline, source.load(&self.page.channel)).await {
                Ok(Ok(posts)) => posts?,
                Ok(Err(error)) => return self.not_whole(&error.to_string()),
                Err(_) => return self.not_whole("it did not answer in time"),
            };
            let seed = Update::replace(posts).if_head_is(head);
            match hub.inner.bus.publish(&self.page.channel, seed, None).await {
                Ok(published) => return Some(published),
                Err(BusError::Refused(NumberError::HeadMoved { .. })) => {}
                Err(error) => return self.not_whole(&error.to_string()),
            }
        }
        self.not_whole("the page changes faster than it loads")
    }

    fn not_whole(&self, reason: &str) -> Option<Published> {
        tracing::warn!(channel = %self.page.channel, reason, "page source failed");
        None
    }

    async fn back_off(&mut self) {
        self.failures += 1;
        let delay = FIRST_RETRY * 2u32.saturating_pow(self.failures.min(8) - 1);
        tracing::warn!(channel = %self.page.channel, ?delay, "bus does not answer");
        tokio::time::sleep(delay.min(LAST_RETRY)).await;
    }
}

const MAX_SEEDS: usize = 3;
/// An outage is retried for ever, from this delay up to that one.
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(1);
