//! The pages that a log's entries come to: no I/O, no clock, no chance. Every node that takes the same entries has the same pages.

use std::{collections::HashMap, sync::Arc};

use live_core::{
    BusError, ChannelId, Config, Cursor, Epoch, IdempotencyKey, PageLimits, Published, Update,
    bus::{Announcements, Log, Sleepers, Subscription, TAIL_CAPACITY},
    page::{Numbered, Page},
};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// An entry of the log.
#[derive(Serialize, Deserialize)]
pub(crate) enum Entry {
    Publish(Publish),
    /// Pages that were last published to at this time, in microseconds since the Unix epoch, or before have expired.
    Expire {
        until: u64,
    },
}

/// An update as it was published, with all that numbering needs. The order of the entries decides the rest.
#[derive(Serialize, Deserialize)]
pub(crate) struct Publish {
    pub(crate) channel: ChannelId,
    pub(crate) update: Update,
    /// Of a seed; the JSON of an update does not say it.
    pub(crate) expected_head: Option<Cursor>,
    pub(crate) key: Option<String>,
    /// The publisher's time, in microseconds since the Unix epoch.
    pub(crate) at: u64,
    /// The random epoch that begins if the page has none. It also tells the publisher which entry is its own.
    pub(crate) begins: Cursor,
}

/// The pages, and who is to be told of changes.
pub(crate) struct Pages {
    /// Of the log: the epoch of pages that have none.
    origin: Epoch,
    /// As the number of tombstones and pages, the same on all nodes, or they would not have the same pages.
    limits: PageLimits,
    max_tombstones: usize,
    max_pages: usize,
    logs: HashMap<ChannelId, Log>,
    subscribed: HashMap<ChannelId, Announcements<Arc<Numbered>>>,
    /// Publishers on this node.
    waiting: HashMap<Epoch, oneshot::Sender<Result<Published, BusError>>>,
}

impl Pages {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            origin: Epoch::from_bits(0),
            limits: config.page,
            max_tombstones: config.max_tombstones,
            max_pages: config.max_pages,
            logs: HashMap::new(),
            subscribed: HashMap::new(),
            waiting: HashMap::new(),
        }
    }

    /// The log is another one: no page is left, and every cursor is dead.
    pub(crate) fn begin_anew(&mut self, log: u64) -> Sleepers {
        self.origin = Epoch::from_bits(log);
        self.waiting.clear();
        self.logs.clear();
        lose(self.subscribed.values())
    }

    /// Makes an entry part of the pages. The caller wakes those who are told, when it holds no lock.
    pub(crate) fn take(&mut self, entry: Entry) -> Sleepers {
        match entry {
            Entry::Publish(publish) => self.publish(publish),
            Entry::Expire { until } => self.expire(until),
        }
    }

    fn publish(&mut self, publish: Publish) -> Sleepers {
        let Publish { channel, mut update, expected_head, key, at, begins } = publish;
        if let Some(head) = expected_head {
            update = update.if_head_is(head);
        }
        // It was a key when it was published.
        let key = key.and_then(|key| IdempotencyKey::new(key).ok());
        let has_room = self.logs.contains_key(&channel) || self.logs.len() < self.max_pages;
        let mut log = self.logs.remove(&channel).unwrap_or_else(|| Log::new(self.new_page()));
        let outcome = match has_room {
            true => log.publish(update, key.as_ref(), at, begins.epoch, &self.limits),
            false => Err(BusError::TooManyPages { max: self.max_pages }),
        };
        if log.page().has_log() {
            self.logs.insert(channel.clone(), log);
        }
        let mut sleepers = Sleepers::default();
        if let Ok(outcome) = &outcome
            && let (Some(numbered), Some(announcements)) = (&outcome.numbered, self.subscribed.get(&channel))
        {
            sleepers = announcements.announce_without_waking(numbered.cursor.version.number(), numbered);
        }
        if let Some(publisher) = self.waiting.remove(&begins.epoch) {
            // It may have given up.
            let _ = publisher.send(outcome.map(|outcome| outcome.published));
        }
        sleepers
    }

    fn expire(&mut self, until: u64) -> Sleepers {
        let expired = self.logs.extract_if(|_, log| log.touched() <= until);
        lose(expired.filter_map(|(channel, _)| self.subscribed.get(&channel)))
    }

    /// Whether the page has expired, or would be one too many unless another one has.
    pub(crate) fn needs_expiry(&self, channel: &ChannelId, until: u64) -> bool {
        self.logs.get(channel).map_or(self.logs.len() >= self.max_pages, |log| log.touched() <= until)
    }

    /// Where the result of an entry arrives that is about to be appended.
    pub(crate) fn expect(&mut self, begins: Epoch) -> oneshot::Receiver<Result<Published, BusError>> {
        self.waiting.retain(|_, publisher| !publisher.is_closed());
        let (publisher, arrival) = oneshot::channel();
        self.waiting.insert(begins, publisher);
        arrival
    }

    pub(crate) fn subscribe(&mut self, channel: &ChannelId) -> Subscription {
        self.subscribed.retain(|_, announcements| announcements.subscribers() > 0);
        let announcements = self.subscribed.entry(channel.clone()).or_insert_with(|| Announcements::new(TAIL_CAPACITY));
        // The tail first, and then the snapshot: no entry comes in between, because both are under one lock.
        let tail = announcements.subscribe();
        let page = self.look(channel, Page::clone);
        tail.follow(page.cursor().version.number(), page)
    }

    pub(crate) fn look<T>(&self, channel: &ChannelId, look: impl FnOnce(&Page) -> T) -> T {
        match self.logs.get(channel) {
            Some(log) => look(log.page()),
            None => look(&self.new_page()),
        }
    }

    pub(crate) fn subscriptions(&self) -> usize {
        self.subscribed.values().filter(|announcements| announcements.subscribers() > 0).count()
    }

    fn new_page(&self) -> Page {
        Page::new(self.origin, self.max_tombstones)
    }
}

/// Tells subscribers to begin anew.
fn lose<'a>(followed: impl Iterator<Item = &'a Announcements<Arc<Numbered>>>) -> Sleepers {
    followed.fold(Sleepers::default(), |sleepers, followed| sleepers.and(followed.lose_without_waking()))
}
