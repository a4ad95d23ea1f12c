//! Who is subscribed to which channel, shared by the thread with the bus's handle.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use live_sync::{Announcements, Sleepers, Tail};

use super::super::memory::TAIL_CAPACITY;
use crate::{id::ChannelId, page::Numbered, sync::lock};

#[derive(Debug, Default)]
pub(super) struct Subscribers {
    /// The thread changes it, and the handle counts. Held for that only.
    channels: Mutex<Channels>,
}

#[derive(Debug, Default)]
struct Channels {
    subscribed: HashMap<ChannelId, Announcements<Arc<Numbered>>>,
    /// At this size `subscribed` is rid of channels that nobody is subscribed to any more.
    sweep_at: usize,
}

impl Subscribers {
    pub(super) fn subscribe(&self, channel: &ChannelId) -> Tail<Arc<Numbered>> {
        let mut channels = lock(&self.channels);
        if channels.subscribed.len() >= channels.sweep_at {
            channels.subscribed.retain(|_, announcements| announcements.subscribers() > 0);
            channels.sweep_at = 64.max(2 * channels.subscribed.len());
        }
        let begin = || Announcements::new(TAIL_CAPACITY);
        channels.subscribed.entry(channel.clone()).or_insert_with(begin).subscribe()
    }

    pub(super) fn announce(&self, channel: &ChannelId, numbered: &Arc<Numbered>) {
        let at = numbered.cursor.version.number();
        self.tell(channel, |announcements| announcements.announce_without_waking(at, numbered));
    }

    /// Tells the channel's subscribers to begin anew.
    pub(super) fn lose(&self, channel: &ChannelId) {
        self.tell(channel, Announcements::lose_without_waking);
    }

    fn tell(&self, channel: &ChannelId, tell: impl FnOnce(&Announcements<Arc<Numbered>>) -> Sleepers) {
        let sleepers = lock(&self.channels).subscribed.get(channel).map(tell);
        sleepers.unwrap_or_default().wake();
    }

    pub(super) fn has(&self, channel: &ChannelId) -> bool {
        lock(&self.channels).subscribed.get(channel).is_some_and(|announcements| announcements.subscribers() > 0)
    }

    /// How many channels have subscribers.
    pub(super) fn count(&self) -> usize {
        lock(&self.channels).subscribed.values().filter(|announcements| announcements.subscribers() > 0).count()
    }
}
