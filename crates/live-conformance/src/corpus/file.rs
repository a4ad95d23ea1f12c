//! What a file of the corpus may say. A key that is not known is an error.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{bytes::Bytes, settings::Settings};

/// One case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// What is wrong with the input, or why it is not.
    why: String,
    /// Where that is written.
    #[serde(rename = "ref")]
    reference: String,
    pub(super) route: Route,
    #[serde(default)]
    pub(super) config: Settings,
    /// Readers on connections of their own, who stay until the case is over.
    #[serde(default)]
    pub(super) held: Vec<Held>,
    request: Option<Request>,
    publish: Option<Publish>,
    answer: Option<Answer>,
    frames: Option<Frames>,
    page: Option<PageAfter>,
    channel: Option<Channel>,
    cursor: Option<Cursor>,
    post: Option<Post>,
}

/// What is sent, and what has to come of it.
#[derive(Debug)]
pub(super) enum Action {
    Request(Request, Answer, Option<Frames>, PageAfter),
    Publish(Publish, Answer, PageAfter),
    Frames(Frames),
    Channel(Channel),
    Cursor(Cursor),
    Post(Post),
}

impl File {
    /// The file and its action, of which there is one.
    pub(super) fn parse(text: &str) -> Result<(Self, Action), String> {
        let mut file: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if file.why.trim().is_empty() || file.reference.trim().is_empty() {
            return Err("why and ref are not to be empty".to_owned());
        }
        let action = file.take_action().ok_or("the tables of the file do not make one action (corpus/README.md)")?;
        Ok((file, action))
    }

    fn take_action(&mut self) -> Option<Action> {
        let page = self.page.take();
        let parts = (
            self.request.take(),
            self.publish.take(),
            self.answer.take(),
            self.frames.take(),
            self.channel.take(),
            self.cursor.take(),
            self.post.take(),
        );
        let action = match parts {
            (Some(request), None, Some(answer), frames, None, None, None) => {
                return Some(Action::Request(request, answer, frames, page.unwrap_or_default()));
            }
            (None, Some(publish), Some(answer), None, None, None, None) => {
                return Some(Action::Publish(publish, answer, page.unwrap_or_default()));
            }
            (None, None, None, Some(frames), None, None, None) => Action::Frames(frames),
            (None, None, None, None, Some(channel), None, None) => Action::Channel(channel),
            (None, None, None, None, None, Some(cursor), None) => Action::Cursor(cursor),
            (None, None, None, None, None, None, Some(post)) => Action::Post(post),
            _ => return None,
        };
        page.is_none().then_some(action)
    }
}

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

    const HEAD: &str = "why = \"w\"\nref = \"r\"\nroute = \"any\"\n";

    fn error(rest: &str) -> String {
        File::parse(&format!("{HEAD}{rest}")).map(|(_, action)| action).expect_err(rest)
    }

    #[test]
    fn a_key_that_is_not_known_is_an_error() {
        for rest in [
            "whi = \"w\"\n[post]\nhtml = \"x\"",
            "[post]\nhtml = \"x\"\ncontent = \"x\"",
            "[request]\nlines = \"x\"\n[answer]\nstatus = 200",
            "[request]\nline = \"x\"\n[answer]\nstate = 200",
            "[request]\nline = \"x\"\n[answer]\nstatus = 200\nheader = {}",
            "[publish]\nbody = \"x\"\nheader = []\n[answer]\nstatus = 200",
            "[publish]\nbody = \"x\"\n[answer]\nstatus = 200\n[page]\nchange = {}",
            "[frames]\nsend = \"x\"\nclosed = 1002",
            "[channel]\nsegment = \"x\"\nname = \"x\"",
            "[cursor]\nvalue = \"x\"\ngets = \"reset\"\nget = \"reset\"",
            "[config]\nmax_header = 5\n[post]\nhtml = \"x\"",
        ] {
            assert!(error(rest).contains("unknown field"), "{}", error(rest));
        }
        error("[frames]\nsend = { hexx = \"00\" }");
    }

    #[test]
    fn a_value_that_is_not_known_is_an_error() {
        for rest in [
            "[cursor]\nvalue = \"x\"\ngets = \"resets\"",
            "[request]\nline = \"x\"\n[answer]\nstatus = \"close\"",
            "[request]\nline = \"x\"\n[answer]\nstatus = []\nconnection = \"end\"",
            "[frames]\nhow = \"at once\"",
            "[frames]\nclose = 70000",
        ] {
            error(rest);
        }
        assert!(File::parse("why = \"w\"\nref = \"r\"\nroute = \"web\"\n[post]\nhtml = \"x\"").is_err());
        assert!(File::parse("why = \"\"\nref = \"r\"\nroute = \"any\"\n[post]\nhtml = \"x\"").is_err());
        assert!(File::parse("ref = \"r\"\nroute = \"any\"\n[post]\nhtml = \"x\"").is_err());
    }

    #[test]
    fn the_tables_of_a_file_make_one_action() {
        for rest in [
            "",
            "[request]\nline = \"x\"",
            "[answer]\nstatus = 200",
            "[post]\nhtml = \"x\"\n[frames]\nsend = \"x\"",
            "[post]\nhtml = \"x\"\n[page]",
            "[channel]\nsegment = \"x\"\n[answer]\nstatus = 200",
            "[publish]\nbody = \"x\"\n[frames]\nsend = \"x\"\n[answer]\nstatus = 200",
        ] {
            assert!(error(rest).contains("one action"), "{rest}");
        }
        let request = "[request]\nline = \"x\"\n[answer]\nstatus = [101, \"closed\"]\n[frames]\nclose = 1002";
        assert!(matches!(File::parse(&format!("{HEAD}{request}")), Ok((_, Action::Request(_, _, Some(_), _)))));
    }

    #[test]
    fn statuses_allow_what_they_name_and_nothing_else() {
        let several =
            Statuses::Several(vec![Status::Code(400), Status::Code(431), Status::None(NoAnswer::Closed)]);
        assert!(several.allow(Some(400)) && several.allow(Some(431)) && several.allow(None));
        assert!(!several.allow(Some(200)));
        assert!(!Statuses::One(Status::Code(400)).allow(None));
    }
}
