//! One task per open page: it follows the bus, and brings every update into the replica.

use std::{
    future::poll_fn,
    sync::{Arc, Weak},
    task::Poll,
    time::Duration,
};

use live_sync::Event;

use super::{
    Hub, Inner, LivePage,
    live_page::Opening,
    seeding::{SeedError, Seeding},
};
use crate::{
    bus::{Published, Subscription},
    page::{ApplyError, Numbered, Page},
};

/// Begins to follow the bus for this page. The task ends when the page is closed or the hub is gone.
pub(super) fn start(hub: &Hub, page: &Arc<LivePage>) {
    let pump =
        Pump { inner: Arc::downgrade(&hub.inner), page: Arc::clone(page), draft: None, seeding: None, failures: 0 };
    hub.inner.runtime.spawn(pump.run());
}

struct Pump {
    /// Weak, so that a hub which nobody uses any more ends.
    inner: Weak<Inner>,
    page: Arc<LivePage>,
    /// A page that is not complete enough to be shown.
    draft: Option<Draft>,
    /// Goes on while updates come in, and after an attempt has failed.
    seeding: Option<Seeding>,
    failures: u32,
}

/// What the bus has of a page, until the seed that makes it whole has come back from there: a page without it would send readers away
/// whom it can soon bring up to date.
struct Draft {
    page: Page,
    seed: Seed,
}

enum Seed {
    /// The page is being loaded.
    Awaited,
    By(Published),
    /// There is nothing to wait for.
    None,
}

impl Draft {
    fn is_complete(&self) -> bool {
        match self.seed {
            Seed::Awaited => false,
            Seed::By(seed) => self.page.cursor().version >= seed.cursor.version,
            Seed::None => true,
        }
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
            let subscription = hub.within_deadline(hub.inner.bus.subscribe(&self.page.channel)).await;
            drop(hub);
            match subscription {
                Ok(subscription) => {
                    self.failures = 0;
                    let end = self.follow(subscription).await;
                    // It may hold a turn to load, and nobody polls it now.
                    self.seeding = None;
                    if let End::Closed = end {
                        return;
                    }
                    tracing::debug!(channel = %self.page.channel, "continuity lost, subscribing anew");
                }
                Err(_) => {
                    self.failures += 1;
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
            let seeding = &mut self.seeding;
            let step = tokio::select! {
                biased;
                seed = poll_fn(|cx| seeding.as_mut().map_or(Poll::Pending, |seeding| seeding.poll(cx))) => {
                    self.handle_seed(seed).await
                }
                event = poll_fn(|cx| subscription.poll_next(cx)) => self.handle_event(event),
                () = self.page.resubscribe.notified() => self.handle_doubt(),
            };
            if let Err(end) = step {
                return end;
            }
            self.show_if_complete();
        }
    }

    fn handle_event(&mut self, event: Option<Event<Page, Arc<Numbered>>>) -> Result<(), End> {
        match event {
            Some(Event::Snapshot(page)) => self.begin_draft(page),
            Some(Event::Item(update)) if self.apply(&update) => {}
            Some(Event::Item(_) | Event::Lost) | None => return Err(End::Lost),
        }
        Ok(())
    }

    /// The head differs from the bus's, or the page was closed.
    fn handle_doubt(&self) -> Result<(), End> {
        if self.hub().is_none() {
            return Err(End::Closed);
        }
        // As long as the page is loaded its head has to differ.
        if self.is_loading() { Ok(()) } else { Err(End::Lost) }
    }

    fn is_loading(&self) -> bool {
        matches!(self.draft, Some(Draft { seed: Seed::Awaited, .. }))
    }

    /// Begins to make the page whole, if it is not and the site can.
    fn begin_draft(&mut self, page: Page) {
        let has_source = self.hub().is_some_and(|hub| hub.inner.source.is_some());
        let seed = if has_source && !page.is_whole() {
            self.seeding = Some(Seeding::new(&self.inner, &self.page));
            if !self.is_pending() {
                // What its readers see is of before the loss.
                self.page.set_stale();
            }
            Seed::Awaited
        } else {
            Seed::None
        };
        self.draft = Some(Draft { page, seed });
    }

    /// A page whose load has failed is shown as it is, and becomes whole by a later one.
    async fn handle_seed(&mut self, seed: Result<Option<Published>, SeedError>) -> Result<(), End> {
        let Some(seeding) = self.seeding.take() else { return Ok(()) };
        let seed = match seed {
            Ok(seed) => seed.map_or(Seed::None, Seed::By),
            Err(error @ SeedError::BusLost) => {
                tracing::debug!(channel = %self.page.channel, %error);
                self.failures += 1;
                self.back_off().await;
                return Err(End::Lost);
            }
            Err(SeedError::Source(reason)) => {
                if seeding.is_repeated() {
                    tracing::debug!(channel = %self.page.channel, reason, "page source failed again");
                } else {
                    tracing::warn!(channel = %self.page.channel, reason, "page source failed, trying again");
                }
                self.seeding = Some(seeding.again(&self.inner, &self.page));
                Seed::None
            }
        };
        if let Some(draft) = &mut self.draft {
            draft.seed = seed;
        }
        Ok(())
    }

    /// `false` if updates in between are missing.
    fn apply(&mut self, update: &Numbered) -> bool {
        let is_applied = match &mut self.draft {
            Some(draft) => !matches!(draft.page.apply(update), Err(ApplyError::Gap { .. })),
            None => self.page.apply(update).is_ok(),
        };
        // A publisher may have been faster than the database.
        self.seeding.take_if(|seeding| seeding.is_repeated() && self.page.with_page(Page::is_whole) == Some(true));
        is_applied
    }

    fn show_if_complete(&mut self) {
        if let Some(draft) = self.draft.take_if(|draft| draft.is_complete()) {
            self.page.install(draft.page);
            if self.is_pending() {
                self.page.opening.send_replace(Opening::Open);
            }
        }
    }

    async fn back_off(&mut self) {
        let delay = FIRST_RETRY * 2u32.saturating_pow(self.failures.min(8) - 1);
        tokio::time::sleep(delay.min(LAST_RETRY)).await;
    }
}

/// An outage is retried for ever, from this delay up to that one.
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(1);
