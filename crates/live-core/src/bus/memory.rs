//! `memory:`: the logs in this process. They end with it, and then readers of pages that are not whole reload.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use live_sync::{Announcements, Sleepers};

use super::{BusError, BusFuture, EventBus, IdempotencyKey, Published, Subscription, log::Log};
use crate::{
    config::{Clock, Config},
    cursor::{Cursor, Epoch},
    id::ChannelId,
    page::{Numbered, Page, PageLimits, Standing},
    sync::lock,
    update::Update,
};

/// A bus within one process.
#[derive(Debug)]
pub struct MemoryBus {
    epoch: Epoch,
    limits: PageLimits,
    max_tombstones: usize,
    max_pages: usize,
    /// In microseconds.
    retention: u64,
    clock: Clock,
    /// Held for the time of a publish, so that all subscribers see one order. Never across an await.
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    logs: HashMap<ChannelId, Log>,
    subscribed: HashMap<ChannelId, Announcements<Arc<Numbered>>>,
    /// At this size `subscribed` is rid of channels that nobody is subscribed to any more.
    sweep_at: usize,
}

/// Updates that a hub may be behind before it takes a new snapshot instead: the capacity of [`Announcements`].
pub const TAIL_CAPACITY: usize = 1_024;

impl MemoryBus {
    /// An empty bus with the limits of this configuration.
    ///
    /// # Errors
    /// [`BusError::Randomness`] if the operating system has none.
    pub fn new(config: &Config) -> Result<Self, BusError> {
        Ok(Self {
            epoch: Epoch::random()?,
            limits: config.page,
            max_tombstones: config.max_tombstones,
            max_pages: config.max_pages,
            retention: config.page_retention.as_micros() as u64,
            clock: config.clock.clone(),
            pages: Mutex::default(),
        })
    }

    fn new_page(&self) -> Page {
        Page::new(self.epoch, self.max_tombstones)
    }

    fn is_expired(&self, log: &Log, now: u64) -> bool {
        now.saturating_sub(log.touched) >= self.retention
    }

    /// The pages, without this one's log if it has expired.
    fn pages(&self, channel: &ChannelId, now: u64) -> std::sync::MutexGuard<'_, Pages> {
        let mut pages = lock(&self.pages);
        if pages.logs.get(channel).is_some_and(|log| self.is_expired(log, now)) {
            pages.forget(channel);
        }
        pages
    }

    fn publish_now(
        &self,
        channel: &ChannelId,
        update: Update,
        key: Option<&IdempotencyKey>,
    ) -> Result<Published, BusError> {
        let now = self.clock.now();
        let mut pages = self.pages(channel, now);
        let epoch = match pages.logs.get(channel) {
            // It goes on; the operating system is asked for one that begins.
            Some(log) if log.page.has_log() => log.page.cursor().epoch,
            _ => Epoch::random()?,
        };
        if !pages.logs.contains_key(channel) && pages.logs.len() >= self.max_pages {
            pages.forget_all(|log| self.is_expired(log, now));
            if pages.logs.len() >= self.max_pages {
                return Err(BusError::TooManyPages { max: self.max_pages });
            }
        }
        let Pages { logs, subscribed, .. } = &mut *pages;
        let log = logs.entry(channel.clone()).or_insert_with(|| Log::new(self.new_page()));
        let outcome = log.publish(update, key, now, epoch, &self.limits);
        if !log.page.has_log() {
            logs.remove(channel);
        }
        let outcome = outcome?;
        let sleepers = match (&outcome.numbered, subscribed.get(channel)) {
            (Some(numbered), Some(announcements)) => {
                announcements.announce_without_waking(numbered.cursor.version.number(), numbered)
            }
            _ => Sleepers::default(),
        };
        drop(pages);
        sleepers.wake();
        Ok(outcome.published)
    }

    fn subscribe_now(&self, channel: &ChannelId) -> Subscription {
        let mut pages = self.pages(channel, self.clock.now());
        pages.sweep();
        let announcements =
            pages.subscribed.entry(channel.clone()).or_insert_with(|| Announcements::new(TAIL_CAPACITY));
        let tail = announcements.subscribe();
        let page = pages.logs.get(channel).map_or_else(|| self.new_page(), |log| log.page.clone());
        tail.follow(page.cursor().version.number(), page)
    }

    fn standing_now(&self, channel: &ChannelId, cursor: Cursor) -> Standing {
        let pages = self.pages(channel, self.clock.now());
        let page = pages.logs.get(channel).map(|log| &log.page);
        match page.map_or_else(|| self.new_page().standing(cursor), |page| page.standing(cursor)) {
            // Whoever numbers the page knows every cursor that there is.
            Standing::Unknown => Standing::Dead,
            known => known,
        }
    }

    fn head_now(&self, channel: &ChannelId) -> Cursor {
        let pages = self.pages(channel, self.clock.now());
        pages.logs.get(channel).map_or_else(|| self.new_page().cursor(), |log| log.page.cursor())
    }
}

impl Pages {
    fn sweep(&mut self) {
        if self.subscribed.len() >= self.sweep_at {
            self.subscribed.retain(|_, announcements| announcements.subscribers() > 0);
            self.sweep_at = 64.max(2 * self.subscribed.len());
        }
    }

    /// Ends a log. Its subscribers learn that they have to begin anew.
    fn forget(&mut self, channel: &ChannelId) {
        self.logs.remove(channel);
        if let Some(announcements) = self.subscribed.get(channel) {
            announcements.lose();
        }
    }

    fn forget_all(&mut self, expired: impl Fn(&Log) -> bool) {
        let channels: Vec<_> =
            self.logs.iter().filter(|(_, log)| expired(log)).map(|(channel, _)| channel.clone()).collect();
        channels.iter().for_each(|channel| self.forget(channel));
    }
}

impl EventBus for MemoryBus {
    fn publish<'a>(
        &'a self,
        channel: &'a ChannelId,
        update: Update,
        key: Option<&'a IdempotencyKey>,
    ) -> BusFuture<'a, Published> {
        Box::pin(async move { self.publish_now(channel, update, key) })
    }

    fn subscribe<'a>(&'a self, channel: &'a ChannelId) -> BusFuture<'a, Subscription> {
        Box::pin(async move { Ok(self.subscribe_now(channel)) })
    }

    fn heads<'a>(&'a self, channels: &'a [ChannelId]) -> BusFuture<'a, Vec<Cursor>> {
        Box::pin(async move { Ok(channels.iter().map(|channel| self.head_now(channel)).collect()) })
    }

    fn standing<'a>(&'a self, channel: &'a ChannelId, cursor: Cursor) -> BusFuture<'a, Standing> {
        Box::pin(async move { Ok(self.standing_now(channel, cursor)) })
    }

    fn subscriptions(&self) -> usize {
        lock(&self.pages).subscribed.values().filter(|announcements| announcements.subscribers() > 0).count()
    }
}
