//! The tables of a file. A key that is not known is an error.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::bytes::Bytes;

/// The route that a case is about: it runs on the adapters that have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Route {
    WebSocket,
    Http,
    Publish,
    Sse,
    /// Every one that the adapter has.
    Any,
}

/// One request, as it goes over the wire.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    /// All of it, in place of `line`, `headers` and `body`.
    pub(super) raw: Option<Bytes>,
    pub(super) line: Option<Bytes>,
    #[serde(default)]
    pub(super) headers: Vec<Bytes>,
    #[serde(default)]
    pub(super) body: Bytes,
    #[serde(default)]
    pub(super) then: Then,
}

/// What the client does once it has sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Then {
    #[default]
    Wait,
    /// Ends its half of the connection.
    HalfClose,
    /// Ends the connection with a reset.
    Reset,
}

/// A reader who is there already.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Held {
    pub(super) line: Bytes,
    pub(super) headers: Vec<Bytes>,
    pub(super) status: u16,
}

/// A request to publish to the page, with the headers that belong to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Publish {
    pub(super) body: Bytes,
    #[serde(default)]
    pub(super) headers: Vec<Bytes>,
}

/// The answer to a request. It is the only one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    pub(super) status: Statuses,
    /// Headers that it has, by name.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// Headers that are lists, and an item of each in whatever case.
    #[serde(default)]
    pub(super) lists: BTreeMap<String, String>,
    /// Headers that it has not.
    #[serde(default)]
    pub(super) absent: Vec<String>,
    /// What the body says somewhere.
    pub(super) text: Option<String>,
    pub(super) connection: Option<Connection>,
}

/// What has to become of the connection; without it, either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Connection {
    GoesOn,
    Ends,
}

/// The answers that are allowed.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a status, \"closed\" or a list of them")]
pub(super) enum Statuses {
    One(Status),
    Several(Vec<Status>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a status or \"closed\"")]
pub(super) enum Status {
    Code(u16),
    None(NoAnswer),
}

/// The connection ends without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum NoAnswer {
    Closed,
}

impl Statuses {
    pub(super) fn allow(&self, status: Option<u16>) -> bool {
        let status = status.map_or(Status::None(NoAnswer::Closed), Status::Code);
        match self {
            Self::One(one) => *one == status,
            Self::Several(several) => several.contains(&status),
        }
    }
}

/// What a reader sends on its WebSocket, and what it gets.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Frames {
    #[serde(default)]
    pub(super) send: Bytes,
    #[serde(default)]
    pub(super) how: How,
    #[serde(default)]
    pub(super) then: Then,
    #[serde(default)]
    pub(super) pongs: Pongs,
    /// The close code; without it the connection goes on.
    pub(super) close: Option<u16>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum How {
    #[default]
    AtOnce,
    ByteByByte,
    /// Right behind the request, before its answer.
    WithTheHandshake,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a number of pongs or a list of their payloads")]
pub(super) enum Pongs {
    Count(usize),
    Payloads(Vec<Bytes>),
}

impl Default for Pongs {
    fn default() -> Self {
        Self::Count(0)
    }
}

/// What has changed on the page; what is not named here has not.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageAfter {
    /// Post id to content.
    #[serde(default)]
    pub(super) changed: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) hidden: Vec<String>,
    #[serde(default)]
    pub(super) removed: Vec<String>,
    /// The ids of all posts, from the top.
    pub(super) order: Option<Vec<String>>,
}

/// A channel as the paths of all routes carry it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Channel {
    pub(super) segment: Bytes,
    /// Follows a question mark.
    pub(super) query: Option<String>,
    /// The channel id that it comes to.
    pub(super) names: Option<Bytes>,
    /// The statuses with which it is refused instead.
    pub(super) refused: Option<Statuses>,
    /// Segments of other channels.
    #[serde(default)]
    pub(super) apart: Vec<Bytes>,
}

/// A cursor as all ways to join carry it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cursor {
    /// The parameter `cursor`, which the runner percent-encodes, and as it is `Last-Event-ID` where a header can carry it.
    pub(super) value: Option<Bytes>,
    /// The query as it is, in place of `value`.
    pub(super) query: Option<Bytes>,
    /// `Last-Event-ID`, of Server-Sent Events alone.
    pub(super) last_event_id: Option<Bytes>,
    #[serde(default)]
    pub(super) page: Page,
    pub(super) gets: Gets,
}

/// Whether the server holds the whole page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Page {
    #[default]
    Whole,
    Part,
}

/// What a reader who joins gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Gets {
    /// The whole page in place of what it shows.
    Reset,
    /// The word to fetch the page's HTML again.
    Reload,
    /// What was published within the grace.
    Recent,
    /// What was published after `{late}`.
    Changes,
    /// Every post of a page that is not held whole.
    Everything,
    /// Nothing new.
    Nothing,
}

/// The HTML of a post, which every transport brings as it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Post {
    #[serde(default = "post")]
    pub(super) id: String,
    /// Within the post's own element.
    pub(super) html: Bytes,
}

fn post() -> String {
    "1".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_allow_what_they_name_and_nothing_else() {
        let several = Statuses::Several(vec![Status::Code(400), Status::Code(431), Status::None(NoAnswer::Closed)]);
        assert!(several.allow(Some(400)) && several.allow(Some(431)) && several.allow(None));
        assert!(!several.allow(Some(200)));
        assert!(!Statuses::One(Status::Code(400)).allow(None));
    }
}
