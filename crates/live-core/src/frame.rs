//! A frame: the bytes that take a reader from one cursor to another, encoded once and shared by all.

use std::{
    io::Write,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

use crate::{cursor::Cursor, id::PostId, publisher::Transport, update::Sort};

/// One JSON object of the protocol, in the encodings that the transports send.
#[derive(Debug)]
pub struct Frame {
    kind: Kind,
    prev: Cursor,
    cursor: Cursor,
    /// A WebSocket header and the JSON behind it, in one allocation.
    websocket: Bytes,
    json_start: usize,
    event: OnceLock<Event>,
    with_ping: OnceLock<Bytes>,
    /// `None` where it is no shorter than the JSON.
    gzip: OnceLock<Option<Bytes>>,
    /// Somebody makes it, or has.
    is_packed: AtomicBool,
    /// When the update that it carries reached its page in this process.
    arrived: OnceLock<Instant>,
}

/// An empty ping (RFC 6455 §5.5.2).
pub(crate) const PING: [u8; 2] = [0x89, 0];

/// What kind of frame it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One update.
    Delta,
    /// The latest state of everything that changed since `prev`, in place of several updates.
    Conflated,
    /// The whole page, in place of what the reader shows.
    Reset,
    /// The reader has to fetch its HTML again.
    Reload,
    /// A heartbeat while the bus does not confirm the head.
    Stale,
}

impl Frame {
    /// What kind of frame it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The cursor that it continues from.
    pub fn prev(&self) -> Cursor {
        self.prev
    }

    /// Where the reader is after it.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// The bytes of the WebSocket encoding, a measure of the frame's size.
    #[allow(clippy::len_without_is_empty, reason = "a frame is never empty")]
    pub fn len(&self) -> usize {
        self.websocket.len()
    }

    /// The JSON.
    pub fn json(&self) -> Bytes {
        self.websocket.slice(self.json_start..)
    }

    /// An unmasked, unfragmented WebSocket text frame (RFC 6455 §5.2): the same bytes go to every socket.
    pub fn websocket(&self) -> Bytes {
        self.websocket.clone()
    }

    /// The same, not to be kept.
    #[cfg(feature = "socket")]
    pub(crate) fn as_websocket(&self) -> &Bytes {
        &self.websocket
    }

    /// The frame with a ping behind it, for one write: the heartbeat.
    pub fn websocket_with_ping(&self) -> Bytes {
        self.with_ping.get_or_init(|| [&*self.websocket, &PING].concat().into()).clone()
    }

    /// A Server-Sent Event with the cursor as its id. The JSON has no line break, so it is one `data` line.
    pub fn event(&self) -> Bytes {
        self.framed_event().bytes()
    }

    /// The same for either carrier.
    pub(crate) fn framed_event(&self) -> &Event {
        self.event.get_or_init(|| {
            let id = self.cursor.to_string();
            let json = &self.websocket[self.json_start..];
            Event::new(&[b"id: ", id.as_bytes(), b"\ndata: ", json, b"\n\n"])
        })
    }

    /// The JSON after gzip, once it is there and if it is shorter.
    pub(crate) fn gzip(&self) -> Option<Bytes> {
        self.gzip.get().cloned().flatten()
    }

    /// Whether the caller is the first, who has to call [`pack`](Self::pack).
    pub(crate) fn begins_to_pack(&self) -> bool {
        !self.is_packed.swap(true, Ordering::Relaxed)
    }

    /// Makes [`gzip`](Self::gzip). It takes a while: some 15 ms for each MiB.
    pub(crate) fn pack(&self) {
        let json = self.json();
        // A page of 1.6 MiB needs 20 times as long on the default level, and comes to three quarters of the bytes.
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let packed = encoder.write_all(&json).and_then(|()| encoder.finish());
        // Writing to a Vec cannot fail.
        let packed = packed.ok().filter(|packed| packed.len() < json.len());
        let _ = self.gzip.set(packed.map(Bytes::from));
    }

