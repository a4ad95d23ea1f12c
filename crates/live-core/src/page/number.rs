//! Numbering: what an update comes to on the page as it is. Only a bus that owns the page's log does this.

use std::collections::HashSet;

use super::{
    Page,
    apply::{Change, Numbered},
    posts::size,
};
use crate::{
    cursor::{Cursor, Epoch, Version},
    id::PostId,
    update::{Item, Render, Replace, Sort, Update},
};

/// How large a page may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimits {
    /// Posts on the page, hidden ones included.
    pub max_posts: usize,
    /// Bytes of all posts' HTML and ids.
    pub max_page_bytes: usize,
    /// Bytes of one post's HTML.
    pub max_post_bytes: usize,
    /// Renders and removals in one update.
    pub max_update_items: usize,
    /// What a publish to a full page does.
    pub when_full: WhenFull,
}

/// What a publish to a full page does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// It fails, and the page stays as it is.
    #[default]
    Refuse,
    /// The lowest-sorted posts make room, by removals in the same update.
    RemoveOldest,
}

/// Why an update is refused. The page stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NumberError {
    /// The page would exceed its limits. Remove posts first, or configure `when_full`.
    #[error("the page is full: it would have {posts} posts and {bytes} bytes (limits: {max_posts} and {max_bytes})")]
    PageFull {
        /// Posts after the update.
        posts: usize,
        /// The limit.
        max_posts: usize,
        /// Bytes after the update.
        bytes: usize,
        /// The limit.
        max_bytes: usize,
    },
    /// A post is too large. Split it.
    #[error("post {id:?} has {bytes} bytes of HTML (limit: {max})")]
    PostTooLarge {
        /// The post.
        id: PostId,
        /// Its bytes.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Too many renders and removals at once. Split the update.
    #[error("update has {items} renders and removals (limit: {max})")]
    TooManyItems {
        /// Renders and removals in it.
        items: usize,
        /// The limit.
        max: usize,
    },
    /// The page has moved on since the seed was read. Read again.
    #[error("the page is at {head} now")]
    HeadMoved {
        /// Where the page is.
        head: Cursor,
    },
    /// The versions of the page are used up: a clock is far in the future.
    #[error("the page has no version below 2^53 left")]
    NoVersionLeft,
}

impl Page {
    /// What the update comes to, or `None` if it changes nothing. The page itself changes when the result is applied.
    ///
    /// `now` is the time in microseconds since the Unix epoch, `epoch` the epoch that begins if the page has no log yet.
    ///
    /// # Errors
    /// A [`NumberError`] says which limit is in the way.
    pub fn number(
        &self,
        update: Update,
        now: u64,
        epoch: Epoch,
        limits: &PageLimits,
    ) -> Result<Option<Numbered>, NumberError> {
        update.check_size(limits)?;
        let replace = update.replace_mode();
        if let Some(Replace::IfHeadIs(head)) = replace
            && head != self.cursor()
        {
            return Err(NumberError::HeadMoved { head: self.cursor() });
        }
        let mut draft = Draft { page: self, changes: Vec::with_capacity(update.len()), new: 0 };
        let reset = replace.is_some() && !self.whole;
        draft.take(update, reset);
        if draft.changes.is_empty() && !reset {
            return Ok(None);
        }
        draft.make_room(limits)?;
        draft.finish(now, epoch, reset).map(Some)
    }
}

impl Update {
    /// Whether the update itself is within the limits, whatever the page: what a bus checks that only hands it over.
    ///
    /// # Errors
    /// [`NumberError::TooManyItems`] or [`NumberError::PostTooLarge`]: split it.
    pub fn check_size(&self, limits: &PageLimits) -> Result<(), NumberError> {
        if self.len() > limits.max_update_items {
            return Err(NumberError::TooManyItems { items: self.len(), max: limits.max_update_items });
        }
        for render in self.renders() {
            let bytes = render.html().map_or(0, str::len);
            if bytes > limits.max_post_bytes {
                return Err(NumberError::PostTooLarge { id: render.id.clone(), bytes, max: limits.max_post_bytes });
            }
        }
        Ok(())
    }
}

/// A numbered update in the making. New posts have no place before the version is known.
struct Draft<'a> {
    page: &'a Page,
    changes: Vec<(Change, IsNew)>,
    new: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum IsNew {
    /// Without a place: it gets the next one on top.
    Unplaced,
    No,
}

