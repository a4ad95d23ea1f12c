//! WebSocket as a client speaks it (RFC 6455).

use super::{Request, Response, Wire};
use crate::{model::Frame, server::TestServer};

/// An open WebSocket.
pub(crate) struct WebSocket {
    wire: Wire,
    pub(crate) response: Response,
}

/// What the server sends, and the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    Text(String),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// With code and reason.
    Close(u16, String),
    /// The connection ended, with or without a close frame before.
    End,
}

impl WebSocket {
    pub(crate) async fn open(server: &TestServer, channel: &str, cursor: Option<&str>) -> Self {
        Self::open_on(Wire::connect(server).await, server, channel, cursor).await
    }

    pub(crate) async fn open_on(wire: Wire, server: &TestServer, channel: &str, cursor: Option<&str>) -> Self {
        let query = cursor.map(|cursor| format!("?cursor={cursor}")).unwrap_or_default();
        let request = Request::handshake(&format!("/ws/channel/{channel}/{query}"));
        Self::ask_on(wire, request.under(server.prefix), b"").await
    }

    /// Sends the handshake with `pipelined` right behind it.
    pub(crate) async fn ask_on(mut wire: Wire, request: Request, pipelined: &[u8]) -> Self {
        wire.send([&request.to_bytes(), pipelined].concat()).await;
        Self::begin(wire).await.unwrap()
    }

    /// Takes the answer to a handshake that has been sent; `None` if the server is going or gone.
    pub(crate) async fn begin(mut wire: Wire) -> Option<Self> {
        let response = wire.head().await?;
        // A server that drains sends whoever comes now to the next one.
        if response.status == 503 {
            return None;
        }
        assert_eq!(response.status, 101, "{response:?}");
        // RFC 6455 §1.3, the answer to the key that all our handshakes have.
        assert_eq!(response.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert!(response.header("upgrade").unwrap().eq_ignore_ascii_case("websocket"));
        assert!(response.header("connection").unwrap().eq_ignore_ascii_case("upgrade"));
        Some(Self { wire, response })
    }

    /// The next message. Servers do not mask (§5.1), and this one does not fragment.
    pub(crate) async fn next(&mut self) -> Message {
        let Some(head) = self.wire.take(2).await else { return Message::End };
        assert_eq!(head[0] & 0xf0, 0x80, "FIN and no reserved bits: {head:x?}");
        assert_eq!(head[1] & 0x80, 0, "not masked");
        let length = match head[1] {
            126 => self.wire.take(2).await.map(|bytes| u64::from(u16::from_be_bytes(bytes.try_into().unwrap()))),
            127 => self.wire.take(8).await.map(|bytes| u64::from_be_bytes(bytes.try_into().unwrap())),
            short => Some(u64::from(short)),
        };
        let Some(length) = length else { return Message::End };
        let Some(payload) = self.wire.take(usize::try_from(length).unwrap()).await else { return Message::End };
        match head[0] & 0x0f {
            0x1 => Message::Text(String::from_utf8(payload).unwrap()),
            // §7.1.5: a close frame without a code is said to have had this one.
            0x8 if payload.is_empty() => Message::Close(1005, String::new()),
            0x8 => {
                let (code, reason) = payload.split_at(2);
                Message::Close(u16::from_be_bytes([code[0], code[1]]), String::from_utf8(reason.to_vec()).unwrap())
            }
            0x9 => Message::Ping(payload),
            0xa => Message::Pong(payload),
            opcode => panic!("opcode {opcode:x}"),
        }
    }

    /// The next frame; pings on the way are answered.
    pub(crate) async fn frame(&mut self) -> Frame {
        match self.frame_or_end().await {
            Ok(frame) => frame,
            Err(other) => panic!("a frame, not {other:?}"),
        }
    }

    /// The next frame, or how the connection ends.
    pub(crate) async fn frame_or_end(&mut self) -> Result<Frame, Message> {
        loop {
            match self.next().await {
                Message::Text(text) => return Ok(Frame::parse(text.as_bytes())),
                // The server may have ended the connection behind its ping.
                Message::Ping(payload) => drop(self.wire.try_send(masked(0xa, &payload)).await),
                other => return Err(other),
            }
        }
    }

    /// The next close frame; what comes before it is passed over.
    pub(crate) async fn close_frame(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Message::Close(code, reason) => return (code, reason),
                Message::End => panic!("the connection ended without a close frame"),
                _ => {}
            }
        }
    }

    pub(crate) async fn send(&mut self, opcode: u8, payload: &[u8]) {
        self.wire.send(masked(opcode, payload)).await;
    }

    /// How the server ends a connection that is over: the close frame, and then the end.
    pub(crate) async fn closing(mut self) -> (u16, String) {
        let closed = self.close_frame().await;
        assert_eq!(self.next().await, Message::End, "nothing comes after a close frame");
        closed
    }

    pub(crate) fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    pub(crate) fn into_wire(self) -> Wire {
        self.wire
    }
}

/// One frame from a client, not fragmented.
pub(crate) fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    raw(0x80 | opcode, payload)
}

/// One frame from a client with this first byte (§5.2).
pub(crate) fn raw(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let length = match payload.len() {
        short @ 0..126 => vec![0x80 | u8::try_from(short).unwrap()],
        long @ 126..65_536 => [&[0xfe][..], &u16::try_from(long).unwrap().to_be_bytes()].concat(),
        longer => [&[0xff][..], &(longer as u64).to_be_bytes()].concat(),
    };
    let payload = payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    [&[first][..], &length, &MASK].concat().into_iter().chain(payload).collect()
}
