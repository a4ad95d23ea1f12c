//! What the reader has been shown of the page, so that it is told only what is new to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use super::frame::{Frame, Render};

/// The page as the reader knows it: no content, only what tells one render from another.
#[derive(Debug, Default)]
pub(crate) struct Page {
    posts: BTreeMap<String, Known>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// A hash of what was shown.
    Shown(u64),
    Hidden,
    Gone,
}

/// What a frame changes for the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    /// A post that was not there before, with its HTML.
    Added(&'a str, &'a str),
    /// A post that shows something else now.
    Edited(&'a str, &'a str),
    Hidden(&'a str),
    Removed(&'a str),
}

impl Page {
    /// Applies a frame: its renders from the lowest to the highest, then its removals. Applied again, it changes nothing.
    pub(crate) fn apply(&mut self, frame: &Frame, mut tell: impl FnMut(Change<'_>)) {
        if self.posts.len() > MAX_POSTS {
            self.posts.clear();
        }
        if frame.reset {
            self.forget_all_but(frame, &mut tell);
        }
        for (id, render) in in_order(frame) {
            self.render(id, render).into_iter().for_each(&mut tell);
        }
        for id in &frame.removals {
            let before = self.posts.insert(id.clone(), Known::Gone);
            // A reset lists what is gone for those who show it, not for those who never saw it.
            let was_there = before != Some(Known::Gone) && (before.is_some() || !frame.reset);
            was_there.then(|| tell(Change::Removed(id)));
        }
    }

    fn forget_all_but(&mut self, frame: &Frame, tell: &mut impl FnMut(Change<'_>)) {
        let kept: BTreeSet<&str> = frame.renders.keys().map(String::as_str).collect();
        for (id, known) in &mut self.posts {
            if *known != Known::Gone && !kept.contains(id.as_str()) {
                *known = Known::Gone;
                tell(Change::Removed(id));
            }
        }
    }

    fn render<'a>(&mut self, id: &'a str, render: &'a Render) -> Option<Change<'a>> {
        let now = if render.show { Known::Shown(digest(&render.content)) } else { Known::Hidden };
        let before = self.posts.insert(id.to_owned(), now);
        match before {
            _ if before == Some(now) => None,
            _ if now == Known::Hidden => Some(Change::Hidden(id)),
            None | Some(Known::Gone) => Some(Change::Added(id, &render.content)),
            Some(_) => Some(Change::Edited(id, &render.content)),
        }
    }
}

/// A terminal reads downwards, so the newest comes last. Keys of a JSON object come in no useful order where `sort` says another.
fn in_order(frame: &Frame) -> Vec<(&String, &Render)> {
    let mut renders: Vec<_> = frame.renders.iter().collect();
    renders.sort_by_key(|(_, render)| render.sort.unwrap_or_default());
    renders
}

fn digest(content: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish()
}

/// Ten pages of the greatest size (10,000 posts by default). A reader that forgets is told of an edit as of a new post.
const MAX_POSTS: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(page: &mut Page, frame: &str) -> Vec<String> {
        let mut lines = Vec::new();
        page.apply(&Frame::parse(frame).unwrap(), |change| lines.push(format!("{change:?}")));
        lines
    }

    #[test]
    fn a_reader_is_told_what_is_new_and_once() {
        let mut page = Page::default();
        let frame =
            r#"{"renders": {"b": {"content": "B", "sort": 2}, "a": {"content": "A", "sort": 1}}, "removals": ["z"]}"#;
        assert_eq!(told(&mut page, frame), [r#"Added("a", "A")"#, r#"Added("b", "B")"#, r#"Removed("z")"#]);
        assert!(told(&mut page, frame).is_empty());
        let edit = r#"{"renders": {"a": {"content": "A2"}, "b": {"show": false, "content": "<div hidden>"}}}"#;
        assert_eq!(told(&mut page, edit), [r#"Edited("a", "A2")"#, r#"Hidden("b")"#]);
        assert_eq!(told(&mut page, r#"{"renders": {"b": {"content": "B"}}}"#), [r#"Edited("b", "B")"#]);
        assert_eq!(told(&mut page, r#"{"removals": ["a"]}"#), [r#"Removed("a")"#]);
        assert_eq!(told(&mut page, r#"{"renders": {"a": {"content": "A2"}}}"#), [r#"Added("a", "A2")"#]);
    }

    #[test]
    fn after_a_reset_only_the_difference_is_told() {
        let mut page = Page::default();
        told(&mut page, r#"{"renders": {"a": {"content": "A"}, "b": {"content": "B"}, "c": {"content": "C"}}}"#);
        let reset = r#"{"reset": true, "renders": {"b": {"content": "B"}, "c": {"content": "C2"}, "d": {"content": "D"}}, "removals": ["a", "y"]}"#;
        assert_eq!(told(&mut page, reset), [r#"Removed("a")"#, r#"Edited("c", "C2")"#, r#"Added("d", "D")"#]);
        assert!(told(&mut page, reset).is_empty());
    }

    #[test]
    fn a_conflated_frame_tells_the_newest_of_what_it_stands_for() {
        let mut page = Page::default();
        told(&mut page, r#"{"renders": {"a": {"content": "1"}}}"#);
        assert_eq!(told(&mut page, r#"{"renders": {"a": {"content": "3"}}, "removals": ["b"]}"#).len(), 2);
    }
}
