//! A reader over WebSocket.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Instant,
};

use tokio_tungstenite::tungstenite::{
    self, Message, WebSocket,
    handshake::client::{Request, Response},
    protocol::CloseFrame,
};

use super::http::connect;
use crate::server::DEADLINE;

/// A reader whose handshake is accepted.
pub(crate) struct Reader<S = TcpStream> {
    socket: WebSocket<S>,
}

impl Reader {
    /// Connects to a channel; `url` is the server's, with its prefix.
    pub(crate) fn join(url: &str, channel: &str) -> Self {
        let rest = url.strip_prefix("http://").unwrap();
        let (address, prefix) =
            rest.split_once('/').map_or((rest, String::new()), |(address, path)| (address, format!("/{path}")));
        let url = format!("ws://{address}{prefix}/ws/channel/{channel}/?cursor=*");
        let (mut reader, _) = Self::try_over(connect(address), &url).unwrap();
        reader.next();
        reader
    }
}

impl<S: Read + Write> Reader<S> {
    /// The handshake on a stream.
    pub(crate) fn try_over(stream: S, url: &str) -> Result<(Self, Response), tungstenite::Error> {
        let host = url.split('/').nth(2).unwrap();
        let request = Request::builder()
            .uri(url)
            .header("Host", host)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", tungstenite::handshake::client::generate_key());
        match tungstenite::client(request.body(()).unwrap(), stream) {
            Ok((socket, response)) => Ok((Self { socket }, response)),
            Err(tungstenite::HandshakeError::Failure(error)) => Err(error),
            Err(tungstenite::HandshakeError::Interrupted(_)) => panic!("no answer to the handshake in time"),
        }
    }

    /// The next frame.
    pub(crate) fn next(&mut self) -> String {
        loop {
            match self.socket.read().unwrap() {
                Message::Text(text) => return text.to_string(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    /// Reads until the next frame that has this text in it.
    pub(crate) fn until(&mut self, text: &str) -> String {
        let until = Instant::now() + DEADLINE;
        loop {
            assert!(Instant::now() < until, "{text:?} did not come");
            let frame = self.next();
            if frame.contains(text) {
                return frame;
            }
        }
    }

    /// How the server closes, whatever it sends before.
    pub(crate) fn closed(&mut self) -> CloseFrame {
        loop {
            if let Message::Close(close) = self.socket.read().unwrap() {
                return close.expect("a close code");
            }
        }
    }
}
