//! One task per open page: it follows the bus, and brings every update into the replica.

use std::{
    future::poll_fn,
    sync::{Arc, Weak},
    time::Duration,
};

use live_sync::Event;

use super::{Hub, Inner, LivePage, live_page::Opening};
use crate::{
    bus::{BusError, Published, Subscription},
    page::{ApplyError, NumberError, Numbered, Page},
    update::Update,
};

/// Begins to follow the bus for this page. The task ends when the page is closed or the hub is gone.
pub(super) fn start(hub: &Hub, page: &Arc<LivePage>) {
    let pump = Pump { inner: Arc::downgrade(&hub.inner), page: Arc::clone(page), draft: None, failures: 0 };
    hub.inner.runtime.spawn(pump.run());
}

struct Pump {
    /// Weak, so that a hub which nobody uses any more ends.
    inner: Weak<Inner>,
    page: Arc<LivePage>,
    /// A page that is not complete enough to be shown.
    draft: Option<Draft>,
    failures: u32,
}

/// What the bus has of a page, until the seed that makes it whole has come back from there: a page without it would send readers away
/// whom it can soon bring up to date.
struct Draft {
    page: Page,
    seed: Option<Published>,
}

impl Draft {
    fn is_complete(&self) -> bool {
        self.seed.is_none_or(|seed| self.page.cursor().version >= seed.cursor.version)
    }
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
            let subscription = hub.inner.bus.subscribe(&self.page.channel);
            let subscription = tokio::time::timeout(hub.inner.config.bus_deadline, subscription).await;
            drop(hub);
            match subscription.unwrap_or(Err(BusError::Unavailable)) {
                Ok(subscription) => {
                    self.failures = 0;
                    if let End::Closed = self.follow(subscription).await {
                        return;
                    }
                    tracing::debug!(channel = %self.page.channel, "continuity lost, subscribing anew");
                }
                Err(error) => {
                    self.failures += 1;
                    self.log_failure(&error);
                    if self.is_pending() {
                        return self.fail();
                    }
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

    fn is_pending(&self) -> bool {
        *self.page.opening.borrow() == Opening::Pending
    }

    /// The readers that wait get a 503, and the next one tries again.
    fn fail(&self) {
        if let Some(hub) = self.hub() {
            hub.close(&self.page);
        }
    }

    async fn follow(&mut self, mut subscription: Subscription) -> End {
        self.draft = None;
        loop {
            let event = tokio::select! {
                biased;
                event = poll_fn(|cx| subscription.poll_next(cx)) => event,
                // The head differs from the bus's, or the page was closed.
                () = self.page.resubscribe.notified() => return if self.hub().is_some() { End::Lost } else { End::Closed },
            };
            match event {
                Some(Event::Snapshot(page)) => match self.seed(&page).await {
                    Ok(seed) => self.draft = Some(Draft { page, seed }),
                    Err(error) => {
                        tracing::debug!(channel = %self.page.channel, %error, "bus lost while the page was loaded");
                        self.failures += 1;
                        self.back_off().await;
                        return End::Lost;
                    }
                },
                Some(Event::Item(update)) if self.apply(&update) => {}
                Some(Event::Item(_) | Event::Lost) | None => return End::Lost,
            }
            self.show_if_complete();
        }
    }

    /// `false` if updates in between are missing.
    fn apply(&mut self, update: &Numbered) -> bool {
        match &mut self.draft {
            Some(draft) => !matches!(draft.page.apply(update), Err(ApplyError::Gap { .. })),
            None => self.page.apply(update).is_ok(),
        }
    }

    fn show_if_complete(&mut self) {
        if let Some(draft) = self.draft.take_if(|draft| draft.is_complete()) {
            self.page.install(draft.page);
            if self.is_pending() {
                self.page.opening.send_replace(Opening::Open);
            }
        }
    }

    /// Makes the page whole out of the site's own database, if it is not. A publish in between means that the load may be older: load
    /// again. `None` if there is nothing to wait for, an error if the bus is lost.
    async fn seed(&self, page: &Page) -> Result<Option<Published>, BusError> {
        let Some(hub) = self.hub().filter(|_| !page.is_whole()) else { return Ok(None) };
        let Some(source) = hub.inner.source.clone() else { return Ok(None) };
        if !self.is_pending() {
            // What its readers see is of before the loss.
            self.page.set_stale();
        }
        let deadline = hub.inner.config.bus_deadline;
        for _ in 0..MAX_SEEDS {
            let head = hub.cursor(&self.page.channel).await.map_err(|_| BusError::Unavailable)?;
            let posts = match tokio::time::timeout(deadline, source.load(&self.page.channel)).await {
                Ok(Ok(Some(posts))) => posts,
                Ok(Ok(None)) => return Ok(None),
                Ok(Err(error)) => return self.not_whole(&error.to_string()),
                Err(_) => return self.not_whole("it did not answer in time"),
            };
            let seed = Update::replace(posts).if_head_is(head);
            match hub.inner.bus.seed(&self.page.channel, seed).await {
                Ok(published) => return Ok(Some(published)),
                Err(BusError::Refused(NumberError::HeadMoved { .. })) => {}
                Err(BusError::Unavailable) => return Err(BusError::Unavailable),
                Err(error) => return self.not_whole(&error.to_string()),
            }
        }
        self.not_whole("the page changes faster than it loads")
    }

    fn not_whole(&self, reason: &str) -> Result<Option<Published>, BusError> {
        tracing::warn!(channel = %self.page.channel, reason, "page source failed");
        Ok(None)
    }

    /// Once for each outage: all pages have the same one.
    fn log_failure(&self, error: &BusError) {
        match self.failures {
            1 => tracing::warn!(channel = %self.page.channel, %error, "bus does not answer"),
            failures => tracing::debug!(channel = %self.page.channel, %error, failures, "bus does not answer"),
        }
    }

    async fn back_off(&self) {
        let delay = FIRST_RETRY * 2u32.saturating_pow(self.failures.min(8) - 1);
        tokio::time::sleep(delay.min(LAST_RETRY)).await;
    }
}

const MAX_SEEDS: usize = 3;
/// An outage is retried for ever, from this delay up to that one.
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(1);
