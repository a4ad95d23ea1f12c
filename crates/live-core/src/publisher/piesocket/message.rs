//! What is sent: the JSON of Wagtail Live's publisher.

use std::borrow::Cow;

use indexmap::IndexMap;
use serde::Serialize;

use crate::{
    id::{ChannelId, PostId},
    update::{Render, Sort, Update},
};

/// A request's body: the account, and what goes to the readers as it is.
#[derive(Serialize)]
pub(super) struct Publication<'a> {
    key: &'a str,
    secret: &'a str,
    #[serde(rename = "channelId")]
    channel: &'a ChannelId,
    message: Message<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    renders: IndexMap<&'a PostId, RenderOut<'a>>,
    removals: Vec<&'a PostId>,
    /// For readers of Live's; the service's own know nothing of whole pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    reset: Option<bool>,
}

#[derive(Serialize)]
struct RenderOut<'a> {
    show: bool,
    content: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort: Option<Sort>,
}

impl<'a> Publication<'a> {
    pub(super) fn new(key: &'a str, secret: &'a str, channel: &'a ChannelId, update: &'a Update) -> Self {
        let message = Message {
            renders: update.renders().map(|render| (render.id(), RenderOut::of(render))).collect(),
            removals: update.removals().collect(),
            reset: update.is_replace().then_some(true),
        };
        Self { key, secret, channel, message }
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        // Ids, text and numbers: JSON can say all of it.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl<'a> RenderOut<'a> {
    fn of(render: &'a Render) -> Self {
        let content = match render.html() {
            Some(html) => Cow::Borrowed(html),
            // The original's browser code shows `undefined` where there is none, and would not find the post again.
            None => Cow::Owned(format!("<div data-post-id=\"{}\" hidden></div>", render.id())),
        };
        Self { show: render.html().is_some(), content, sort: render.sort }
    }
}
