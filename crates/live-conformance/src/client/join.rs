//! The first answer that a reader gets, on every transport.

use super::{EventStream, Request, WebSocket, Wire};
use crate::{model::Frame, server::TestServer};

/// The ways in which a reader joins a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Join {
    WebSocket,
    Events,
    /// As an `EventSource` that reconnects by itself.
    EventsWithLastEventId,
    Poll,
    LongPoll,
}

impl Join {
    pub(crate) const ALL: [Self; 5] =
        [Self::WebSocket, Self::Events, Self::EventsWithLastEventId, Self::Poll, Self::LongPoll];

    /// The first frame; `None` where a poll is told that there is nothing newer.
    pub(crate) async fn first_frame(self, server: &TestServer, channel: &str, cursor: Option<&str>) -> Option<Frame> {
        let query = cursor.map(|cursor| format!("?cursor={}", encoded(cursor))).unwrap_or_default();
        let get = |route: &str| Request::new("GET", &format!("{route}/{channel}/{query}"));
        match self {
            Self::WebSocket => {
                let request = Request::handshake(&format!("/ws/channel/{channel}/{query}")).under(server.prefix);
                Some(WebSocket::ask_on(Wire::connect(server).await, request, b"").await.frame().await)
            }
            Self::Events => Some(EventStream::ask(server, get("/events")).await.frame().await),
            Self::EventsWithLastEventId => {
                let request = Request::new("GET", &format!("/events/{channel}/?cursor=0000000000000000-1"));
                let request = cursor.into_iter().fold(request, |request, id| request.header("Last-Event-ID", id));
                let request = if cursor.is_none() { get("/events") } else { request };
                Some(EventStream::ask(server, request).await.frame().await)
            }
            Self::Poll => Self::polled(server, get("/updates")).await,
            Self::LongPoll => {
                let target = format!("/updates/{channel}/{query}{}wait=0.05", if cursor.is_some() { "&" } else { "?" });
                Self::polled(server, Request::new("GET", &target)).await
            }
        }
    }

    async fn polled(server: &TestServer, request: Request) -> Option<Frame> {
        let response = server.ask(request).await;
        match response.status {
            200 => Some(Frame::parse(&response.body)),
            204 => None,
            _ => panic!("{response:?}"),
        }
    }
}

/// Every byte that a query could take for something else, percent-encoded.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
