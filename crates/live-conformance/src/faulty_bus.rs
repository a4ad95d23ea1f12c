//! Buses that do not do what they should.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use live_core::{
    BusError, ChannelId, Config, Cursor, EventBus, IdempotencyKey, Published, Update,
    bus::{BusFuture, MemoryBus, Subscription},
    page::Standing,
};

/// A memory bus that can be told to hang.
pub(crate) struct Hanging {
    bus: MemoryBus,
    pub(crate) hangs: AtomicBool,
}

impl Hanging {
    pub(crate) fn new(config: &Config) -> Self {
        Self { bus: MemoryBus::new(config).unwrap(), hangs: AtomicBool::new(false) }
    }

    async fn answers(&self) {
        while self.hangs.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl EventBus for Hanging {
    fn publish<'a>(
        &'a self,
        channel: &'a ChannelId,
        update: Update,
        key: Option<&'a IdempotencyKey>,
    ) -> BusFuture<'a, Published> {
        Box::pin(async move {
            if self.hangs.load(Ordering::SeqCst) {
                return Err(BusError::Unavailable);
            }
            self.bus.publish(channel, update, key).await
        })
    }

    fn subscribe<'a>(&'a self, channel: &'a ChannelId) -> BusFuture<'a, Subscription> {
        Box::pin(async move {
            self.answers().await;
            self.bus.subscribe(channel).await
        })
    }

    fn heads<'a>(&'a self, channels: &'a [ChannelId]) -> BusFuture<'a, Vec<Cursor>> {
        Box::pin(async move {
            self.answers().await;
            self.bus.heads(channels).await
        })
    }

    fn standing<'a>(&'a self, channel: &'a ChannelId, cursor: Cursor) -> BusFuture<'a, Standing> {
        Box::pin(async move {
            self.answers().await;
            self.bus.standing(channel, cursor).await
        })
    }

    fn subscriptions(&self) -> usize {
        self.bus.subscriptions()
    }
}

/// Announces nothing at all: its subscriptions are to a bus that nobody publishes to, until it is mended.
pub(crate) struct Mute {
    pub(crate) bus: MemoryBus,
    pub(crate) deaf: MemoryBus,
    pub(crate) mended: AtomicBool,
}

impl Mute {
    pub(crate) fn new(config: &Config) -> Self {
        let new = || MemoryBus::new(config).unwrap();
        Self { bus: new(), deaf: new(), mended: AtomicBool::new(false) }
    }
}

impl EventBus for Mute {
    fn publish<'a>(
        &'a self,
        channel: &'a ChannelId,
        update: Update,
        key: Option<&'a IdempotencyKey>,
    ) -> BusFuture<'a, Published> {
        self.bus.publish(channel, update, key)
    }

    fn subscribe<'a>(&'a self, channel: &'a ChannelId) -> BusFuture<'a, Subscription> {
        if self.mended.load(Ordering::SeqCst) { self.bus.subscribe(channel) } else { self.deaf.subscribe(channel) }
    }

    fn heads<'a>(&'a self, channels: &'a [ChannelId]) -> BusFuture<'a, Vec<Cursor>> {
        if self.mended.load(Ordering::SeqCst) { self.bus.heads(channels) } else { self.deaf.heads(channels) }
    }

    fn standing<'a>(&'a self, channel: &'a ChannelId, cursor: Cursor) -> BusFuture<'a, Standing> {
        self.bus.standing(channel, cursor)
    }

    fn subscriptions(&self) -> usize {
        self.bus.subscriptions() + self.deaf.subscriptions()
    }
}
