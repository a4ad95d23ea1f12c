//! A publisher of one's own: the counterpart of a class with the one method `publish`.

use own_adapter::{
    ChannelId, Hub, Published, Publisher, Update,
    bus::{BusError, BusFuture},
};

/// Publishes to the hub's bus, as the other publishers do, and keeps a record of it.
pub(crate) struct OwnPublisher {
    hub: Hub,
}

impl OwnPublisher {
    pub(crate) fn new(hub: Hub) -> Self {
        Self { hub }
    }

    async fn publish_and_record(&self, channel: &ChannelId, update: Update) -> Result<Published, BusError> {
        let (renders, removals) = (update.renders().count(), update.removals().count());
        let published = self.hub.publish(channel, update, None).await?;
        tracing::info!(%channel, renders, removals, cursor = %published.cursor, "published");
        Ok(published)
    }
}

impl Publisher for OwnPublisher {
    fn publish<'a>(&'a self, channel: &'a ChannelId, update: Update) -> BusFuture<'a, Published> {
        Box::pin(self.publish_and_record(channel, update))
    }
}
