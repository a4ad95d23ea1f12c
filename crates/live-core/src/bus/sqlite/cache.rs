//! Pages in memory: all that have subscribers, and the most recently used others as far as they are small.

use std::{cmp::Reverse, collections::HashMap};

use super::super::log::Log;
use crate::{
    id::ChannelId,
    page::{Change, Numbered},
};

#[derive(Debug, Default)]
pub(super) struct Cache {
    pages: HashMap<ChannelId, CachedPage>,
    /// Counts uses, so that the most recent ones are known.
    uses: u64,
    /// Bytes that came in since the last trim.
    grown: usize,
}

/// A page, and what the file knows of it.
#[derive(Debug)]
pub(super) struct CachedPage {
    pub(super) log: Log,
    /// `None` until the first update is written.
    pub(super) place: Option<Place>,
    /// About what it takes in memory; an edit counts in addition until the page is loaded again.
    bytes: usize,
    used: u64,
}

/// Where a page is in the file, and what its next update has to know of what is written there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) row: i64,
    /// The opening that the written epoch is of.
    pub(super) opening: u64,
    pub(super) next_key: u64,
}

/// Pages without subscribers are kept up to this sum: four of the largest by default, or ten thousand small ones. Between two
/// trims as much again may come in.
const IDLE_BYTES: usize = 64 << 20;
/// What a page takes without any post, and a post, a removal or a key beside its HTML. Estimated generously.
const PAGE_BYTES: usize = 4 << 10;
const ROW_BYTES: usize = 512;

impl CachedPage {
    /// A page with so many bytes of HTML in so many posts, removals and keys.
    pub(super) fn new(log: Log, place: Option<Place>, html: usize, rows: usize) -> Self {
        Self { log, place, bytes: PAGE_BYTES + html + rows * ROW_BYTES, used: 0 }
    }
}

impl Cache {
    pub(super) fn get(&mut self, channel: &ChannelId) -> Option<&mut CachedPage> {
        let page = self.pages.get_mut(channel)?;
        self.uses += 1;
        page.used = self.uses;
        Some(page)
    }

    /// Takes a page out, to change it: what fails on the way is then not kept.
    pub(super) fn take(&mut self, channel: &ChannelId) -> Option<CachedPage> {
        self.pages.remove(channel)
    }

    /// Puts a page back or in; `more` is what was added to it.
    pub(super) fn put(&mut self, channel: ChannelId, mut page: CachedPage, more: Option<&Numbered>) {
        let added = more.map_or(0, bytes_of);
        self.grown += if page.used == 0 { page.bytes + added } else { added };
        self.uses += 1;
        page.used = self.uses;
        page.bytes += added;
        self.pages.insert(channel, page);
    }

    pub(super) fn remove(&mut self, channel: &ChannelId) {
        self.pages.remove(channel);
    }

    /// Drops the least recently used pages without subscribers, if enough has come in to make it worth a look at all of them.
    pub(super) fn trim(&mut self, has_subscribers: impl Fn(&ChannelId) -> bool) {
        if self.grown < IDLE_BYTES {
            return;
        }
        self.grown = 0;
        let idle = self.pages.iter().filter(|(channel, _)| !has_subscribers(channel));
        let mut idle: Vec<_> = idle.map(|(channel, page)| (Reverse(page.used), page.bytes, channel.clone())).collect();
        idle.sort();
        let mut kept = 0;
        for (_, bytes, channel) in idle {
            kept += bytes;
            if kept > IDLE_BYTES {
                self.pages.remove(&channel);
            }
        }
    }
}

fn bytes_of(numbered: &Numbered) -> usize {
    let html = |change: &Change| match change {
        Change::Post { html, .. } => html.as_deref().map_or(0, str::len),
        Change::Removal { .. } => 0,
    };
    // One row more for a key.
    ROW_BYTES + numbered.changes.iter().map(|change| ROW_BYTES + html(change)).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cursor::Epoch, page::Page};

    fn page(bytes: usize) -> CachedPage {
        CachedPage::new(Log::new(Page::new(Epoch::from_bits(1), 1)), None, bytes, 0)
    }

    #[test]
    fn the_most_recently_used_pages_and_those_with_subscribers_stay() {
        let channel = |number: usize| ChannelId::new(number.to_string()).unwrap();
        let mut cache = Cache::default();
        for number in 0..20 {
            cache.put(channel(number), page(IDLE_BYTES / 8), None);
            if number == 12 {
                cache.get(&channel(6));
            }
            cache.trim(|id| *id == channel(0));
        }
        let mut kept: Vec<usize> = cache.pages.keys().map(|id| id.as_str().parse().unwrap()).collect();
        kept.sort_unstable();
        // Trimmed whenever an eighth more than seven have come in: last after the sixteenth.
        assert_eq!(kept, [0, 6, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    }

    #[test]
    fn a_page_in_use_does_not_count_as_new() {
        let channel = ChannelId::new("a").unwrap();
        let mut cache = Cache::default();
        cache.put(channel.clone(), page(10), None);
        let grown = cache.grown;
        let taken = cache.take(&channel).unwrap();
        cache.put(channel, taken, None);
        assert_eq!(cache.grown, grown);
    }
}
