//! What a reader sends on a WebSocket.

use super::{
    bytes::Bytes,
    tables::{Frames, How, Pongs, Then},
};
use crate::{
    client::{Message, WebSocket},
    model::{Frame, Reader},
    server::TestServer,
};

/// A reader who sends this; it is given back if its connection goes on.
pub(super) async fn run(server: &TestServer, frames: &Frames) -> Option<(WebSocket, Reader)> {
    let mut socket = WebSocket::open(server, "blog", Some("*")).await;
    let bytes = frames.send.to_vec();
    match frames.how {
        How::AtOnce => drop(socket.wire().try_send(&bytes).await),
        How::ByteByByte => {
            for byte in bytes {
                socket.wire().send([byte]).await;
                // The server reads each by itself.
                tokio::task::yield_now().await;
            }
        }
        How::WithTheHandshake => panic!("with-the-handshake needs a [request]"),
    }
    outcome(socket, frames).await
}

/// What comes of it, once everything is sent.
pub(super) async fn outcome(mut socket: WebSocket, frames: &Frames) -> Option<(WebSocket, Reader)> {
    match frames.then {
        Then::Wait => {}
        Then::HalfClose => socket.wire().finish().await,
        Then::Reset => {
            socket.into_wire().reset();
            return None;
        }
    }
    let goes_on = frames.close.is_none() && frames.then == Then::Wait;
    if goes_on {
        socket.send(0x9, STILL_THERE).await;
    }
    let mut reader = Reader::default();
    let mut pongs = Vec::new();
    loop {
        match socket.next().await {
            Message::Text(text) => drop(reader.apply(&Frame::parse(text.as_bytes()))),
            Message::Pong(payload) if payload == STILL_THERE => {
                assert!(goes_on);
                break;
            }
            Message::Pong(payload) => pongs.push(payload),
            Message::Close(code, reason) => {
                assert_eq!(Some(code), frames.close, "{reason}");
                // RFC 6455 §5.5.1: nothing comes after a close frame; §7.1.1: the server ends the connection.
                assert_eq!(socket.next().await, Message::End);
                break;
            }
            Message::End => {
                assert!(frames.close.is_none() && !goes_on, "the connection ended without a close frame");
                break;
            }
            Message::Ping(_) => {}
        }
    }
    match &frames.pongs {
        Pongs::Count(count) => assert_eq!(pongs.len(), *count, "pongs"),
        Pongs::Payloads(payloads) => {
            assert_eq!(pongs, payloads.iter().map(Bytes::to_vec).collect::<Vec<_>>());
        }
    }
    goes_on.then_some((socket, reader))
}

const STILL_THERE: &[u8] = b"still there?";
