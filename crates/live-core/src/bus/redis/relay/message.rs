//! What a message says of an update: Wagtail Live's own JSON.

use indexmap::IndexMap;
use serde::Serialize;

use crate::{
    id::PostId,
    update::{Item, Render, Sort, Update, UpdateError},
};

/// Why a message is skipped. It says nothing of what is in the message, because it is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MessageError {
    #[error("the message has {bytes} bytes (limit: {max})")]
    TooLarge { bytes: usize, max: usize },
    #[error("the message is not UTF-8")]
    NotUtf8,
    #[error("the message is not JSON")]
    NotJson,
    #[error("the message is not the JSON of an update")]
    NotAnUpdate,
    #[error("the message is too short")]
    TooShort,
    #[error("the message cannot be decrypted: it has another key, or is older than the expiry")]
    NotDecrypted,
    #[error("the message is not MessagePack")]
    NotMessagePack,
    #[error("the message is no event of Wagtail Live")]
    NotAnEvent,
}

/// Parses a message, without the content of hidden posts.
pub(crate) fn decode(message: &[u8], max: usize) -> Result<Update, MessageError> {
    if message.len() > max {
        return Err(MessageError::TooLarge { bytes: message.len(), max });
    }
    Update::from_json(message).map_err(|error| match error {
        UpdateError::NotUtf8(_) => MessageError::NotUtf8,
        UpdateError::Json(error) if error.is_syntax() || error.is_eof() => MessageError::NotJson,
        _ => MessageError::NotAnUpdate,
    })
}

/// The JSON of the original's publishers.
pub(crate) fn encode(update: &Update) -> Vec<u8> {
    // An update has nothing that JSON cannot say.
    serde_json::to_vec(&Message::new(None, update)).unwrap_or_default()
}

/// What the original's publishers send. What they do not know (`sort`, `rev`, `reset`) is beside it, where their readers ignore it.
#[derive(Serialize)]
pub(crate) struct Message<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    renders: IndexMap<&'a PostId, RenderOut<'a>>,
    removals: Vec<RemovalOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset: Option<bool>,
}

impl<'a> Message<'a> {
    /// `kind` is what it is called on a bus that has others as well.
    pub(crate) fn new(kind: Option<&'static str>, update: &'a Update) -> Self {
        let mut renders = IndexMap::new();
        let mut removals = Vec::new();
        for (id, item) in update.items() {
            match item {
                Item::Render(render) => {
                    renders.insert(id, RenderOut::of(render));
                }
                Item::Removal { rev } => {
                    // The original's browser code takes strings only, and passes over what it does not find; to Live the last one counts.
                    removals.push(RemovalOut::Id(id));
                    removals.extend(rev.map(|rev| RemovalOut::WithRev { id, rev }));
                }
            }
        }
        Self { kind, renders, removals, reset: update.is_replace().then_some(true) }
    }
}

#[derive(Serialize)]
struct RenderOut<'a> {
    show: bool,
    content: std::borrow::Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort: Option<Sort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rev: Option<u64>,
}

impl<'a> RenderOut<'a> {
    fn of(render: &'a Render) -> Self {
        let content = match render.html() {
            Some(html) => html.into(),
            // The original's browser code shows `undefined` where there is none, and would not find the post again.
            None => format!("<div data-post-id=\"{}\" hidden></div>", render.id()).into(),
        };
        Self { show: render.html().is_some(), content, sort: render.sort, rev: render.rev }
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

    const MAX: usize = 1 << 20;

    fn id(id: &str) -> PostId {
        PostId::new(id).unwrap()
    }

    #[test]
    fn what_the_original_publishes_is_read() {
        // As Python's `json.dumps` writes it.
        let message = br#"{"renders": {"d943e339-4f68": {"show": true, "content": "\n\n<div class=\"live-post\" data-post-id=\"d943e339-4f68\">\u00dcn <b>&quot;1&quot;</b></div>"}}, "removals": ["3"]}"#;
        let update = decode(message, MAX).unwrap();
        let render = update.renders().next().unwrap();
        let html = "\n\n<div class=\"live-post\" data-post-id=\"d943e339-4f68\">Ün <b>&quot;1&quot;</b></div>";
        assert_eq!(render.html(), Some(html));
        assert_eq!(update.removals().map(PostId::as_str).collect::<Vec<_>>(), ["3"]);
    }

    #[test]
    fn what_live_publishes_has_the_originals_shape() {
        let update = Update::new().render(Render::new(id("7"), "Ü")).render(Render::hidden(id("8"))).remove(id("3"));
        let expected = concat!(
            r#"{"renders":{"7":{"show":true,"content":"<div data-post-id=\"7\">Ü</div>"},"#,
            r#""8":{"show":false,"content":"<div data-post-id=\"8\" hidden></div>"}},"removals":["3"]}"#
        );
        assert_eq!(String::from_utf8(encode(&update)).unwrap(), expected);
        assert_eq!(String::from_utf8(encode(&Update::new())).unwrap(), r#"{"renders":{},"removals":[]}"#);
    }

    #[test]
    fn live_reads_back_everything_that_it_published() {
        let updates = [
            Update::new()
                .render(Render::new(id("b"), "<b>\"1\"</b>").sort(Sort::pinned(2)).rev(9))
                .render(Render::hidden(id("a")))
                .remove(id("c"))
                .remove_rev(id("d"), 4),
            Update::replace([Render::new(id("a"), "x"), Render::new(id("b"), "y")]),
        ];
        for update in updates {
            assert_eq!(decode(&encode(&update), MAX).unwrap(), update);
        }
    }

    #[test]
    fn bad_messages_are_told_apart_without_a_word_of_what_is_in_them() {
        let secret = r#"{"renders": {"a": {"show": "secret", "content": "secret"}}}"#;
        for (message, expected) in [
            (&b"secret"[..], MessageError::NotJson),
            (b"{\"renders\": {}", MessageError::NotJson),
            (b"", MessageError::NotJson),
            (b"{\"removals\": [\"secret\xff\"]}", MessageError::NotUtf8),
            (b"[\"secret\"]", MessageError::NotAnUpdate),
            (secret.as_bytes(), MessageError::NotAnUpdate),
            (&[b' '; 100], MessageError::TooLarge { bytes: 100, max: 99 }),
        ] {
            let error = decode(message, 99).unwrap_err();
            assert_eq!(error, expected);
            assert!(!error.to_string().contains("secret"));
        }
    }
}
