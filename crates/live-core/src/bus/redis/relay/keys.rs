//! The idempotency keys of what this node has published. The bus stores nothing, so other nodes do not know them.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use crate::{
    bus::{
        BusError, IdempotencyKey, Published,
        idempotency::{Digest, Keys, Known},
    },
    cursor::Cursor,
    id::ChannelId,
    sync::lock,
};

#[derive(Debug)]
pub(crate) struct NodeKeys {
    max_pages: usize,
    pages: Mutex<HashMap<ChannelId, PageKeys>>,
}

#[derive(Debug, Default)]
struct PageKeys {
    known: Keys,
    /// Of publishes that have not returned yet.
    under_way: HashSet<IdempotencyKey>,
    /// When the last one was used, in microseconds since the Unix epoch.
    used: u64,
}

/// What is known of a key.
pub(crate) enum Claim {
    /// Its update was published.
    Repeated(Published),
    /// Publish, and say so.
    New(Claimed),
}

/// Keeps others from publishing under the same key meanwhile.
pub(crate) struct Claimed {
    keys: Arc<NodeKeys>,
    channel: ChannelId,
    key: IdempotencyKey,
    digest: Digest,
}

impl NodeKeys {
    pub(crate) fn new(max_pages: usize) -> Self {
        Self { max_pages, pages: Mutex::default() }
    }

    /// `now` is in microseconds since the Unix epoch.
    pub(crate) fn claim(
        self: &Arc<Self>,
        channel: &ChannelId,
        key: &IdempotencyKey,
        digest: Digest,
        now: u64,
    ) -> Result<Claim, BusError> {
        let mut pages = lock(&self.pages);
        if !pages.contains_key(channel) && pages.len() >= self.max_pages {
            forget_longest_unused(&mut pages);
        }
        let page = pages.entry(channel.clone()).or_default();
        page.used = now;
        if let Some(published) = page.known.find(key, &digest, now)? {
            return Ok(Claim::Repeated(published));
        }
        // The outcome of the first is not known yet: whoever repeats it too soon has to come again.
        if !page.under_way.insert(key.clone()) {
            return Err(BusError::Unavailable);
        }
        Ok(Claim::New(Claimed { keys: Arc::clone(self), channel: channel.clone(), key: key.clone(), digest }))
    }
}

fn forget_longest_unused(pages: &mut HashMap<ChannelId, PageKeys>) {
    let unused = pages.iter().filter(|(_, page)| page.under_way.is_empty());
    if let Some(channel) = unused.min_by_key(|(_, page)| page.used).map(|(channel, _)| channel.clone()) {
        pages.remove(&channel);
    }
}

impl Claimed {
    pub(crate) fn channel(&self) -> &ChannelId {
        &self.channel
    }

    pub(crate) fn published(self, cursor: Cursor, now: u64) {
        if let Some(page) = lock(&self.keys.pages).get_mut(&self.channel) {
            page.known.insert(self.key.clone(), Known { digest: self.digest, cursor, at: now });
        }
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        if let Some(page) = lock(&self.keys.pages).get_mut(&self.channel) {
            page.under_way.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursor::{Epoch, Version};

    fn channel(name: &str) -> ChannelId {
        ChannelId::new(name).unwrap()
    }

    fn cursor() -> Cursor {
        Cursor::new(Epoch::from_bits(1), Version::saturating(7))
    }

    fn publish(keys: &Arc<NodeKeys>, page: &str, key: &str, body: u8, now: u64) -> Result<bool, BusError> {
        let (page, key) = (channel(page), IdempotencyKey::new(key).unwrap());
        match keys.claim(&page, &key, [body; 32], now)? {
            Claim::Repeated(published) => {
                assert_eq!(published, Published { cursor: cursor(), repeated: true });
                Ok(true)
            }
            Claim::New(claimed) => {
                claimed.published(cursor(), now);
                Ok(false)
            }
        }
    }

    #[test]
    fn a_key_is_known_once_its_update_is_published_and_never_for_another() {
        let keys = Arc::new(NodeKeys::new(10));
        assert!(!publish(&keys, "a", "k", 1, 5).unwrap());
        assert!(publish(&keys, "a", "k", 1, 6).unwrap());
        assert!(matches!(publish(&keys, "a", "k", 2, 7), Err(BusError::KeyReused)));
        assert!(!publish(&keys, "b", "k", 2, 8).unwrap());
    }

    #[test]
    fn two_publishes_under_one_key_do_not_overlap_and_a_failed_one_may_be_repeated() {
        let keys = Arc::new(NodeKeys::new(10));
        let (page, key) = (channel("a"), IdempotencyKey::new("k").unwrap());
        let Ok(Claim::New(first)) = keys.claim(&page, &key, [1; 32], 5) else { panic!("the key is new") };
        assert!(matches!(keys.claim(&page, &key, [1; 32], 5), Err(BusError::Unavailable)));
        drop(first);
        assert!(!publish(&keys, "a", "k", 1, 6).unwrap());
    }

    #[test]
    fn of_too_many_pages_the_one_longest_unused_is_forgotten() {
        let keys = Arc::new(NodeKeys::new(2));
        for (page, now) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
            publish(&keys, page, "k", 1, now).unwrap();
        }
        assert!(publish(&keys, "a", "k", 1, 5).unwrap());
        assert!(!publish(&keys, "b", "k", 1, 6).unwrap());
        assert_eq!(lock(&keys.pages).len(), 2);
    }
}
