//! The JSON of an update: the wire's own, as publishers send it.

use std::{fmt, marker::PhantomData, sync::Arc};

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};

use super::{Item, Render, Replace, Sort, Update, UpdateError};
use crate::id::PostId;

impl<'de> Deserialize<'de> for Sort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Publishers in JavaScript or Python send 5.0 as readily as 5.
        let number = f64::deserialize(deserializer)?;
        if number.fract() != 0.0 || !(0.0..9_007_199_254_740_992.0).contains(&number) {
            return Err(de::Error::custom(UpdateError::Sort));
        }
        Ok(Self(number as u64))
    }
}

/// Reads a JSON object. What serde derives for a struct takes an array as well.
fn from_map<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(MapVisitor(PhantomData))
}

struct MapVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for MapVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(de::value::MapAccessDeserializer::new(map))
    }
}

struct Map<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Map<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_map(deserializer).map(Self)
    }
}

/// One render as JSON; the id is its key.
#[derive(Deserialize)]
struct RenderJson {
    #[serde(default = "shown")]
    show: bool,
    #[serde(default)]
    content: Option<Arc<str>>,
    #[serde(default)]
    sort: Option<Sort>,
    #[serde(default)]
    rev: Option<u64>,
}

fn shown() -> bool {
    true
}

impl RenderJson {
    fn into_render<E: de::Error>(self, id: PostId) -> Result<Render, E> {
        let html = match (self.show, self.content) {
            (false, _) => None,
            (true, Some(html)) => Some(html),
            (true, None) => return Err(E::custom(format_args!("post {id:?} has no content"))),
        };
        Ok(Render { id, html, sort: self.sort, rev: self.rev })
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a removal is a post id or {\"id\": …, \"rev\": …}")]
enum RemovalJson {
    Id(PostId),
    WithRev { id: PostId, rev: Option<u64> },
}

#[derive(Deserialize)]
struct UpdateJson {
    #[serde(default)]
    renders: Renders,
    #[serde(default)]
    removals: Vec<RemovalJson>,
    #[serde(default)]
    reset: bool,
}

impl<'de> Deserialize<'de> for Update {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json: UpdateJson = from_map(deserializer)?;
        let mut items = json.renders.0;
        for removal in json.removals {
            let (id, rev) = match removal {
                RemovalJson::Id(id) => (id, None),
                RemovalJson::WithRev { id, rev } => (id, rev),
            };
            if matches!(items.get(&id), Some(Item::Render(_))) {
                return Err(de::Error::custom(format_args!("post {id:?} is both rendered and removed")));
            }
            items.insert(id, Item::Removal { rev });
        }
        Ok(Self { items, replace: json.reset.then_some(Replace::Always) })
    }
}

/// The `renders` map in the order it came in, each id once.
#[derive(Default)]
struct Renders(IndexMap<PostId, Item>);

impl<'de> Deserialize<'de> for Renders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RendersVisitor)
    }
}

struct RendersVisitor;

impl<'de> de::Visitor<'de> for RendersVisitor {
    type Value = Renders;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from post id to render")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Renders, A::Error> {
        let mut items = IndexMap::new();
        while let Some((id, render)) = map.next_entry::<PostId, Map<RenderJson>>()? {
            let item = Item::Render(render.0.into_render(id.clone())?);
            if items.insert(id.clone(), item).is_some() {
                return Err(de::Error::custom(format_args!("post {id:?} is rendered twice")));
            }
        }
        Ok(Renders(items))
    }
}

impl Serialize for Update {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let renders: IndexMap<&PostId, RenderOut<'_>> =
            self.renders().map(|render| (&render.id, RenderOut(render))).collect();
        let removals: Vec<RemovalOut<'_>> = self
            .items
            .iter()
            .filter_map(|(id, item)| match item {
                Item::Removal { rev: None } => Some(RemovalOut::Id(id)),
                Item::Removal { rev: Some(rev) } => Some(RemovalOut::WithRev { id, rev: *rev }),
                Item::Render(_) => None,
            })
            .collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("renders", &renders)?;
        map.serialize_entry("removals", &removals)?;
        if self.is_replace() {
            map.serialize_entry("reset", &true)?;
        }
        map.end()
    }
}

struct RenderOut<'a>(&'a Render);

