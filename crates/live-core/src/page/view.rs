//! A page as readers see it: the state, the newest frames, and the answer to any cursor.

use std::sync::Arc;

use super::{
    Page, Standing,
    apply::{ApplyError, Change, Numbered},
    made::Made,
    posts::Post,
    ring::Ring,
};
use crate::{
    cursor::{Cursor, Epoch, Start, Version},
    frame::{Draft, Frame, Kind},
    id::PostId,
};

/// How much a [`View`] keeps beside the page itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewLimits {
    /// Recent frames kept as they were sent.
    pub ring_frames: usize,
    /// Bytes of these frames.
    pub ring_bytes: usize,
    /// Bytes of the conflated frames that are kept to be shared.
    pub conflated_bytes: usize,
    /// A reader that lacks more frames than this gets one conflated frame in their place.
    pub conflate_after: usize,
    /// How far back, in microseconds, a reader without a cursor is served.
    pub grace: u64,
}

/// One copy of a page with the frames that its readers need.
#[derive(Debug)]
pub struct View {
    page: Page,
    limits: ViewLimits,
    ring: Ring,
    /// Frames to the present head. Emptied when the head moves.
    made: Made,
}

/// What a reader at a cursor is to be sent.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Nothing: it has everything.
    UpToDate,
    /// This frame, which takes it to the frame's cursor.
    Frame(Arc<Frame>),
    /// This copy cannot place the cursor. Ask the bus, and until then send nothing.
    Unknown(Cursor),
}

impl View {
    /// A view of this page.
    pub fn new(page: Page, limits: ViewLimits) -> Self {
        Self {
            page,
            limits,
            ring: Ring::new(limits.ring_frames, limits.ring_bytes),
            made: Made::new(limits.conflated_bytes),
        }
    }

    /// The page.
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// Puts another copy of the page in place, after the bus lost continuity. Readers keep their cursors.
    pub fn replace_page(&mut self, page: Page) {
        if page.cursor() != self.page.cursor() {
            self.ring.clear();
        }
        self.page = page;
        self.made.clear();
    }

    /// Makes the update part of the page and its frame part of the ring.
    ///
    /// # Errors
    /// As [`Page::apply`].
    pub fn apply(&mut self, update: &Numbered) -> Result<(), ApplyError> {
        self.page.apply(update)?;
        self.made.clear();
        if update.reset {
            self.ring.clear();
        } else {
            self.ring.push(Arc::new(self.frame_of(update)));
        }
        Ok(())
    }

    /// The frame of the last update, if it was an ordinary one.
    pub fn newest(&self) -> Option<&Arc<Frame>> {
        self.ring.newest()
    }

    /// The empty frame at the head: hello and heartbeat, the same bytes for everyone there.
    pub fn heartbeat(&mut self, stale: bool) -> Arc<Frame> {
        let head = self.page.cursor();
        self.make(if stale { Kind::Stale } else { Kind::Delta }, head, |draft, _| draft)
    }

    /// The first answer to a reader: all the way to the head in one frame, so that HTML which is newer than its cursor
    /// does not replay through older renders. `now` is in microseconds since the Unix epoch.
    pub fn start(&mut self, start: Start, now: u64) -> Answer {
        let head = self.page.cursor();
        match start {
            Start::At(cursor) => self.since(cursor, 1),
            Start::Unknown => Answer::Frame(self.give_up()),
            Start::Everything if self.page.is_whole() => Answer::Frame(self.reset()),
            Start::Everything => Answer::Frame(self.conflated(head.epoch, Version::ZERO)),
            Start::Recent => {
                let since = Version::saturating(now.saturating_sub(self.limits.grace));
                if since >= head.version {
                    return Answer::UpToDate;
                }
                if since < self.page.horizon() && self.page.is_whole() {
                    return Answer::Frame(self.reset());
                }
                // Best effort where the page is not whole: renders are all known, of removals the newest.
                Answer::Frame(self.conflated(head.epoch, checkpoint(head.version, since)))
            }
        }
    }

