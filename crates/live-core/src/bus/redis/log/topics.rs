//! The pages that this node follows, whatever the connection.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use live_sync::{Sleepers, Tail};
use redis::{PushInfo, PushKind, Value};
use tokio::sync::{Notify, watch};

use super::{
    names::Names,
    numbered::News,
    topic::{Outcome, Phase, Topic},
};
use crate::{cursor::Cursor, id::ChannelId, page::Numbered, sync::lock};

#[derive(Debug)]
pub(super) struct Topics {
    names: Names,
    /// Held for the time of an announcement, so that all subscribers see one order. Never across an await, and never while somebody is
    /// woken, be it by the end of a topic: that may run or drop a task, which may come back here.
    topics: Mutex<HashMap<ChannelId, Topic>>,
    /// Which connection counts: what an earlier one still says is of no use.
    connection: AtomicU64,
    /// There is something to subscribe to, or to fetch.
    pub(super) wanted: Notify,
}

/// What a push means for the connection that it came over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    Fine,
    /// It is over, or good for nothing any more.
    Over,
}

/// What Redis is to be told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) join: Vec<ChannelId>,
    pub(super) leave: Vec<ChannelId>,
}

impl Topics {
    pub(super) fn new(names: Names) -> Self {
        Self { names, topics: Mutex::default(), connection: AtomicU64::new(0), wanted: Notify::new() }
    }

