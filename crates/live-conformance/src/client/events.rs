//! Server-Sent Events, parsed as a browser does (HTML Living Standard §9.2.6).

use std::collections::VecDeque;

use super::{Request, Response, Wire};
use crate::{model::Frame, server::TestServer};

/// A stream of events.
pub(crate) struct EventStream {
    wire: Wire,
    parser: EventParser,
    items: VecDeque<Item>,
    pub(crate) response: Response,
}

/// What a stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    Event { name: String, data: String, last_event_id: String },
    Retry(u64),
    Comment,
}

impl EventStream {
    pub(crate) async fn open(server: &TestServer, channel: &str, cursor: Option<&str>) -> Self {
        let query = cursor.map(|cursor| format!("?cursor={cursor}")).unwrap_or_default();
        Self::ask(server, Request::new("GET", &format!("/events/{channel}/{query}"))).await
    }

    pub(crate) async fn ask(server: &TestServer, request: Request) -> Self {
        Self::ask_on(Wire::connect(server).await, request.under(server.prefix)).await
    }

    pub(crate) async fn ask_on(mut wire: Wire, request: Request) -> Self {
        wire.send(request.to_bytes()).await;
        Self::begin(wire).await.unwrap()
    }

    /// Takes the answer to a request that has been sent; `None` if the server is going or gone.
    pub(crate) async fn begin(mut wire: Wire) -> Option<Self> {
        let response = wire.head().await.filter(|response| response.status != 503)?;
        // A server that drains sends whoever comes now to the next one.
        if response.status == 503 {
            return None;
        }
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!(response.header("transfer-encoding"), Some("chunked"));
        Some(Self { wire, parser: EventParser::default(), items: VecDeque::new(), response })
    }

    /// The next thing that the stream says, or `None` once it has ended.
    pub(crate) async fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Some(item);
            }
            let chunk = self.wire.chunk().await.filter(|chunk| !chunk.is_empty())?;
            self.items.extend(self.parser.push(&chunk));
        }
    }

    /// The next frame; its id is its cursor.
    pub(crate) async fn frame(&mut self) -> Frame {
        match self.next().await {
            Some(Item::Event { name, data, last_event_id }) => {
                let frame = Frame::parse(data.as_bytes());
                assert_eq!((name.as_str(), last_event_id), ("message", frame.cursor.to_string()));
                frame
            }
            other => panic!("an event, not {other:?}"),
        }
    }

    pub(crate) fn into_wire(self) -> Wire {
        self.wire
    }
}

/// Takes bytes in pieces of any size.
#[derive(Debug, Default)]
struct EventParser {
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// The last byte was a CR, so that an LF belongs to it.
    after_cr: bool,
    data: String,
    name: String,
    last_event_id: String,
}

impl EventParser {
    fn push(&mut self, bytes: &[u8]) -> Vec<Item> {
        let mut items = Vec::new();
        for byte in bytes {
            let after_cr = std::mem::replace(&mut self.after_cr, *byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\r' | b'\n' => {
                    let line = String::from_utf8(std::mem::take(&mut self.line)).unwrap();
                    items.extend(self.take_line(&line));
                }
                byte => self.line.push(*byte),
            }
        }
        items
    }

    fn take_line(&mut self, line: &str) -> Option<Item> {
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => return Some(Item::Comment),
            "event" => self.name = value.to_owned(),
            "data" => self.data.extend([value, "\n"]),
            "id" if !value.contains('\0') => self.last_event_id = value.to_owned(),
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => return value.parse().ok().map(Item::Retry),
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Item> {
        let name = Some(std::mem::take(&mut self.name)).filter(|name| !name.is_empty());
        let data = std::mem::take(&mut self.data);
        let data = data.strip_suffix('\n')?.to_owned();
        Some(Item::Event {
            name: name.unwrap_or_else(|| "message".to_owned()),
            data,
            last_event_id: self.last_event_id.clone(),
        })
    }
}
