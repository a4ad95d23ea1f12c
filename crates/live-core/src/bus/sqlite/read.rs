//! What the thread is asked without a change of the file. Reads come after the commit of their burst, and see nothing that is not
//! stored.

use super::{
    super::{BusError, Subscription},
    Reply, store_error,
    writer::Writer,
};
use crate::{
    cursor::Cursor,
    id::ChannelId,
    page::{Page, Standing},
};

#[derive(Debug)]
pub(super) enum Read {
    Subscribe { channel: ChannelId, reply: Reply<Subscription> },
    Heads { channels: Vec<ChannelId>, reply: Reply<Vec<Cursor>> },
    Standing { channel: ChannelId, cursor: Cursor, reply: Reply<Standing> },
}

impl Read {
    pub(super) fn is_awaited(&self) -> bool {
        match self {
            Self::Subscribe { reply, .. } => !reply.is_closed(),
            Self::Heads { reply, .. } => !reply.is_closed(),
            Self::Standing { reply, .. } => !reply.is_closed(),
        }
    }
}

impl Writer {
    pub(super) fn answer(&mut self, read: Read) {
        let now = self.clock.now();
        // Whoever asked may be gone; then the answer is dropped, and a subscription with it ends.
        match read {
            Read::Subscribe { channel, reply } => drop(reply.send(self.subscribe(&channel, now))),
            Read::Heads { channels, reply } => {
                let heads = channels.iter().map(|channel| self.look(channel, now, Page::cursor)).collect();
                drop(reply.send(heads));
            }
            Read::Standing { channel, cursor, reply } => {
                let standing = self.look(&channel, now, |page| match page.standing(cursor) {
                    // Whoever numbers the page knows every cursor that there is.
                    Standing::Unknown => Standing::Dead,
                    known => known,
                });
                drop(reply.send(standing));
            }
        }
    }

    /// On the thread that announces nothing comes between the tail and the snapshot.
    fn subscribe(&mut self, channel: &ChannelId, now: u64) -> Result<Subscription, BusError> {
        let tail = self.subscribers.subscribe(channel);
        let page = self.snapshot(channel, now)?;
        Ok(tail.follow(page.cursor().version.number(), page))
    }

    fn snapshot(&mut self, channel: &ChannelId, now: u64) -> Result<Page, BusError> {
        self.drop_if_expired(channel, now);
        if let Some(cached) = self.cache.get(channel) {
            return Ok(cached.log.page.clone());
        }
        let Some(loaded) = self.store.load(channel, now).map_err(store_error)? else {
            return Ok(self.store.new_page());
        };
        let page = loaded.log.page.clone();
        self.keep(channel.clone(), loaded, None);
        Ok(page)
    }

    /// Looks at a page's cursors. A page that is not in memory is not loaded for that.
    fn look<T>(&mut self, channel: &ChannelId, now: u64, look: impl Fn(&Page) -> T) -> Result<T, BusError> {
        self.drop_if_expired(channel, now);
        match self.cache.get(channel) {
            Some(cached) => Ok(look(&cached.log.page)),
            None => self.store.outline(channel, now).map(|page| look(&page)).map_err(store_error),
        }
    }
}