impl Draft<'_> {
    fn take(&mut self, update: Update, reset: bool) {
        let replaces = update.is_replace();
        let mut kept: HashSet<PostId> = HashSet::new();
        for (id, item) in update.into_items() {
            let known = self.page.posts.rev(&id);
            match item {
                Item::Render(render) => {
                    kept.insert(id);
                    self.render(render, known, replaces && !reset);
                }
                // A late removal must not undo an edit that its publisher had not seen.
                Item::Removal { rev } if is_late(rev, known) => {
                    kept.insert(id);
                }
                Item::Removal { rev } => self.removal(id, rev.or(known)),
            }
        }
        if replaces {
            self.remove_all_but(&kept);
        }
    }

    fn render(&mut self, render: Render, known: Option<u64>, only_if_changed: bool) {
        if is_late(render.rev, known) {
            return;
        }
        let Render { id, html, sort, rev } = render;
        let old = self.page.posts.get(id.as_str()).map(|post| post.state);
        let unchanged = |old: &super::posts::PostState| {
            old.html == html && sort.is_none_or(|sort| sort == old.sort) && rev.is_none_or(|rev| Some(rev) == old.rev)
        };
        if only_if_changed && old.is_some_and(unchanged) {
            return;
        }
        let (place, placed) = match (sort, old) {
            (Some(sort), _) => (Some(sort), true),
            (None, Some(old)) => (Some(old.sort), old.placed),
            (None, None) => (None, false),
        };
        self.new += u64::from(old.is_none());
        let is_new = if place.is_none() { IsNew::Unplaced } else { IsNew::No };
        let sort = place.unwrap_or(Sort::FIRST_PIN);
        // Without a revision of its own the edit keeps the post's, so that older publishers stay late.
        let rev = rev.or(known);
        self.changes.push((Change::Post { id, html, sort, placed, rev }, is_new));
    }

    fn removal(&mut self, id: PostId, rev: Option<u64>) {
        // Removing what is known to be gone tells nobody anything new. A post that Live never had may be in the host's HTML.
        if self.page.posts.is_removed(&id) && self.page.posts.rev(&id) == rev {
            return;
        }
        self.changes.push((Change::Removal { id, rev }, IsNew::No));
    }

    fn remove_all_but(&mut self, kept: &HashSet<PostId>) {
        let touched: HashSet<&PostId> = self.changes.iter().map(|(change, _)| change.id()).collect();
        let gone: Vec<_> = self
            .page
            .posts
            .by_sort()
            .filter(|post| !kept.contains(post.id) && !touched.contains(post.id))
            .map(|post| (Change::Removal { id: post.id.clone(), rev: post.rev() }, IsNew::No))
            .collect();
        self.changes.extend(gone);
    }

    /// Holds the page to its limits, by removing its lowest-sorted posts or by refusing.
    fn make_room(&mut self, limits: &PageLimits) -> Result<(), NumberError> {
        let (mut posts, mut bytes) = (self.page.posts.len(), self.page.posts.bytes());
        for (change, _) in &self.changes {
            if let Some(old) = self.page.posts.get(change.id().as_str()) {
                posts -= 1;
                bytes -= size(old.id, old.html());
            }
            if let Change::Post { id, html, .. } = change {
                posts += 1;
                bytes += size(id, html.as_deref());
            }
        }
        // An update that does not make the page larger is taken even above the limits, or nobody could make room.
        let (most_posts, most_bytes) =
            (limits.max_posts.max(self.page.posts.len()), limits.max_page_bytes.max(self.page.posts.bytes()));
        let fits = |posts, bytes| posts <= most_posts && bytes <= most_bytes;
        let mut removed = Vec::new();
        if limits.when_full == WhenFull::RemoveOldest && !fits(posts, bytes) {
            let touched: HashSet<&PostId> = self.changes.iter().map(|(change, _)| change.id()).collect();
            let mut oldest = self.page.posts.by_sort().filter(|post| !touched.contains(post.id));
            while let Some(post) = (!fits(posts, bytes)).then(|| oldest.next()).flatten() {
                posts -= 1;
                bytes -= size(post.id, post.html());
                removed.push((Change::Removal { id: post.id.clone(), rev: post.rev() }, IsNew::No));
            }
        }
        self.changes.extend(removed);
        if fits(posts, bytes) {
            return Ok(());
        }
        Err(NumberError::PageFull { posts, max_posts: limits.max_posts, bytes, max_bytes: limits.max_page_bytes })
    }

    fn finish(self, now: u64, epoch: Epoch, reset: bool) -> Result<Numbered, NumberError> {
        let head = self.page.head.number();
        let version = Version::new(now.max(head + self.new.max(1))).ok_or(NumberError::NoVersionLeft)?;
        // The i-th new post of n sorts at `version - n + i`: oldest first, all above what was there before.
        let mut next =
            version.number() - self.changes.iter().filter(|(_, is_new)| *is_new == IsNew::Unplaced).count() as u64;
        let mut changes = Vec::with_capacity(self.changes.len());
        for (mut change, is_new) in self.changes {
            if let (Change::Post { sort, .. }, IsNew::Unplaced) = (&mut change, is_new) {
                next += 1;
                *sort = Sort::new(next).map_err(|_| NumberError::NoVersionLeft)?;
            }
            changes.push(change);
        }
        let epoch = if self.page.has_log() { self.page.epoch } else { epoch };
        Ok(Numbered { prev: self.page.cursor(), cursor: Cursor::new(epoch, version), reset, changes })
    }
}

fn is_late(rev: Option<u64>, known: Option<u64>) -> bool {
    matches!((rev, known), (Some(rev), Some(known)) if rev < known)
}