    /// The next frame for a reader at `cursor`: one of the newest `few` as it was sent, else a conflated one.
    pub fn since(&mut self, cursor: Cursor, few: usize) -> Answer {
        let head = self.page.cursor();
        if cursor == head {
            return Answer::UpToDate;
        }
        let version = match self.page.standing(cursor) {
            Standing::At(version) => version,
            Standing::Dead => return Answer::Frame(self.give_up()),
            Standing::Unknown => return Answer::Unknown(cursor),
        };
        if let Some(frame) = self.ring.next(cursor, few.min(self.limits.conflate_after)) {
            return Answer::Frame(Arc::clone(frame));
        }
        let cut = checkpoint(head.version, version).max(self.page.horizon());
        Answer::Frame(self.conflated(cursor.epoch, cut))
    }

    /// Whether this copy is at a head that the log had, or past it; past it, the copy may have forgotten what came before.
    pub fn has_reached(&self, head: Cursor) -> bool {
        self.page.standing(head) != Standing::Unknown
    }

    /// The answer to a cursor that the bus has declared dead, from a copy that [has reached](View::has_reached) the bus's head:
    /// an older one would take the reader back.
    pub fn give_up(&mut self) -> Arc<Frame> {
        if self.page.is_whole() { self.reset() } else { self.make(Kind::Reload, self.page.cursor(), |draft, _| draft) }
    }

    fn reset(&mut self) -> Arc<Frame> {
        self.make(Kind::Reset, self.page.cursor(), |draft, page| draft.posts(page, Version::ZERO))
    }

    /// One frame from a version to the head: the latest state of every post that changed.
    fn conflated(&mut self, epoch: Epoch, since: Version) -> Arc<Frame> {
        self.make(Kind::Conflated, Cursor::new(epoch, since), |draft, page| draft.posts(page, since))
    }

    fn make(&mut self, kind: Kind, prev: Cursor, fill: impl FnOnce(Draft, &Page) -> Draft) -> Arc<Frame> {
        let key = (kind, prev.epoch, prev.version);
        if let Some(frame) = self.made.get(key) {
            return frame;
        }
        let frame = Arc::new(fill(Draft::new(kind, prev, self.page.cursor()), &self.page).finish());
        self.made.insert(key, Arc::clone(&frame));
        frame
    }

    fn frame_of(&self, update: &Numbered) -> Frame {
        let posts = update.changes.iter().filter(|change| matches!(change, Change::Post { .. }));
        let mut posts: Vec<Post<'_>> = posts.filter_map(|change| self.page.post(change.id().as_str())).collect();
        posts.sort_by(|a, b| (a.sort(), a.id).cmp(&(b.sort(), b.id)));
        let removals: Vec<&PostId> = update
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::Removal { id, .. } => Some(id),
                Change::Post { .. } => None,
            })
            .collect();
        let draft = Draft::new(Kind::Delta, update.prev, update.cursor);
        draft.renders(posts, self.page.is_whole()).removals(removals).finish()
    }
}

impl Draft {
    fn posts(self, page: &Page, since: Version) -> Self {
        let renders = page.posts.changed_since(since);
        self.renders(renders, page.is_whole()).removals(page.posts.removed_since(since))
    }

    fn renders<'a>(self, posts: impl IntoIterator<Item = Post<'a>>, whole: bool) -> Self {
        posts.into_iter().fold(self, |draft, post| {
            // Where the page is not whole, a default place would sort the host's own posts below it.
            let sort = (whole || post.state.placed).then(|| post.sort());
            draft.render(post.id, post.html().is_some(), &post.content(), sort)
        })
    }
}

/// A cut at or below `version` that readers behind it share: the older, the coarser. Applying more than one lacks is harmless.
fn checkpoint(head: Version, version: Version) -> Version {
    let age = head.number().saturating_sub(version.number());
    let step = (age + 1).next_power_of_two() / 2;
    let number = version.number();
    Version::saturating(if step == 0 { number } else { number - number % step })
}
