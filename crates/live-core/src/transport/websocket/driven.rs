//! WebSockets that one task drives together with others of their page.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use live_sync::Call;
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

    /// Ready at the end.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, call: Call) -> Poll<()> {
        if let Err(error) = ready!(self.0.poll_called(cx, call)) {
            tracing::debug!(%error, "reader lost");
        }
        Poll::Ready(())
    }
}

/// Serves a reader on a bare socket whose handshake is done, in a task that it shares with other readers of the page.
pub(crate) fn drive_websocket(stream: TcpStream, read_ahead: Bytes, reader: Reader) {
    reader.drive(|reader| Driven::WebSocket(DrivenWebSocket::new(stream, &read_ahead, reader)));
}
