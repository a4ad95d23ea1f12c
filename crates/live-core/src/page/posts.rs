//! The posts of a page and the memory of those removed, indexed by id, by place, and by when they last changed.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::apply::Change;
use crate::{cursor::Version, id::PostId, update::Sort};

/// One post as the page shows it now.
#[derive(Debug, Clone, Copy)]
pub struct Post<'a> {
    /// Its name.
    pub id: &'a PostId,
    pub(super) state: &'a PostState,
}

impl Post<'_> {
    /// Its HTML, or `None` while it is hidden.
    pub fn html(&self) -> Option<&str> {
        self.state.html.as_deref()
    }

    /// What readers get of it; of a hidden post nothing but this element.
    pub fn content(&self) -> Cow<'_, str> {
        match self.html() {
            Some(html) => Cow::Borrowed(html),
            None => Cow::Owned(format!("<div data-post-id=\"{}\" hidden></div>", self.id)),
        }
    }

    /// Its place, descending.
    pub fn sort(&self) -> Sort {
        self.state.sort
    }

    /// Whether the publisher chose the place.
    pub fn is_placed(&self) -> bool {
        self.state.placed
    }

    /// The version of its last change.
    pub fn version(&self) -> Version {
        self.state.moment.version
    }

    /// The publisher's revision of it, if it sent one.
    pub fn rev(&self) -> Option<u64> {
        self.state.rev
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PostState {
    pub(super) html: Option<Arc<str>>,
    pub(super) sort: Sort,
    /// Whether the publisher chose `sort`; a default one means nothing on a page that is not whole.
    pub(super) placed: bool,
    pub(super) rev: Option<u64>,
    pub(super) moment: Moment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tombstone {
    rev: Option<u64>,
    moment: Moment,
}

/// When something changed: the update, and the position in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub(super) version: Version,
    pub(super) index: u32,
}

#[derive(Debug, Clone)]
pub(super) struct Posts {
    posts: HashMap<PostId, PostState>,
    tombstones: HashMap<PostId, Tombstone>,
    /// Each index below has exactly one entry per post or tombstone.
    sorted: BTreeSet<(Sort, PostId)>,
    changed: BTreeMap<Moment, PostId>,
    removed: BTreeMap<Moment, PostId>,
    /// The sum of the contents' and ids' lengths.
    bytes: usize,
    max_tombstones: usize,
}

impl Posts {
    pub(super) fn new(max_tombstones: usize) -> Self {
        Self {
            posts: HashMap::new(),
            tombstones: HashMap::new(),
            sorted: BTreeSet::new(),
            changed: BTreeMap::new(),
            removed: BTreeMap::new(),
            bytes: 0,
            max_tombstones,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.posts.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn get(&self, id: &str) -> Option<Post<'_>> {
        self.posts.get_key_value(id).map(|(id, state)| Post { id, state })
    }

    /// The publisher's revision that a later one has to reach, of the post or of its removal.
    pub(super) fn rev(&self, id: &PostId) -> Option<u64> {
        self.posts
            .get(id)
            .map(|post| post.rev)
            .or_else(|| self.tombstones.get(id).map(|tombstone| tombstone.rev))
            .flatten()
    }

    pub(super) fn is_removed(&self, id: &PostId) -> bool {
        self.tombstones.contains_key(id)
    }

    pub(super) fn by_sort(&self) -> impl DoubleEndedIterator<Item = Post<'_>> {
        self.sorted.iter().filter_map(|(_, id)| self.get(id.as_str()))
    }

    /// Posts changed after `version`, in ascending order of their place.
    pub(super) fn changed_since(&self, version: Version) -> Vec<Post<'_>> {
        if version == Version::ZERO {
            return self.by_sort().collect();
        }
        let mut posts: Vec<_> =
            self.changed.range(after(version)..).filter_map(|(_, id)| self.get(id.as_str())).collect();
        posts.sort_by(|a, b| (a.sort(), a.id).cmp(&(b.sort(), b.id)));
        posts
    }

    /// Ids of posts removed after `version` and not created again, in that order.
    pub(super) fn removed_since(&self, version: Version) -> impl Iterator<Item = &PostId> {
        self.removed.range(after(version)..).map(|(_, id)| id)
    }

    pub(super) fn apply(&mut self, change: &Change, moment: Moment) {
        match change {
            Change::Post { id, html, sort, placed, rev } => {
                let state = PostState { html: html.clone(), sort: *sort, placed: *placed, rev: *rev, moment };
                self.insert(id.clone(), state);
            }
            Change::Removal { id, rev } => self.remove(id.clone(), *rev, moment),
        }
    }

    pub(super) fn insert(&mut self, id: PostId, state: PostState) {
        self.forget(&id);
        self.bytes += size(&id, state.html.as_deref());
        self.sorted.insert((state.sort, id.clone()));
        self.changed.insert(state.moment, id.clone());
        self.posts.insert(id, state);
    }

    pub(super) fn remove(&mut self, id: PostId, rev: Option<u64>, moment: Moment) {
        self.forget(&id);
        self.removed.insert(moment, id.clone());
        self.tombstones.insert(id, Tombstone { rev, moment });
    }

    /// Drops the oldest removals above the limit and returns the version of the last one dropped: the new horizon.
    pub(super) fn forget_old_removals(&mut self) -> Option<Version> {
        let mut horizon = None;
        while self.removed.len() > self.max_tombstones {
            let (moment, id) = self.removed.pop_first()?;
            self.tombstones.remove(&id);
            horizon = Some(moment.version);
        }
        horizon
    }

    fn forget(&mut self, id: &PostId) {
        if let Some(old) = self.posts.remove(id) {
            self.bytes -= size(id, old.html.as_deref());
            self.sorted.remove(&(old.sort, id.clone()));
            self.changed.remove(&old.moment);
        }
        if let Some(old) = self.tombstones.remove(id) {
            self.removed.remove(&old.moment);
        }
    }
}

/// What a post counts for in the page's bytes.
pub(super) fn size(id: &PostId, html: Option<&str>) -> usize {
    id.as_str().len() + html.map_or(0, str::len)
}

fn after(version: Version) -> Moment {
    Moment { version: Version::saturating(version.number() + 1), index: 0 }
}
