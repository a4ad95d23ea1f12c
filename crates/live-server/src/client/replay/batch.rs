//! What is due at once goes out in one update.

use std::collections::HashSet;

use live_core::{PostId, Render, Update};

use super::super::post::Entry;

/// Lines that make one update.
#[derive(Debug, Default)]
pub(super) struct Batch {
    update: Update,
    ids: HashSet<PostId>,
    bytes: usize,
    /// How many lines it has.
    pub(super) lines: u64,
    kind: Kind,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    #[default]
    Posts,
    /// An update as it stands in the file, which stays one.
    Update,
}

impl Batch {
    /// Whether the update would still be what the lines say, one after the other, and of a modest size.
    pub(super) fn takes(&self, entry: &Entry) -> bool {
        match entry {
            _ if self.lines == 0 => true,
            // An edit in the update that adds the post would place it anew.
            Entry::Post(render) => {
                let fits = self.lines < MAX_POSTS && self.bytes + size(render) <= MAX_BYTES;
                self.kind == Kind::Posts && fits && !self.ids.contains(render.id())
            }
            Entry::Update(_) => false,
        }
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.lines += 1;
        match entry {
            Entry::Post(render) => {
                self.bytes += size(&render);
                self.ids.insert(render.id().clone());
                self.update = std::mem::take(&mut self.update).render(render);
            }
            Entry::Update(update) => {
                self.kind = Kind::Update;
                self.update = update;
            }
        }
    }

    pub(super) fn update(&self) -> &Update {
        &self.update
    }
}

fn size(render: &Render) -> usize {
    render.html().map_or(0, str::len)
}

const MAX_POSTS: u64 = 200;
const MAX_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: &str) -> Entry {
        Entry::parse(line).unwrap().0
    }

    fn post(id: u64) -> Entry {
        entry(&format!(r#"{{"id": {id}, "text": "x"}}"#))
    }

    #[test]
    fn posts_go_together_in_their_order_up_to_a_limit() {
        let mut batch = Batch::default();
        for id in 0..MAX_POSTS {
            assert!(batch.takes(&post(id)));
            batch.push(post(id));
        }
        assert!(!batch.takes(&post(MAX_POSTS)));
        let ids: Vec<_> = batch.update().renders().map(|render| render.id().to_string()).collect();
        assert_eq!((ids.len(), ids[0].as_str(), ids[199].as_str()), (200, "0", "199"));
    }

    #[test]
    fn an_edit_and_an_update_of_ones_own_wait_for_the_next() {
        let mut batch = Batch::default();
        batch.push(post(1));
        assert!(!batch.takes(&post(1)));
        assert!(!batch.takes(&entry(r#"{"removals": ["1"]}"#)));
        let mut own = Batch::default();
        assert!(own.takes(&entry(r#"{"removals": ["1"]}"#)));
        own.push(entry(r#"{"removals": ["1"]}"#));
        assert!(!own.takes(&post(2)));
    }

    #[test]
    fn a_post_of_any_size_fits_into_an_empty_batch() {
        let large = entry(&format!(r#"{{"id": 1, "text": "{}"}}"#, "x".repeat(MAX_BYTES)));
        let mut batch = Batch::default();
        assert!(batch.takes(&large));
        batch.push(large);
        assert!(!batch.takes(&post(2)));
    }
}
