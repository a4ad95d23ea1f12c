//! Server-Sent Events (HTML Living Standard §9.2).

use std::collections::VecDeque;

use bytes::Bytes;
use http::{Method, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use live_core::{ChannelId, Start};
use serde::Deserialize;
use tokio::time::timeout;

use super::{
    super::{
        connect::Server,
        http::{HttpClient, MAX_REFUSAL_BYTES, collect, innermost},
        server::ChannelRoute,
    },
    Ending, Heard, MAX_FRAME_BYTES, OPENING, SILENCE,
    event_parser::{EventParser, Item},
    query,
};

pub(crate) struct EventsLink {
    body: Incoming,
    parser: EventParser,
    items: VecDeque<Item>,
    /// The connection lives as long as this.
    _http: HttpClient,
}

/// The last event of a stream.
#[derive(Deserialize)]
struct Closed {
    code: u16,
    #[serde(default)]
    reason: String,
}

impl EventsLink {
    pub(super) async fn open(server: &Server, channel: &ChannelId, start: Start) -> Result<Self, Ending> {
        let mut http = HttpClient::new(server.clone());
        let target = server.url.path(ChannelRoute::Events, channel) + &query(start);
        let request = http.request(Method::GET, &target).header(header::ACCEPT, EVENTS);
        let request = request.body(Full::new(Bytes::new())).map_err(|error| Ending::Refused(error.to_string()))?;
        let answer = timeout(OPENING, http.ask(request)).await.map_err(|_| Ending::silent(OPENING))??;
        let is_stream = answer
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(EVENTS.as_bytes()));
        if answer.status() == StatusCode::OK && is_stream {
            let body = answer.into_body();
            return Ok(Self { body, parser: EventParser::default(), items: VecDeque::new(), _http: http });
        }
        let (head, body) = answer.into_parts();
        if head.status == StatusCode::OK {
            return Err(Ending::Refused("the server answers with something else than events".to_owned()));
        }
        let body = timeout(OPENING, collect(body, MAX_REFUSAL_BYTES)).await;
        let body = body.unwrap_or_else(|_| Ok(Bytes::new())).unwrap_or_default();
        Err(Ending::answered(head.status, &head.headers, &body))
    }

    pub(super) async fn next(&mut self) -> Result<Heard, Ending> {
        loop {
            match self.items.pop_front() {
                Some(Item::Event { name, data }) if name.is_empty() || name == "message" => {
                    return Ok(Heard::Frame(data.into()));
                }
                Some(Item::Event { name, data }) if name == "close" => return Err(closed(&data)),
                Some(Item::Comment) => return Ok(Heard::Nothing),
                // Events of other names are for others.
                Some(Item::Event { .. }) => {}
                None => self.read().await?,
            }
        }
    }

    async fn read(&mut self) -> Result<(), Ending> {
        let piece = timeout(SILENCE, self.body.frame()).await.map_err(|_| Ending::silent(SILENCE))?;
        let piece = piece.ok_or_else(|| Ending::lost("the stream ended"))?;
        let piece = piece.map_err(|error| Ending::lost(format!("the stream is lost: {}", innermost(&error))))?;
        let Some(bytes) = piece.data_ref() else { return Ok(()) };
        let parsed = self.parser.push(bytes, MAX_FRAME_BYTES, &mut self.items);
        parsed.map_err(|_| Ending::lost("the stream is no stream of events"))
    }
}

fn closed(data: &str) -> Ending {
    match serde_json::from_str::<Closed>(data) {
        Ok(closed) => Ending::closed(closed.code, &closed.reason),
        Err(_) => Ending::lost("the server ended the stream"),
    }
}

const EVENTS: &str = "text/event-stream";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_event_says_as_much_as_a_close_frame() {
        let data = r#"{"code":1012,"reason":"the server restarts; retry in 70 ms"}"#;
        assert_eq!(closed(data), Ending::closed(1012, "the server restarts; retry in 70 ms"));
        assert!(matches!(closed("{}"), Ending::Lost { .. }));
    }
}
