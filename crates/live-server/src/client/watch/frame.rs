//! A frame, and what a reader does with it.

use indexmap::IndexMap;
use live_core::{Cursor, Start};
use serde::Deserialize;

/// A frame as it came, apart from what a terminal cannot show. Unknown fields are ignored.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Frame {
    #[serde(default)]
    pub(crate) renders: IndexMap<String, Render>,
    #[serde(default)]
    pub(crate) removals: Vec<String>,
    /// Absent in frames of servers that know no cursors (Wagtail Live's own).
    pub(crate) cursor: Option<Cursor>,
    pub(crate) prev: Option<Cursor>,
    #[serde(default)]
    pub(crate) reset: bool,
    #[serde(default)]
    pub(crate) reload: bool,
    #[serde(default)]
    pub(crate) stale: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Render {
    #[serde(default = "shown")]
    pub(crate) show: bool,
    #[serde(default)]
    pub(crate) content: String,
    pub(crate) sort: Option<u64>,
}

fn shown() -> bool {
    true
}

/// What to do with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Apply,
    /// It brings nothing new.
    Drop,
    /// Something is missing between the reader and the frame.
    Reconnect,
}

impl Frame {
    /// Reads a message; anything but a frame is `None`, so that a proxy's words are not taken for an empty page.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Any {
            renders: Option<serde::de::IgnoredAny>,
            removals: Option<serde::de::IgnoredAny>,
            cursor: Option<serde::de::IgnoredAny>,
        }
        let any: Any = serde_json::from_str(text).ok()?;
        if any.renders.is_none() && any.removals.is_none() && any.cursor.is_none() {
            return None;
        }
        serde_json::from_str(text).ok()
    }

    /// `docs/protocol.md`, "Which frames to apply", for a reader at `own`. `*` is nowhere yet: it applies what comes.
    pub(crate) fn decide(&self, own: Start) -> Decision {
        let (Start::At(own), Some(cursor)) = (own, self.cursor) else { return Decision::Apply };
        if self.reset || self.reload || self.prev == Some(own) {
            return Decision::Apply;
        }
        let is_known = |cursor: Cursor| cursor.epoch == own.epoch && cursor.version <= own.version;
        match (is_known(cursor), self.prev.is_some_and(is_known)) {
            (true, _) => Decision::Drop,
            (false, true) => Decision::Apply,
            (false, false) => Decision::Reconnect,
        }
    }

    /// Whether it is a hello or a heartbeat.
    pub(crate) fn is_empty(&self) -> bool {
        self.renders.is_empty() && self.removals.is_empty() && !self.reset && !self.reload
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "00000000000000aa";
    const B: &str = "00000000000000bb";

    fn at(epoch: &str, version: u64) -> Start {
        Start::parse(Some(&format!("{epoch}-{version}")))
    }

    fn frame(prev: (&str, u64), cursor: (&str, u64), more: &str) -> Frame {
        let text = format!(
            r#"{{"renders": {{}}, "removals": [], "prev": "{}-{}", "cursor": "{}-{}"{more}}}"#,
            prev.0, prev.1, cursor.0, cursor.1
        );
        Frame::parse(&text).unwrap()
    }

    #[test]
    fn a_frame_is_applied_where_it_continues_or_overlaps() {
        assert_eq!(frame((A, 5), (A, 7), "").decide(at(A, 5)), Decision::Apply);
        assert_eq!(frame((A, 3), (A, 7), "").decide(at(A, 5)), Decision::Apply);
        assert_eq!(frame((A, 5), (B, 1), "").decide(at(A, 5)), Decision::Apply);
        assert_eq!(frame((A, 5), (A, 5), "").decide(at(A, 5)), Decision::Apply);
    }

    #[test]
    fn what_brings_nothing_new_is_dropped_and_what_leaves_a_gap_is_not_applied() {
        assert_eq!(frame((A, 3), (A, 5), "").decide(at(A, 5)), Decision::Drop);
        assert_eq!(frame((A, 6), (A, 7), "").decide(at(A, 5)), Decision::Reconnect);
        assert_eq!(frame((B, 1), (B, 7), "").decide(at(A, 5)), Decision::Reconnect);
        assert_eq!(frame((B, 7), (B, 7), "").decide(at(A, 5)), Decision::Reconnect);
    }

    #[test]
    fn a_reader_without_a_place_and_one_that_is_told_to_begin_anew_apply_what_comes() {
        for nowhere in [Start::Recent, Start::Everything] {
            assert_eq!(frame((B, 6), (B, 7), "").decide(nowhere), Decision::Apply);
        }
        for more in [", \"reset\": true", ", \"reload\": true"] {
            assert_eq!(frame((A, 1), (A, 2), more).decide(at(A, 5)), Decision::Apply);
        }
        let foreign = Frame::parse(r#"{"renders": {"1": {"content": "x"}}, "removals": []}"#).unwrap();
        assert_eq!(foreign.decide(at(A, 5)), Decision::Apply);
    }

    #[test]
    fn what_is_no_frame_is_not_one() {
        for text in ["", "<h1>502</h1>", "{}", "[]", "{\"error\": 1}", "{\"cursor\": \"soon\"}", "{\"removals\": 5}"] {
            assert!(Frame::parse(text).is_none(), "{text}");
        }
        assert!(frame((A, 1), (A, 1), ", \"later\": {}").is_empty());
        assert!(!frame((A, 1), (A, 1), ", \"reset\": true").is_empty());
    }
}