    /// Whether it brings nothing: the hello to a reader that has everything, and the heartbeat.
    pub(crate) fn is_hello(&self) -> bool {
        !matches!(self.kind, Kind::Reset | Kind::Reload) && self.prev == self.cursor
    }

    /// The bytes of the encoding that a transport sends.
    pub(crate) fn len_over(&self, transport: Transport) -> usize {
        match transport {
            Transport::WebSocket => self.websocket.len(),
            Transport::Sse => self.framed_event().len(),
            Transport::LongPolling | Transport::IntervalPolling => self.websocket.len() - self.json_start,
        }
    }

    /// Notes the moment from which the time to its readers is counted.
    pub(crate) fn set_arrived(&self, now: Instant) {
        let _ = self.arrived.set(now);
    }

    /// That moment, if it was noted.
    pub(crate) fn arrived(&self) -> Option<Instant> {
        self.arrived.get().copied()
    }
}

/// Something that a stream of events says: its bytes, and around them those of a chunk of HTTP/1.1 (RFC 9112 §7.1), in one allocation.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    chunk: Bytes,
    start: usize,
}

impl Event {
    /// Of these parts, one behind the other.
    pub(crate) fn new(parts: &[&[u8]]) -> Self {
        let size = format!("{:X}\r\n", parts.iter().map(|part| part.len()).sum::<usize>());
        let chunk = [&[size.as_bytes()], parts, &[CHUNK_END]].concat().concat();
        Self { chunk: chunk.into(), start: size.len() }
    }

    /// For whoever frames it by himself.
    pub(crate) fn bytes(&self) -> Bytes {
        self.chunk.slice(self.start..self.start + self.len())
    }

    /// For the bare socket.
    #[cfg(feature = "socket")]
    pub(crate) fn chunk(&self) -> &Bytes {
        &self.chunk
    }

    /// The length without the chunk's.
    fn len(&self) -> usize {
        self.chunk.len() - self.start - CHUNK_END.len()
    }
}

const CHUNK_END: &[u8] = b"\r\n";

/// A frame in the making.
pub(crate) struct Draft {
    kind: Kind,
    prev: Cursor,
    cursor: Cursor,
    /// Room for the longest WebSocket header, then the JSON so far.
    buffer: Vec<u8>,
    /// The items of the `removals` array.
    removals: Vec<u8>,
}

/// A text frame's header without mask: 2 bytes, and 8 for a length above 65,535 (RFC 6455 §5.2).
const MAX_HEADER: usize = 10;
const OPENING: &[u8] = b"{\"renders\":{";
/// What a post and the end of the frame have around their texts, a little generously.
const AROUND: usize = 256;

impl Draft {
    pub(crate) fn new(kind: Kind, prev: Cursor, cursor: Cursor) -> Self {
        let buffer = [&[0; MAX_HEADER], OPENING].concat();
        Self { kind, prev, cursor, buffer, removals: Vec::new() }
    }

    /// Adds a post; they come in ascending order of `sort`.
    pub(crate) fn render(mut self, id: &PostId, show: bool, content: &str, sort: Option<Sort>) -> Self {
        if self.buffer.len() > MAX_HEADER + OPENING.len() {
            self.buffer.push(b',');
        }
        // Escapes make it longer, and may make it grow once more.
        self.buffer.reserve(id.as_str().len() + content.len() + content.len() / 8 + AROUND);
        push_text(&mut self.buffer, id.as_str());
        self.buffer.extend_from_slice(if show {
            b":{\"show\":true,\"content\":"
        } else {
            b":{\"show\":false,\"content\":"
        });
        push_text(&mut self.buffer, content);
        if let Some(sort) = sort {
            // As below, writing to a Vec cannot fail.
            let _ = write!(self.buffer, ",\"sort\":{}", sort.number());
        }
        self.buffer.push(b'}');
        self
    }

