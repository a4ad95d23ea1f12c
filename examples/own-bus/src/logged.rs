//! A bus on a message library with a log. Every node reads the whole log, and so every node has the same pages.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use live_core::{
    BusError, ChannelId, Clock, Config, Cursor, Epoch, EventBus, IdempotencyKey, Published, Update, Version,
    bus::{BusFuture, Subscription},
    page::{Page, Standing},
};
use tokio::sync::watch;

use crate::{
    AbortOnDrop, Broker,
    broker::Position,
    lock,
    pages::{Entry, Pages, Publish},
};

/// One node's bus.
pub struct LoggedBus {
    broker: Arc<Broker>,
    replica: Arc<Replica>,
    clock: Clock,
    retention: u64,
    deadline: Duration,
    _reader: AbortOnDrop,
}

/// What this node has read of the log.
struct Replica {
    /// Never held across an await.
    pages: Mutex<Pages>,
    /// Up to where the log is part of the pages.
    read: watch::Sender<Position>,
}

impl LoggedBus {
    /// A node on this broker. Open it inside a tokio runtime.
    pub fn open(broker: Arc<Broker>, config: &Config) -> Self {
        let pages = Mutex::new(Pages::new(config));
        let replica = Arc::new(Replica { pages, read: watch::Sender::default() });
        let reader = AbortOnDrop(tokio::spawn(read(Arc::clone(&broker), Arc::clone(&replica))));
        let (clock, retention) = (config.clock.clone(), config.page_retention.as_micros() as u64);
        Self { broker, replica, clock, retention, deadline: config.bus_deadline, _reader: reader }
    }

    async fn append(&self, entry: &Entry) -> Result<(), BusError> {
        let entry = serde_json::to_string(entry).map_err(|error| BusError::Store(Box::new(error)))?;
        self.broker.append(entry).await;
        Ok(())
    }

    /// That a page has expired is an entry, too: if each node's clock decided it, nodes would come to differ.
    async fn expire(&self, channel: &ChannelId) -> Result<(), BusError> {
        let until = self.clock.now().saturating_sub(self.retention);
        if lock(&self.replica.pages).needs_expiry(channel, until) {
            self.append(&Entry::Expire { until }).await?;
        }
        Ok(())
    }

    async fn publish_now(
        &self,
        channel: &ChannelId,
        update: Update,
        key: Option<&IdempotencyKey>,
    ) -> Result<Published, BusError> {
        self.expire(channel).await?;
        let begins = Cursor::new(Epoch::random()?, Version::ZERO);
        let arrival = lock(&self.replica.pages).expect(begins.epoch);
        let (channel, key) = (channel.clone(), key.map(ToString::to_string));
        let expected_head = update.expected_head();
        self.append(&Entry::Publish(Publish { channel, update, expected_head, key, at: self.clock.now(), begins }))
            .await?;
        arrival.await.unwrap_or(Err(BusError::Unavailable))
    }

    /// The pages with everything that anybody was told is stored: whoever asks may have been told so by another node.
    async fn up_to_date(&self, channels: &[ChannelId]) -> Result<&Mutex<Pages>, BusError> {
        self.reaches_end().await?;
        for channel in channels {
            self.expire(channel).await?;
        }
        self.reaches_end().await?;
        Ok(&self.replica.pages)
    }

    async fn reaches_end(&self) -> Result<(), BusError> {
        let end = self.broker.end().await;
        let read = self
            .replica
            .read
            .subscribe()
            .wait_for(|read| read.log == end.log && read.offset >= end.offset)
            .await
            .map(drop);
        read.map_err(|_| BusError::Unavailable)
    }

    fn in_time<'a, T: 'a>(&self, answer: impl Future<Output = Result<T, BusError>> + Send + 'a) -> BusFuture<'a, T> {
        let answer = tokio::time::timeout(self.deadline, answer);
        Box::pin(async move { answer.await.unwrap_or(Err(BusError::Unavailable)) })
    }
}

/// Follows the log from its beginning, for ever.
async fn read(broker: Arc<Broker>, replica: Arc<Replica>) {
    let mut at = Position::default();
    loop {
        let (from, entries) = broker.read(at).await;
        if from.log != at.log {
            // Nothing that was read before is true any more.
            let sleepers = lock(&replica.pages).begin_anew(from.log);
            sleepers.wake();
        }
        at = from;
        for entry in entries {
            match serde_json::from_str(&entry) {
                Ok(entry) => {
                    let sleepers = lock(&replica.pages).take(entry);
                    sleepers.wake();
                }
                Err(error) => tracing::warn!(offset = at.offset, %error, "entry skipped"),
            }
            at.offset += 1;
        }
        replica.read.send_replace(at);
    }
}

impl EventBus for LoggedBus {
    fn publish<'a>(
        &'a self,
        channel: &'a ChannelId,
        update: Update,
        key: Option<&'a IdempotencyKey>,
    ) -> BusFuture<'a, Published> {
        self.in_time(self.publish_now(channel, update, key))
    }

    fn subscribe<'a>(&'a self, channel: &'a ChannelId) -> BusFuture<'a, Subscription> {
        self.in_time(async move {
            let pages = self.up_to_date(std::slice::from_ref(channel)).await?;
            Ok(lock(pages).subscribe(channel))
        })
    }

    fn heads<'a>(&'a self, channels: &'a [ChannelId]) -> BusFuture<'a, Vec<Cursor>> {
        self.in_time(async move {
            let pages = lock(self.up_to_date(channels).await?);
            Ok(channels.iter().map(|channel| pages.look(channel, Page::cursor)).collect())
        })
    }

    fn standing<'a>(&'a self, channel: &'a ChannelId, cursor: Cursor) -> BusFuture<'a, Standing> {
        self.in_time(async move {
            let pages = self.up_to_date(std::slice::from_ref(channel)).await?;
            // Who has read the whole log knows every cursor that there is.
            Ok(match lock(pages).look(channel, |page| page.standing(cursor)) {
                Standing::Unknown => Standing::Dead,
                known => known,
            })
        })
    }

    fn subscriptions(&self) -> usize {
        lock(&self.replica.pages).subscriptions()
    }
}
