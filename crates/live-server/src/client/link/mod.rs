//! One run of one transport: what a reader hears, until it ends. None of them decides anything.

mod event_parser;
mod events;
mod poll;
mod websocket;

use std::time::Duration;

use live_core::{ChannelId, Start, Transport};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use self::{events::EventsLink, poll::PollLink, websocket::WebSocketLink};
use super::{
    connect::Server,
    http::{HttpError, Verdict, refusal, verdict},
    retry::retry_in,
};

/// A reader's connection.
pub(crate) enum Link {
    WebSocket(Box<WebSocketLink>),
    Events(Box<EventsLink>),
    Poll(Box<PollLink>),
}

/// What came over a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A frame, as it was sent.
    Frame(Utf8Bytes),
    /// The server is there and has nothing new.
    Nothing,
}

/// How a link ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Ending {
    /// Come back, not before the delay.
    #[error("{reason}")]
    Lost { reason: String, delay: Option<Duration> },
    /// Coming back would not help.
    #[error("{0}")]
    Refused(String),
}

impl Link {
    /// Opens a link that begins at `start`.
    pub(crate) async fn open(
        server: &Server,
        transport: Transport,
        channel: &ChannelId,
        start: Start,
    ) -> Result<Self, Ending> {
        Ok(match transport {
            Transport::WebSocket => Self::WebSocket(Box::new(WebSocketLink::open(server, channel, start).await?)),
            Transport::Sse => Self::Events(Box::new(EventsLink::open(server, channel, start).await?)),
            Transport::LongPolling => Self::Poll(Box::new(PollLink::waiting(server, channel))),
            Transport::IntervalPolling => Self::Poll(Box::new(PollLink::at_intervals(server, channel))),
        })
    }

    /// What comes next. A poll asks for what changed since `start`; a stream knows where it is.
    ///
    /// After it was cancelled, the link must not be used again.
    pub(crate) async fn next(&mut self, start: Start) -> Result<Heard, Ending> {
        match self {
            Self::WebSocket(link) => link.next().await,
            Self::Events(link) => link.next().await,
            Self::Poll(link) => link.next(start).await,
        }
    }

    /// Says goodbye where the transport has a word for it.
    pub(crate) async fn close(self) {
        if let Self::WebSocket(link) = self {
            link.close().await;
        }
    }
}

/// `docs/protocol.md`: a reader that has seen nothing for this long reconnects.
const SILENCE: Duration = Duration::from_secs(60);
/// How long a server may take to answer the request that opens a link.
const OPENING: Duration = Duration::from_secs(10);
/// The greatest frame that is taken: a page of the greatest size (16 MiB by default), escaped, and some.
const MAX_FRAME_BYTES: usize = 64 << 20;

impl Ending {
    fn lost(reason: impl Into<String>) -> Self {
        Self::Lost { reason: reason.into(), delay: None }
    }

    fn silent(time: Duration) -> Self {
        Self::lost(format!("nothing came for {} s", time.as_secs()))
    }

    /// An answer that does not open a link.
    fn answered(status: http::StatusCode, headers: &http::HeaderMap, body: &[u8]) -> Self {
        let reason = refusal(status, headers, body);
        match verdict(status, headers) {
            Verdict::Again(delay) => Self::Lost { reason, delay },
            Verdict::Never => Self::Refused(reason),
        }
    }

    /// `docs/protocol.md`, "Close codes". For 4100 a page gets a new admission from its site; what this reader gets is the answer to the
    /// next connect.
    fn closed(code: u16, reason: &str) -> Self {
        let delay = retry_in(reason);
        let reason = format!("the server closed with {code}: {}", super::text::plain(reason));
        match code {
            1008 | 1009 | 4500.. => Self::Refused(reason),
            _ => Self::Lost { reason, delay },
        }
    }
}

impl From<HttpError> for Ending {
    fn from(error: HttpError) -> Self {
        if error.lasts() { Self::Refused(error.to_string()) } else { Self::lost(error.to_string()) }
    }
}

/// The query that begins at a cursor.
fn query(start: Start) -> String {
    match start {
        Start::Recent | Start::Unknown => String::new(),
        Start::Everything => "?cursor=*".to_owned(),
        Start::At(cursor) => format!("?cursor={cursor}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_code_says_whether_to_come_back_as_the_protocol_does() {
        let protocol = include_str!("../../../../../docs/protocol.md");
        let (_, table) = protocol.split_once("## Close codes").unwrap();
        let mut seen = 0;
        for row in table.lines().filter(|line| line.starts_with("| 1") || line.starts_with("| 4")) {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let code: u16 = cells[1].trim_end_matches([' ', '*']).parse().unwrap();
            // 1000 from anywhere but the reader itself means reconnect.
            let comes_back = code == 1000 || cells[4] != "no";
            let ending = Ending::closed(code, "");
            assert_eq!(matches!(ending, Ending::Lost { .. }), comes_back, "{code}: {ending:?}");
            seen += 1;
        }
        assert!(seen >= 11, "{seen}");
        assert!(matches!(Ending::closed(4499, ""), Ending::Lost { .. }));
        assert!(matches!(Ending::closed(4500, ""), Ending::Refused(_)));
    }

    #[test]
    fn the_delay_in_a_close_reason_is_kept() {
        let Ending::Lost { delay, .. } = Ending::closed(1012, "the server restarts; retry in 1500 ms") else {
            panic!()
        };
        assert_eq!(delay, Some(Duration::from_millis(1500)));
    }
}
