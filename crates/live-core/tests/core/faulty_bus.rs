//! A bus that fails when it is told to.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use live_core::{
    BusError, ChannelId, Config, Cursor, EventBus, IdempotencyKey, Published, Update,
    bus::{Announcements, BusFuture, Event, MemoryBus, Subscription},
    page::Standing,
};

pub(crate) struct FaultyBus {
    inner: MemoryBus,
    /// Nothing is answered.
    pub(crate) is_down: AtomicBool,
    /// Subscriptions yield the snapshot, and are silent from then on.
    pub(crate) is_deaf: AtomicBool,
    pub(crate) subscribed: AtomicUsize,
    /// What it did not answer.
    pub(crate) failures: AtomicUsize,
    silence: Announcements<Arc<live_core::page::Numbered>>,
}

impl FaultyBus {
    pub(crate) fn new(config: &Config) -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryBus::new(config).unwrap(),
            is_down: AtomicBool::new(false),
            is_deaf: AtomicBool::new(false),
            subscribed: AtomicUsize::new(0),
            failures: AtomicUsize::new(0),
            silence: Announcements::new(1),
        })
    }

    /// Those who were subscribed while it was deaf learn that they lost something.
    pub(crate) fn lose(&self) {
        self.silence.lose();
    }

    fn check(&self) -> Result<(), BusError> {
        if self.is_down.load(Ordering::SeqCst) {
            self.failures.fetch_add(1, Ordering::SeqCst);
            return Err(BusError::Unavailable);
        }
        Ok(())
    }
}

impl EventBus for FaultyBus {
    fn publish<'a>(
        &'a self,
        channel: &'a ChannelId,
        update: Update,
        key: Option<&'a IdempotencyKey>,
    ) -> BusFuture<'a, Published> {
        Box::pin(async move {
            self.check()?;
            self.inner.publish(channel, update, key).await
        })
    }

    fn subscribe<'a>(&'a self, channel: &'a ChannelId) -> BusFuture<'a, Subscription> {
        Box::pin(async move {
            self.check()?;
            self.subscribed.fetch_add(1, Ordering::SeqCst);
            let mut subscription = self.inner.subscribe(channel).await?;
            if !self.is_deaf.load(Ordering::SeqCst) {
                return Ok(subscription);
            }
            match poll_fn(|cx| subscription.poll_next(cx)).await {
                Some(Event::Snapshot(page)) => {
                    Ok(self.silence.subscribe().follow(page.cursor().version.number(), page))
                }
                _ => Err(BusError::Unavailable),
            }
        })
    }

    fn heads<'a>(&'a self, channels: &'a [ChannelId]) -> BusFuture<'a, Vec<Cursor>> {
        Box::pin(async move {
            self.check()?;
            self.inner.heads(channels).await
        })
    }

    fn standing<'a>(&'a self, channel: &'a ChannelId, cursor: Cursor) -> BusFuture<'a, Standing> {
        Box::pin(async move {
            self.check()?;
            self.inner.standing(channel, cursor).await
        })
    }

    fn subscriptions(&self) -> usize {
        self.inner.subscriptions()
    }
}