    pub(crate) fn removals<'a>(mut self, ids: impl IntoIterator<Item = &'a PostId>) -> Self {
        for id in ids {
            if !self.removals.is_empty() {
                self.removals.push(b',');
            }
            push_text(&mut self.removals, id.as_str());
        }
        self
    }

    pub(crate) fn finish(mut self) -> Frame {
        let flag = match self.kind {
            Kind::Delta | Kind::Conflated => "",
            Kind::Reset => ",\"reset\":true",
            Kind::Reload => ",\"reload\":true",
            Kind::Stale => ",\"stale\":true",
        };
        self.buffer.extend_from_slice(b"},\"removals\":[");
        self.buffer.extend_from_slice(&self.removals);
        let _ = write!(self.buffer, "],\"cursor\":\"{}\",\"prev\":\"{}\"{flag}}}", self.cursor, self.prev);
        let header = text_frame_header(self.buffer.len() - MAX_HEADER);
        let start = MAX_HEADER - header.len();
        self.buffer[start..MAX_HEADER].copy_from_slice(&header);
        let websocket = Bytes::from(self.buffer).slice(start..);
        Frame {
            kind: self.kind,
            prev: self.prev,
            cursor: self.cursor,
            websocket,
            json_start: header.len(),
            event: OnceLock::new(),
            with_ping: OnceLock::new(),
            gzip: OnceLock::new(),
            is_packed: AtomicBool::new(false),
            arrived: OnceLock::new(),
        }
    }
}

fn push_text(buffer: &mut Vec<u8>, text: &str) {
    // Writing text to a Vec cannot fail.
    serde_json::to_writer(buffer, text).unwrap_or_default();
}

/// A message beside the frames of a page.
pub(crate) fn text_message(json: &[u8]) -> Bytes {
    [&*text_frame_header(json.len()), json].concat().into()
}

/// FIN, opcode text, no mask (RFC 6455 §5.2).
fn text_frame_header(length: usize) -> Vec<u8> {
    let length = length as u64;
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..=125), _) => vec![0x81, length],
        (_, Ok(length)) => [&[0x81, 126], length.to_be_bytes().as_slice()].concat(),
        _ => [&[0x81, 127], length.to_be_bytes().as_slice()].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursor::{Epoch, Version};

    fn frame(kind: Kind, html: &str) -> Frame {
        let at = |number| Cursor::new(Epoch::from_bits(255), Version::new(number).unwrap());
        let id = |id: &str| PostId::new(id).unwrap();
        Draft::new(kind, at(1), at(2))
            .render(&id("a"), true, html, Some(Sort::new(5).unwrap()))
            .render(&id("b"), false, "<div data-post-id=\"b\" hidden></div>", None)
            .removals([&id("c"), &id("d")])
            .finish()
    }

    #[test]
    fn a_frame_reads_as_the_protocol_says() {
        let frame = frame(Kind::Reset, "<p>ü \"1\"\r\n</p>");
        let expected = concat!(
            r#"{"renders":{"a":{"show":true,"content":"<p>ü \"1\"\r\n</p>","sort":5},"#,
            r#""b":{"show":false,"content":"<div data-post-id=\"b\" hidden></div>"}},"#,
            r#""removals":["c","d"],"cursor":"00000000000000ff-2","prev":"00000000000000ff-1","reset":true}"#
        );
        assert_eq!(std::str::from_utf8(&frame.json()).unwrap(), expected);
        assert_eq!(frame.event(), format!("id: 00000000000000ff-2\ndata: {expected}\n\n"));
    }

    #[test]
    fn the_websocket_header_states_the_length_in_its_shortest_form() {
        for (html, header) in [(0, 4), (200, 4), (65_400, 10), (70_000, 10)] {
            let frame = frame(Kind::Delta, &"x".repeat(html));
            let bytes = frame.websocket();
            let json = frame.json();
            assert_eq!(bytes.len(), header + json.len(), "{html}");
            assert_eq!(bytes[header..], json);
            let stated = match bytes[1] {
                126 => u64::from(u16::from_be_bytes([bytes[2], bytes[3]])),
                127 => u64::from_be_bytes(bytes[2..10].try_into().unwrap()),
                short => u64::from(short),
            };
            assert_eq!(stated, json.len() as u64);
        }
    }
}
