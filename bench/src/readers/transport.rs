//! What a reader of each transport says, and what it makes of the answer: no more of the protocols than a reader needs of a server
//! that it trusts.

use std::str::FromStr;

use anyhow::{Context as _, Error, Result, bail, ensure};

use super::websocket;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    WebSocket,
    Events,
    /// Each answer is followed by the next request.
    LongPolling,
    /// Socket.IO over WebSocket, which only peers speak.
    SocketIo,
}

/// What a reader got.
pub(super) enum Message<'a> {
    /// The first one comes at once, and tells that the server has the reader.
    Text(&'a [u8]),
    /// It expects these bytes at once.
    Answer(&'static [u8]),
    /// Nothing that a reader would show.
    Other,
}

impl Transport {
    /// The request that a reader begins with. Without a `cursor` it is sent what was published a moment ago.
    pub(super) fn request(self, prefix: &str, channel: usize, cursor: Option<&str>) -> String {
        if self == Transport::SocketIo {
            let query = format!("EIO=4&transport=websocket&channel={channel}");
            return format!("GET /socket.io/?{query} HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}\r\n");
        }
        let query = cursor.map_or(String::new(), |cursor| format!("?cursor={cursor}"));
        let (route, headers) = match self {
            Transport::WebSocket | Transport::SocketIo => ("ws/channel", UPGRADE),
            // nchan refuses who does not ask for it; a browser does.
            Transport::Events => ("events", "Accept: text/event-stream\r\n"),
            Transport::LongPolling => ("updates", ""),
        };
        format!("GET {prefix}/{route}/{channel}/{query} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
    }

    /// The request after an answer, header and all. It waits.
    pub(super) fn next_request(prefix: &str, channel: usize, answer: &[u8]) -> Result<String> {
        let answer = std::str::from_utf8(answer)?;
        let path = format!("{prefix}/updates/{channel}/");
        if let Some((_, cursor)) = answer.split_once(CURSOR) {
            let cursor = cursor.split('"').next().unwrap_or_default();
            return Ok(format!("GET {path}?cursor={cursor}&wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        }
        // nchan has its cursor in two headers.
        let header =
            |name| answer.lines().find_map(|line| line.strip_prefix(name)).context("an answer without a cursor");
        let (time, tag) = (header("Last-Modified: ")?, header("Etag: ")?);
        let cursor = format!("If-Modified-Since: {time}\r\nIf-None-Match: {tag}");
        Ok(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{cursor}\r\n\r\n"))
    }

    /// The first message and what follows it; nothing if its end has not come.
    pub(super) fn message(self, bytes: &[u8]) -> Result<Option<(Message<'_>, &[u8])>> {
        match self {
            Transport::WebSocket => websocket::message(bytes),
            Transport::SocketIo => Ok(websocket::message(bytes)?.map(|(message, rest)| (socket_io(message), rest))),
            // Chunks begin and end between events, so that what is around an event can be taken for a part of it.
            Transport::Events => Ok(find(bytes, b"\n\n").map(|end| {
                let rest = &bytes[end + 2..];
                (Message::Text(&bytes[..end]), rest.strip_prefix(b"\r\n").unwrap_or(rest))
            })),
            Transport::LongPolling => response(bytes),
        }
    }

    /// What follows the header of a stream; nothing if its end has not come. An answer to a poll has a header each.
    pub(super) fn after_header(self, bytes: &[u8]) -> Result<Option<&[u8]>> {
        let expected: &[u8] = match self {
            Transport::WebSocket | Transport::SocketIo => b"HTTP/1.1 101",
            Transport::Events => b"HTTP/1.1 200",
            Transport::LongPolling => return Ok(Some(bytes)),
        };
        let Some(end) = find(bytes, END_OF_HEADER) else { return Ok(None) };
        ensure!(bytes.starts_with(expected), "{}", String::from_utf8_lossy(bytes));
        Ok(Some(&bytes[end + END_OF_HEADER.len()..]))
    }
}

impl FromStr for Transport {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Ok(match name {
            "websocket" => Transport::WebSocket,
            "events" => Transport::Events,
            "long-polling" => Transport::LongPolling,
            "socketio" => Transport::SocketIo,
            other => bail!("there is no transport {other}"),
        })
    }
}

/// The packets of Engine.IO 4 and of Socket.IO 5 within it.
fn socket_io(message: Message<'_>) -> Message<'_> {
    match message {
        Message::Text([b'0', ..]) => Message::Answer(websocket::CONNECT),
        Message::Text(b"2") => Message::Answer(websocket::HEARTBEAT),
        Message::Text([b'4', b'2', event @ ..]) => Message::Text(event),
        Message::Text(_) => Message::Other,
        other => other,
    }
}

fn response(bytes: &[u8]) -> Result<Option<(Message<'_>, &[u8])>> {
    let Some(end) = find(bytes, END_OF_HEADER) else { return Ok(None) };
    let header = std::str::from_utf8(&bytes[..end])?;
    ensure!(header.starts_with("HTTP/1.1 20"), "{header}");
    let length = header.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let answer = bytes.split_at_checked(end + END_OF_HEADER.len() + length.unwrap_or(0));
    Ok(answer.map(|(answer, rest)| (Message::Text(answer), rest)))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n";
const END_OF_HEADER: &[u8] = b"\r\n\r\n";
const CURSOR: &str = "\"cursor\":\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_after_an_answer_goes_on_from_its_cursor() {
        let live = b"HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{\"cursor\":\"7-1\"}";
        let next = Transport::next_request("/live", 3, live).unwrap();
        assert!(next.starts_with("GET /live/updates/3/?cursor=7-1&wait=60 HTTP/1.1\r\n"), "{next}");
        let nchan = b"HTTP/1.1 200 OK\r\nLast-Modified: Sat\r\nEtag: 4\r\nContent-Length: 2\r\n\r\n{}";
        let next = Transport::next_request("", 0, nchan).unwrap();
        assert!(next.contains("\r\nIf-Modified-Since: Sat\r\nIf-None-Match: 4\r\n\r\n"), "{next}");
        assert!(Transport::next_request("", 0, b"HTTP/1.1 204 No Content\r\n\r\n").is_err());
    }

    #[test]
    fn a_reader_over_socket_io_asks_for_events_and_says_that_it_is_there() {
        let packet = |text: &'static [u8]| socket_io(Message::Text(text));
        assert!(matches!(packet(br#"0{"sid":"x"}"#), Message::Answer(websocket::CONNECT)));
        assert!(matches!(packet(b"2"), Message::Answer(websocket::HEARTBEAT)));
        assert!(matches!(packet(br#"40{"sid":"x"}"#), Message::Other));
        assert!(matches!(packet(br#"42["update","x"]"#), Message::Text(br#"["update","x"]"#)));
    }
}