    /// Begins a connection, and returns what it is known by. The one before it is over.
    pub(super) fn begin_connection(&self) -> u64 {
        self.connection.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Begins a tail of a page. Its snapshot may be read once the page is joined.
    pub(super) fn enter(&self, channel: &ChannelId) -> (Tail<Arc<Numbered>>, watch::Receiver<Phase>) {
        let mut topics = lock(&self.topics);
        let topic = topics.entry(channel.clone()).or_insert_with(|| {
            self.wanted.notify_one();
            Topic::new()
        });
        (topic.announcements.subscribe(), topic.phase.subscribe())
    }

    /// A snapshot was read over this connection. `false` if it is over: then something may have been missed since it was joined.
    #[must_use]
    pub(super) fn handle_snapshot(&self, connection: u64, channel: &ChannelId, cursor: Cursor) -> bool {
        let mut topics = lock(&self.topics);
        if connection != self.connection.load(Ordering::Acquire) {
            return false;
        }
        topics.get_mut(channel).map(|topic| topic.handle_snapshot(cursor)).is_some()
    }

    /// How many pages somebody is subscribed to.
    pub(super) fn count(&self) -> usize {
        lock(&self.topics).values().filter(|topic| topic.announcements.subscribers() > 0).count()
    }

    /// What has changed since the last call. Pages without a subscriber go at once, so that whoever comes anew subscribes anew.
    pub(super) fn changes(&self) -> Changes {
        let mut changes = Changes::default();
        let mut topics = lock(&self.topics);
        let given_up = topics.extract_if(|channel, topic| {
            let is_left = topic.announcements.subscribers() == 0;
            match topic.phase() {
                Phase::New if is_left => {}
                Phase::New => {
                    topic.set_asked();
                    changes.join.push(channel.clone());
                }
                Phase::Joined if is_left => changes.leave.push(channel.clone()),
                Phase::Joined if topic.is_doubted => changes.join.push(channel.clone()),
                Phase::Asked | Phase::Joined => {}
            }
            topic.is_doubted = false;
            is_left && topic.phase() != Phase::Asked
        });
        let given_up: Vec<_> = given_up.collect();
        drop(topics);
        drop(given_up);
        changes
    }

    /// Redis does not let this node subscribe to the page. Those who wait for it are told by the end of the topic.
    pub(super) fn refuse(&self, channel: &ChannelId) {
        let refused = lock(&self.topics).remove(channel);
        drop(refused);
    }

    /// The connection is over: with the next one, each page is subscribed to again, and what was missed is fetched.
    pub(super) fn handle_loss(&self) {
        let mut topics = lock(&self.topics);
        // From here on nothing counts that the connection says, or that was read over it.
        self.connection.fetch_add(1, Ordering::AcqRel);
        topics.values_mut().for_each(Topic::set_left);
    }

    /// Where to fetch from, of the pages that lack something and are followed again.
    pub(super) fn lacking(&self) -> Vec<(ChannelId, Cursor)> {
        let topics = lock(&self.topics);
        let joined = topics.iter().filter(|(_, topic)| topic.phase() == Phase::Joined);
        joined.filter_map(|(channel, topic)| Some((channel.clone(), topic.lacks_since()?))).collect()
    }

    pub(super) fn handle_fetched(&self, channel: &ChannelId, fetched: Option<Vec<News>>) {
        self.change(channel, |topic| topic.handle_fetched(fetched));
    }

    /// Compares the heads with those that Redis has. Something may have been announced and not have come.
    pub(super) fn compare(&self, channels: &[ChannelId], heads: &[Cursor]) {
        let mut topics = lock(&self.topics);
        for (channel, head) in channels.iter().zip(heads) {
            let Some(topic) = topics.get_mut(channel) else { continue };
            if topic.head().is_some_and(|known| known.epoch != head.epoch || known.version < head.version) {
                topic.is_doubted = true;
                topic.set_behind();
                self.wanted.notify_one();
            }
        }
    }

    /// What Redis says of its own accord, in its order.
    pub(super) fn handle(&self, connection: u64, push: &PushInfo) -> Heard {
        if connection != self.connection.load(Ordering::Acquire) {
            return Heard::Fine;
        }
        match (&push.kind, push.data.as_slice()) {
            (PushKind::Message | PushKind::SMessage, [Value::BulkString(page), Value::BulkString(json)]) => {
                self.handle_message(page, json);
            }
            // From here on nothing is missed.
            (PushKind::Subscribe | PushKind::SSubscribe, [Value::BulkString(page), ..]) => {
                let channel = self.names.channel_of(page);
                let topics = lock(&self.topics);
                let phase = channel.and_then(|channel| topics.get(&channel).map(|topic| topic.phase.clone()));
                drop(topics);
                if let Some(phase) = phase {
                    phase.send_replace(Phase::Joined);
                    self.wanted.notify_one();
                }
            }
            (PushKind::Unsubscribe | PushKind::SUnsubscribe, [Value::BulkString(page), ..]) => {
                self.handle_unsubscribed(page);
            }
            (PushKind::Disconnection, _) => return Heard::Over,
            _ => {}
        }
        Heard::Fine
    }

    /// Redis ends a subscription that nobody here gave up, because a slot has moved or rights were taken. Of one that was given up the
    /// page is not joined any more, or not again yet.
    fn handle_unsubscribed(&self, page: &[u8]) {
        let Some(channel) = self.names.channel_of(page) else { return };
        let mut topics = lock(&self.topics);
        if let Some(topic) = topics.get_mut(&channel).filter(|topic| topic.phase() == Phase::Joined) {
            topic.set_left();
            self.wanted.notify_one();
        }
    }

    fn handle_message(&self, page: &[u8], json: &[u8]) {
        let Some(channel) = self.names.channel_of(page) else { return };
        // Parsed before the lock is taken: that is most of the work.
        match News::parse(json) {
            Some(news) => self.change(&channel, |topic| topic.handle_news(news)),
            None => {
                tracing::warn!(%channel, "an announcement that is none of Live's; fetching the page");
                self.change(&channel, |topic| Outcome { sleepers: Sleepers::default(), is_behind: topic.set_behind() });
            }
        }
    }

    fn change(&self, channel: &ChannelId, change: impl FnOnce(&mut Topic) -> Outcome) {
        let mut topics = lock(&self.topics);
        let outcome = topics.get_mut(channel).map(change).unwrap_or_default();
        drop(topics);
        if outcome.is_behind {
            self.wanted.notify_one();
        }
        outcome.sleepers.wake();
    }
}
