//! Which pages are open here: a page opens for its first reader, and closes when the last one has left for a while.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use super::{Hub, HubError, LivePage, live_page::Opening, pump, reader::Counted};
use crate::{id::ChannelId, sync::lock};

impl Hub {
    /// Counts a reader in on the page's replica, opened if need be, so that it stays.
    pub(super) async fn open(&self, channel: &ChannelId) -> Result<Counted, HubError> {
        let counted = self.find_or_begin(channel)?;
        let page = counted.page();
        let is_open = *page.opening.borrow() == Opening::Open;
        if !is_open {
            // Boxed, because hardly a reader is the first.
            Box::pin(self.opened(page)).await?;
        }
        Ok(counted)
    }

    async fn opened(&self, page: &LivePage) -> Result<(), HubError> {
        let mut opening = page.opening.subscribe();
        let opened = tokio::time::timeout(
            self.inner.config.bus_deadline,
            opening.wait_for(|opening| *opening != Opening::Pending),
        );
        match opened.await.map(|state| state.map(|state| *state)) {
            Ok(Ok(Opening::Open)) => Ok(()),
            _ => Err(HubError::Unavailable),
        }
    }

    /// The page's replica if there is one, for somebody who looks at it once and does not wait: without a reader, the page stays
    /// open as if one had left now.
    pub(crate) fn visit(&self, channel: &ChannelId, now: Instant) -> Option<Arc<LivePage>> {
        if self.is_draining() {
            return None;
        }
        let pages = lock(&self.inner.pages);
        let page = pages.get(channel)?;
        // Under the lock, so that it is not closed in between.
        page.left_at.store(self.millis(now), Ordering::Relaxed);
        Some(Arc::clone(page))
    }

    fn find_or_begin(&self, channel: &ChannelId) -> Result<Counted, HubError> {
        let mut pages = lock(&self.inner.pages);
        if let Some(page) = pages.get(channel) {
            return Ok(Counted::new(self, page));
        }
        let is_full = pages.len() >= self.inner.config.max_open_pages;
        let evicted = if is_full { Some(remove_longest_left(&mut pages).ok_or(HubError::TooManyPages)?) } else { None };
        let page =
            Arc::new(LivePage::new(channel.clone(), self.inner.config.view_limits(), Arc::clone(&self.inner.counters)));
        let counted = Counted::new(self, &page);
        pages.insert(channel.clone(), Arc::clone(&page));
        drop(pages);
        evicted.inspect(|page| page.end());
        pump::start(self, &page);
        Ok(counted)
    }

    /// Takes a page off the hub.
    pub(super) fn close(&self, page: &LivePage) {
        let mut pages = lock(&self.inner.pages);
        // A later page of the same channel may have taken its place.
        if pages.get(&page.channel).is_some_and(|present| std::ptr::eq(&raw const **present, page)) {
            pages.remove(&page.channel);
        }
        drop(pages);
        page.end();
    }
}

/// Makes room: whoever asks for names that nobody reads must not shut out those who do.
fn remove_longest_left(pages: &mut HashMap<ChannelId, Arc<LivePage>>) -> Option<Arc<LivePage>> {
    let lingering = pages.values().filter(|page| page.has_no_readers());
    let longest = lingering.min_by_key(|page| page.left_at.load(Ordering::Relaxed))?.channel.clone();
    pages.remove(&longest)
}
