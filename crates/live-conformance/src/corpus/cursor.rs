//! A cursor in every way to join: what it gets, and that the next update follows.

use std::{fmt, time::Duration};

use live_core::{Config, Update};

use super::{
    exchange::Outcome,
    file::Action,
    tables::{Cursor, Gets, Page},
};
use crate::{
    adapter::Routes,
    client::{EventStream, WebSocket, Wire},
    model::{Applied, Frame, Reader, Shown},
    server::{SetClock, TestServer, removal, render},
};

/// Cursors are made in the course of hours, so their server has a clock that can be set.
pub(super) fn with_clock(config: Config, action: &Action) -> (Config, SetClock) {
    let clock = SetClock::new();
    match action {
        Action::Cursor(_) => (Config { clock: clock.clock(), ..config }, clock),
        _ => (config, clock),
    }
}

pub(super) async fn run(server: &TestServer, routes: Routes, cursor: &Cursor, clock: &SetClock) -> Outcome {
    let history = History::make(server, cursor.page, clock).await;
    let values = history.values();
    let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut joined = Vec::new();
    for way in Way::of(routes, cursor, &values) {
        let connection = way.join(server).await;
        history.judge(cursor.gets, &way, connection.first.as_ref());
        joined.push((way, connection));
    }
    let before = Shown::by(server, PAGE).await;
    server.post(PAGE, "next", "the next update").await;
    for (way, mut connection) in joined {
        let at = connection.first.as_ref().map_or(history.head.clone(), |frame| frame.cursor.to_string());
        let next = connection.next(server, &at).await;
        let mut reader = Reader::of_html(&at, before.clone());
        assert_eq!(reader.apply(&next), Applied::Yes, "{way:?}: {next:?}");
        assert_eq!(reader.shown.contents(), Shown::by(server, PAGE).await.contents(), "{way:?}: an update was lost");
    }
    Outcome::default()
}

/// The page that cursors are tried on; another one has the readers who have done nothing.
const PAGE: &str = "story";

/// What was published, and where the page was in between.
struct History {
    old: String,
    late: String,
    head: String,
    other: String,
    unpublished: String,
}

impl History {
    async fn make(server: &TestServer, page: Page, clock: &SetClock) -> Self {
        let posts = ["a", "b", "c"].map(|id| render(id, "seeded"));
        match page {
            Page::Whole => server.publish(PAGE, Update::replace(posts)).await,
            Page::Part => server.publish(PAGE, posts.into_iter().fold(Update::new(), Update::render)).await,
        };
        let old = server.publish(PAGE, removal("c")).await;
        let other = server.post("other", "x", "of another page").await;
        clock.pass(Duration::from_secs(3600));
        server.post(PAGE, "b", "edited").await;
        clock.pass(Duration::from_secs(3600));
        let late = server.post(PAGE, "d", "an hour later").await;
        clock.pass(Duration::from_secs(3600));
        server.post(PAGE, "e", "another hour later").await;
        clock.pass(Duration::from_secs(600));
        let head = server.post(PAGE, "f", "ten minutes later").await;
        Self { old, late, head, other, unpublished: server.cursor("nothing").await }
    }

    /// What the names in a file stand for.
    fn values(&self) -> Vec<(&'static str, String)> {
        let head = crate::model::Cursor::parse(&self.head);
        let other = crate::model::Cursor::parse(&self.other);
        vec![
            ("{old}", self.old.clone()),
            ("{late}", self.late.clone()),
            ("{head}", self.head.clone()),
            ("{other}", self.other.clone()),
            ("{unpublished}", self.unpublished.clone()),
            ("{epoch}", head.epoch.clone()),
            ("{EPOCH}", head.epoch.to_uppercase()),
            ("{other epoch}", other.epoch),
            ("{version}", head.version.to_string()),
            ("{next version}", (head.version + 1).to_string()),
        ]
    }

    fn judge(&self, gets: Gets, way: &Way, frame: Option<&Frame>) {
        let Some(frame) = frame else {
            return assert!(gets == Gets::Nothing && way.is_poll(), "{way:?} got nothing");
        };
        let ids = frame.ids();
        let is_delta = !frame.reset && !frame.reload;
        let is_right = match gets {
            Gets::Reset => frame.reset && ids == ["a", "b", "d", "e", "f"] && frame.removals == ["c"],
            Gets::Reload => frame.reload && ids.is_empty() && frame.removals.is_empty(),
            Gets::Everything => is_delta && ids == ["a", "b", "d", "e", "f"],
            Gets::Recent => is_delta && ids == ["f"] && frame.removals.is_empty(),
            // The frame may begin at the cursor's own update: frames are shared, and applying twice is harmless.
            Gets::Changes => {
                is_delta && ids.strip_prefix(&["d"]).unwrap_or(&ids) == ["e", "f"] && frame.removals.is_empty()
            }
            Gets::Nothing => frame.is_empty() && !way.is_poll(),
        };
        assert!(is_right && frame.cursor == self.head, "{way:?} gets {gets:?}, not {frame:?}");
    }
}

