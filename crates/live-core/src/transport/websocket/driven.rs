//! WebSockets that one task drives together with others of their page.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use live_sync::{Call, Member};
use tokio::net::TcpStream;

use super::super::connection::Connection;
use crate::hub::Reader;

/// One of them.
#[derive(Debug)]
struct DrivenWebSocket(Connection<TcpStream>);

impl Member for DrivenWebSocket {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, call: Call) -> Poll<()> {
        if let Err(error) = ready!(self.0.poll_called(cx, call)) {
            tracing::debug!(%error, "reader lost");
        }
        Poll::Ready(())
    }
}

/// Serves a reader on a bare socket whose handshake is done, in a task that it shares with other readers of the page.
pub(crate) fn drive_websocket(stream: TcpStream, read_ahead: Bytes, reader: Reader) {
    reader.drive(|reader| DrivenWebSocket(Connection::begin(stream, &read_ahead, reader)));
}