impl Serialize for RenderOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("show", &self.0.html().is_some())?;
        if let Some(html) = self.0.html() {
            map.serialize_entry("content", html)?;
        }
        if let Some(sort) = self.0.sort {
            map.serialize_entry("sort", &sort)?;
        }
        if let Some(rev) = self.0.rev {
            map.serialize_entry("rev", &rev)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum RemovalOut<'a> {
    Id(&'a PostId),
    WithRev { id: &'a PostId, rev: u64 },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Update, String> {
        Update::from_json(json.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_wagtail_live_puts_on_its_bus_parses_whatever_the_key_order() {
        let update = parse(r#"{"removals": ["a"], "extra": 1, "renders": {"b": {"content": "<div data-post-id=\"b\"></div>", "show": true}, "c": {"show": false, "content": "secret"}}}"#).unwrap();
        let ids: Vec<_> = update.renders().map(|render| render.id().as_str()).collect();
        assert_eq!(ids, ["b", "c"]);
        assert_eq!(update.removals().map(PostId::as_str).collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn hidden_content_is_dropped_at_parsing() {
        for json in [
            r#"{"renders": {"a": {"show": false, "content": "secret"}}}"#,
            r#"{"renders": {"a": {"content": "secret", "show": false}}}"#,
        ] {
            let update = parse(json).unwrap();
            assert!(!format!("{update:?}").contains("secret"));
        }
    }

    #[test]
    fn bad_bodies_are_told_apart() {
        for (json, message) in [
            ("", "EOF"),
            ("[]", "invalid type"),
            (r#"{"renders": {"a": []}}"#, "invalid type"),
            (r#"{"renders": []}"#, "a map from post id to render"),
            (r#"{"renders": {"a": {"content": "x", "show": "true"}}}"#, "expected a boolean"),
            (r#"{"renders": {"a": {"content": "x", "show": 1}}}"#, "expected a boolean"),
            (r#"{"renders": {"a": {"show": true}}}"#, "post \"a\" has no content"),
            (r#"{"renders": {"a": {"content": 5}}}"#, "expected a string"),
            (r#"{"renders": {"a": {"content": "x"}, "a": {"content": "y"}}}"#, "rendered twice"),
            (r#"{"renders": {"a": {"content": "x", "content": "y"}}}"#, "duplicate field"),
            (r#"{"renders": {}, "renders": {}}"#, "duplicate field"),
            (r#"{"renders": {"a": {"content": "x"}}, "removals": ["a"]}"#, "both rendered and removed"),
            (r#"{"renders": {"": {"content": "x"}}}"#, "post id is empty"),
            (r#"{"removals": [null]}"#, "a removal is a post id"),
            (r#"{"removals": [5.5]}"#, "a removal is a post id"),
            (r#"{"renders": {"a": {"content": "x", "sort": 9007199254740992}}}"#, "sort must be"),
            (r#"{"renders": {"a": {"content": "x", "sort": -1}}}"#, "sort must be"),
            (r#"{"renders": {"a": {"content": "x", "sort": 1.5}}}"#, "sort must be"),
            (r#"{"renders": {"a": {"content": "x", "sort": 1e999}}}"#, "out of range"),
            (r#"{"renders": {"a": {"content": "\ud800"}}}"#, "hex escape"),
            ("{\"renders\": {\"a\": {\"content\": \"x\"}}} x", "trailing characters"),
        ] {
            let error = parse(json).expect_err(json);
            assert!(error.contains(message), "{json}: {error}");
        }
        assert!(Update::from_json(b"{\"removals\": [\"\xff\"]}").is_err());
    }

    #[test]
    fn removals_may_be_numbers_or_carry_a_rev_and_repeat() {
        let update = parse(r#"{"removals": [7, {"id": 8, "rev": 3}, 7]}"#).unwrap();
        assert_eq!(update.removals().map(PostId::as_str).collect::<Vec<_>>(), ["7", "8"]);
    }

    #[test]
    fn an_update_survives_its_own_json() {
        let id = |id: &str| PostId::new(id).unwrap();
        let update = Update::new()
            .render(Render::new(id("b"), "ü <b>\"1\"</b>").sort(Sort::pinned(2)).rev(9))
            .render(Render::hidden(id("a")))
            .remove(id("c"))
            .remove_rev(id("d"), 4);
        assert_eq!(parse(&serde_json::to_string(&update).unwrap()).unwrap(), update);
    }

    #[test]
    fn deep_nesting_in_unknown_fields_does_not_exhaust_the_stack() {
        let deep = format!("{{\"x\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(parse(&deep).is_ok());
    }
}