/// A way to join, as a request without its method.
enum Way {
    WebSocket(Vec<u8>),
    Events(Vec<u8>),
    Poll(Vec<u8>),
}

impl Way {
    /// Every way that the adapter has and that the file speaks of.
    fn of(routes: Routes, cursor: &Cursor, values: &[(&str, &str)]) -> Vec<Self> {
        let value = cursor.value.as_ref().map(|value| value.with(values));
        let query = match (&value, &cursor.query) {
            (Some(value), None) => [b"cursor=", &encoded(value)[..]].concat(),
            (None, Some(query)) => query.with(values),
            (None, None) => Vec::new(),
            (Some(_), Some(_)) => panic!("a cursor has either a value or a query"),
        };
        let target = |route: &str, rest: &[u8]| {
            let mark: &[u8] = if query.is_empty() && rest.is_empty() { b"" } else { b"?" };
            [route.as_bytes(), b"/story/", mark, &query, rest].concat()
        };
        let id = cursor.last_event_id.as_ref().map(|id| id.with(values));
        if let Some(id) = id {
            return vec![Self::Events(request(
                &target("/events", b""),
                &[b"Last-Event-ID: ", &id[..], b"\r\n"].concat(),
            ))];
        }
        let mut ways = vec![Self::WebSocket(request(&target("/ws/channel", b""), HANDSHAKE))];
        if routes == Routes::WebSocket {
            return ways;
        }
        ways.push(Self::Events(request(&target("/events", b""), b"")));
        ways.push(Self::Poll(request(&target("/updates", b""), b"")));
        ways.push(Self::Poll(request(&target("/updates", b"&wait=0.05"), b"")));
        if let Some(value) = value.filter(|value| fits_a_header(value)) {
            let header = [b"Last-Event-ID: ", &value[..], b"\r\n"].concat();
            ways.push(Self::Events(request(b"/events/story/?cursor=0000000000000000-1", &header)));
        }
        ways
    }

    fn is_poll(&self) -> bool {
        matches!(self, Self::Poll(_))
    }

    fn request(&self) -> &[u8] {
        let (Self::WebSocket(request) | Self::Events(request) | Self::Poll(request)) = self;
        request
    }

    async fn join(&self, server: &TestServer) -> Connection {
        let mut wire = Wire::connect(server).await;
        wire.send([b"GET ", server.prefix.as_bytes(), self.request()].concat()).await;
        match self {
            Self::WebSocket(_) => {
                let mut socket = WebSocket::begin(wire).await.unwrap();
                Connection { first: Some(socket.frame().await), stream: Stream::WebSocket(socket) }
            }
            Self::Events(_) => {
                let mut events = EventStream::begin(wire).await.unwrap();
                Connection { first: Some(events.frame().await), stream: Stream::Events(events) }
            }
            Self::Poll(_) => Connection { first: polled(&mut wire).await, stream: Stream::Poll(wire) },
        }
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.request()))
    }
}

/// A reader who has joined.
struct Connection {
    /// What it got first; a poll may get nothing.
    first: Option<Frame>,
    stream: Stream,
}

enum Stream {
    WebSocket(WebSocket),
    Events(EventStream),
    Poll(Wire),
}

impl Connection {
    async fn next(&mut self, server: &TestServer, cursor: &str) -> Frame {
        match &mut self.stream {
            Stream::WebSocket(socket) => socket.frame().await,
            Stream::Events(events) => events.frame().await,
            Stream::Poll(wire) => {
                let target = format!("{}/updates/story/?cursor={cursor}", server.prefix);
                wire.send([b"GET ", &request(target.as_bytes(), b"")[..]].concat()).await;
                polled(wire).await.expect("the next update")
            }
        }
    }
}

async fn polled(wire: &mut Wire) -> Option<Frame> {
    let response = wire.response("GET").await.expect("an answer");
    match response.status {
        200 => Some(Frame::parse(&response.body)),
        204 => None,
        _ => panic!("{response:?}"),
    }
}

/// A request without its method.
fn request(target: &[u8], headers: &[u8]) -> Vec<u8> {
    [target, b" HTTP/1.1\r\nHost: live.example\r\n", headers, b"\r\n"].concat()
}

fn encoded(value: &[u8]) -> Vec<u8> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~*".contains(&byte);
    let encode = |byte: &u8| if plain(*byte) { vec![*byte] } else { format!("%{byte:02X}").into_bytes() };
    value.iter().flat_map(encode).collect()
}

/// Whether a header carries it as it is (RFC 9110 §5.5): not empty, no control character, no space around it.
fn fits_a_header(value: &[u8]) -> bool {
    !value.is_empty() && value.trim_ascii() == value && !value.iter().any(u8::is_ascii_control)
}

const HANDSHAKE: &[u8] = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
