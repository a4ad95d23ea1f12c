//! WebSockets that one task drives together with others of their page.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::net::TcpStream;

use super::stream::Connection;
use crate::{hub::Reader, transport::Driven};

/// One of them.
#[derive(Debug)]
pub(crate) struct DrivenWebSocket(Connection<TcpStream>);

impl DrivenWebSocket {
    fn new(stream: TcpStream, read_ahead: &[u8], reader: Reader) -> Self {
        Self(Connection::begin(stream, read_ahead, reader))
    }
}

impl Future for DrivenWebSocket {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Err(error) = ready!(Pin::new(&mut self.0).poll(cx)) {
            tracing::debug!(%error, "reader lost");
        }
        Poll::Ready(())
    }
}

/// Serves a reader on a bare socket whose handshake is done, in a task that it shares with other readers of the page.
pub(crate) fn drive_websocket(stream: TcpStream, read_ahead: Bytes, reader: Reader) {
    reader.drive(|reader| Driven::WebSocket(DrivenWebSocket::new(stream, &read_ahead, reader)));
}
