//! A frame, with everything checked that must hold for each of them.

use std::{collections::HashSet, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

/// One frame.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Frame {
    #[serde(deserialize_with = "in_order")]
    pub(crate) renders: Vec<(String, Render)>,
    pub(crate) removals: Vec<String>,
    pub(crate) cursor: Cursor,
    pub(crate) prev: Cursor,
    #[serde(default)]
    pub(crate) reset: bool,
    #[serde(default)]
    pub(crate) reload: bool,
    #[serde(default)]
    pub(crate) stale: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Render {
    pub(crate) show: bool,
    pub(crate) content: String,
    pub(crate) sort: Option<u64>,
}

/// `<epoch>-<version>`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) epoch: String,
    pub(crate) version: u64,
}

impl Frame {
    /// # Panics
    /// If the frame is not as the protocol says that every frame is.
    pub(crate) fn parse(json: &[u8]) -> Self {
        let frame: Self =
            serde_json::from_slice(json).unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(json)));
        let ids: HashSet<_> = frame.renders.iter().map(|(id, _)| id).chain(&frame.removals).collect();
        assert_eq!(ids.len(), frame.renders.len() + frame.removals.len(), "each id once: {frame:?}");
        let sorts: Vec<_> = frame.renders.iter().filter_map(|(_, render)| render.sort).collect();
        assert!(sorts.is_sorted(), "ascending by sort: {frame:?}");
        assert!(sorts.iter().all(|sort| *sort < 1 << 53));
        for (id, render) in &frame.renders {
            let hidden = format!("<div data-post-id=\"{id}\" hidden></div>");
            assert!(render.show || render.content == hidden, "hidden content: {frame:?}");
        }
        frame
    }

    /// Whether it is a hello or a heartbeat.
    pub(crate) fn is_empty(&self) -> bool {
        self.renders.is_empty() && self.removals.is_empty() && self.prev == self.cursor && !self.reset && !self.reload
    }

    /// The ids of its renders, in their order.
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.renders.iter().map(|(id, _)| id.as_str()).collect()
    }
}

/// A map in the order that it came in; a key that comes twice stays twice.
pub(crate) fn in_order<'de, D, V>(deserializer: D) -> Result<Vec<(String, V)>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    struct Pairs<V>(PhantomData<V>);

    impl<'de, V: Deserialize<'de>> Visitor<'de> for Pairs<V> {
        type Value = Vec<(String, V)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some(pair) = map.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }

    deserializer.deserialize_map(Pairs(PhantomData))
}

impl Cursor {
    /// # Panics
    /// If the text is not a cursor in its one spelling.
    pub(crate) fn parse(text: &str) -> Self {
        let (epoch, version) = text.split_once('-').unwrap_or_else(|| panic!("a cursor, not {text:?}"));
        let is_hex = epoch.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        assert!(epoch.len() == 16 && is_hex, "{text}");
        let cursor = Self { epoch: epoch.to_owned(), version: version.parse().unwrap() };
        assert!(cursor.version < 1 << 53 && cursor.to_string() == text, "{text}");
        cursor
    }
}

impl PartialEq<str> for Cursor {
    fn eq(&self, text: &str) -> bool {
        *self == Self::parse(text)
    }
}

impl PartialEq<String> for Cursor {
    fn eq(&self, text: &String) -> bool {
        *self == Self::parse(text)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.version)
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::parse(&text))
    }
}
