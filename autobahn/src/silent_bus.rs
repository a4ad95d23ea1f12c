//! Keeps a page from saying anything: its readers come with a cursor that only the bus can place, and the bus never answers that.

use live_core::{
    BusError, ChannelId, Config, Cursor, EventBus, IdempotencyKey, Published, Update,
    bus::{BusFuture, MemoryBus, Subscription},
    page::Standing,
};

/// The cursor of a reader that is sent nothing: of an epoch that no page has.
pub(crate) const READER: &str = "0000000000000000-1";

pub(crate) struct SilentBus(MemoryBus);

impl SilentBus {
    pub(crate) fn new(config: &Config) -> Result<Self, BusError> {
        MemoryBus::new(config).map(Self)
    }
}

impl EventBus for SilentBus {
    fn publish<'a>(
        &'a self,
        channel: &'a ChannelId,
        update: Update,
        key: Option<&'a IdempotencyKey>,
    ) -> BusFuture<'a, Published> {
        self.0.publish(channel, update, key)
    }

    fn subscribe<'a>(&'a self, channel: &'a ChannelId) -> BusFuture<'a, Subscription> {
        self.0.subscribe(channel)
    }

    fn heads<'a>(&'a self, channels: &'a [ChannelId]) -> BusFuture<'a, Vec<Cursor>> {
        self.0.heads(channels)
    }

    fn standing<'a>(&'a self, _: &'a ChannelId, _: Cursor) -> BusFuture<'a, Standing> {
        Box::pin(std::future::pending())
    }

    fn subscriptions(&self) -> usize {
        self.0.subscriptions()
    }
}
