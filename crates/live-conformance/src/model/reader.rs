//! A reader that applies frames by the rule of `docs/protocol.md`, "Which frames to apply".

use super::{Cursor, Frame, Post, Shown};

/// What an open page shows, and where it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reader {
    pub(crate) cursor: Option<Cursor>,
    pub(crate) shown: Shown,
    pub(crate) resets: usize,
    /// The server asked for the page's HTML; a case that allows for it calls [`Reader::reload`].
    pub(crate) wants_reload: bool,
}

/// The number of the edit, in posts whose HTML has `data-edit="NUMBER"`.
fn edit(content: &str) -> Option<u64> {
    content.split_once("data-edit=\"")?.1.split_once('"')?.0.parse().ok()
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applied {
    Yes,
    NothingNew,
    /// The reader has to reconnect.
    Foreign,
}

impl Reader {
    /// A page whose HTML has this cursor and shows this.
    pub(crate) fn of_html(cursor: &str, shown: Shown) -> Self {
        Self { cursor: Some(Cursor::parse(cursor)), shown, ..Self::default() }
    }

    /// The cursor as a request carries it.
    pub(crate) fn start(&self) -> Option<String> {
        self.cursor.as_ref().map(Cursor::to_string)
    }

    pub(crate) fn apply(&mut self, frame: &Frame) -> Applied {
        match self.judge(frame) {
            Applied::Yes => {}
            other => return other,
        }
        if frame.reset {
            self.resets += 1;
            self.shown.posts.clear();
        }
        self.wants_reload |= frame.reload;
        for (id, render) in &frame.renders {
            let kept = self.shown.posts.get(id).and_then(|post| post.sort);
            if let Some(shown) = self.shown.posts.get(id) {
                assert!(edit(&shown.content) <= edit(&render.content), "{id} goes backwards: {shown:?} {render:?}");
            }
            let post = Post { show: render.show, content: render.content.clone(), sort: render.sort.or(kept) };
            self.shown.posts.insert(id.clone(), post);
        }
        for id in &frame.removals {
            self.shown.posts.remove(id);
        }
        self.cursor = Some(frame.cursor.clone());
        Applied::Yes
    }

    fn judge(&self, frame: &Frame) -> Applied {
        let Some(own) = self.cursor.as_ref().filter(|_| !frame.reset && !frame.reload) else { return Applied::Yes };
        if frame.cursor.epoch == own.epoch && frame.cursor.version <= own.version {
            return Applied::NothingNew;
        }
        let continues = frame.prev == *own;
        let overlaps = frame.prev.epoch == own.epoch && frame.prev.version <= own.version;
        if continues || overlaps { Applied::Yes } else { Applied::Foreign }
    }

    /// Fetches the page's HTML again.
    pub(crate) fn reload(&mut self, cursor: &str, shown: Shown) {
        *self = Self { resets: self.resets, ..Self::of_html(cursor, shown) };
    }

    pub(crate) fn is_at(&self, cursor: &str) -> bool {
        self.cursor.as_ref().is_some_and(|own| own == cursor)
    }
}
