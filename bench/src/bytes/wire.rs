//! Readers that count every byte.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

/// A reader of a stream.
pub(super) struct Stream {
    socket: TcpStream,
    /// What a message ends with on the wire.
    end: &'static [u8],
}

impl Stream {
    pub(super) fn websocket(address: SocketAddr, cursor: &str) -> Result<Self> {
        let headers = "Connection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
        Self::open(address, "ws/channel", cursor, headers, b"}")
    }

    pub(super) fn events(address: SocketAddr, cursor: &str) -> Result<Self> {
        // The line break is the end of an HTTP chunk.
        Self::open(address, "events", cursor, "", b"\n\n\r\n")
    }

    fn open(address: SocketAddr, route: &str, cursor: &str, headers: &str, end: &'static [u8]) -> Result<Self> {
        let mut socket = connect(address)?;
        write!(socket, "GET /live/{route}/replay/?cursor={cursor} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")?;
        read_head(&mut socket)?;
        Ok(Self { socket, end })
    }

    /// Reads the message that leads to a cursor, and returns how many bytes came.
    pub(super) fn read_to(&mut self, cursor: &str) -> Result<u64> {
        let cursor = format!("\"cursor\":\"{cursor}\"");
        let mut message = Vec::new();
        while !message.ends_with(self.end) || !contains(&message, cursor.as_bytes()) {
            let mut buffer = [0; 4096];
            let read = self.socket.read(&mut buffer)?;
            ensure!(read > 0, "the server ended a stream");
            message.extend_from_slice(&buffer[..read]);
        }
        Ok(message.len() as u64)
    }
}

/// A reader who polls over one connection.
pub(super) struct Poller {
    socket: TcpStream,
    cursor: String,
}

impl Poller {
    pub(super) fn new(address: SocketAddr, cursor: &str) -> Result<Self> {
        Ok(Self { socket: connect(address)?, cursor: cursor.to_owned() })
    }

    /// The bytes of an answer, and the frame in it.
    pub(super) fn poll(&mut self) -> Result<(u64, Vec<u8>)> {
        write!(self.socket, "GET /live/updates/replay/?cursor={} HTTP/1.1\r\nHost: localhost\r\n\r\n", self.cursor)?;
        let head = read_head(&mut self.socket)?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(Ok(0), str::parse)?];
        self.socket.read_exact(&mut body)?;
        let text = std::str::from_utf8(&body)?;
        if let Some((_, rest)) = text.split_once(r#""cursor":""#) {
            self.cursor = rest.split('"').next().context("a cursor ends")?.to_owned();
        }
        Ok(((head.len() + body.len()) as u64, body))
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(socket)
}

/// Byte by byte, so that what follows the header stays in the socket.
fn read_head(socket: &mut TcpStream) -> Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head)?;
    ensure!(["101", "200", "204"].iter().any(|status| head[9..].starts_with(status)), "{head}");
    Ok(head)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
