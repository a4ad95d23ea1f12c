//! A page as a store keeps it, row by row.

use std::sync::Arc;

use super::{
    Fork, Page,
    posts::{Moment, PostState, Posts},
};
use crate::{
    cursor::{Epoch, Version},
    id::PostId,
    update::Sort,
};

/// Everything that a page is, in plain parts.
#[derive(Debug, Clone)]
pub struct StoredPage {
    /// The epoch of the bus.
    pub origin: Epoch,
    /// The page's epoch.
    pub epoch: Epoch,
    /// The newest update.
    pub head: Version,
    /// Changes up to here may be forgotten.
    pub horizon: Version,
    /// Whether the page holds every post.
    pub whole: bool,
    /// Former epochs, oldest first.
    pub forks: Vec<Fork>,
    /// The posts, in any order.
    pub posts: Vec<StoredPost>,
    /// The removals, in any order.
    pub removals: Vec<StoredRemoval>,
}

/// A post as a store keeps it.
#[derive(Debug, Clone)]
pub struct StoredPost {
    /// Its name.
    pub id: PostId,
    /// Its HTML, `None` while it is hidden.
    pub html: Option<Arc<str>>,
    /// Its place.
    pub sort: Sort,
    /// Whether the publisher chose the place.
    pub placed: bool,
    /// The publisher's revision.
    pub rev: Option<u64>,
    /// The version of its last change.
    pub version: Version,
    /// The position of the change in that update.
    pub index: u32,
}

/// A removal as a store keeps it.
#[derive(Debug, Clone)]
pub struct StoredRemoval {
    /// The post.
    pub id: PostId,
    /// The publisher's revision that a later render has to reach.
    pub rev: Option<u64>,
    /// The version of the removal.
    pub version: Version,
    /// The position in that update.
    pub index: u32,
}

impl Page {
    /// Puts a page together from its parts.
    pub fn from_stored(stored: StoredPage, max_tombstones: usize) -> Self {
        let mut posts = Posts::new(max_tombstones);
        for post in stored.posts {
            let moment = Moment { version: post.version, index: post.index };
            posts.insert(
                post.id,
                PostState { html: post.html, sort: post.sort, placed: post.placed, rev: post.rev, moment },
            );
        }
        for removal in stored.removals {
            posts.remove(removal.id, removal.rev, Moment { version: removal.version, index: removal.index });
        }
        let horizon = posts.forget_old_removals().map_or(stored.horizon, |horizon| horizon.max(stored.horizon));
        Self {
            origin: stored.origin,
            epoch: stored.epoch,
            head: stored.head,
            horizon,
            whole: stored.whole,
            forks: stored.forks.into(),
            posts,
        }
    }

    /// The former epochs, oldest first.
    pub fn forks(&self) -> impl Iterator<Item = &Fork> {
        self.forks.iter()
    }
}
