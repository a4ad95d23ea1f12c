//! Readers on their way from the body of an answer to the bare stream.

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};

use super::{Loan, lent::Stays};
use crate::transport::{Events, WebSocketBody, drive_events, drive_websocket};

/// A WebSocket that leaves once its handshake is answered.
#[derive(Debug)]
pub(crate) struct Leaving {
    socket: Loan,
    body: Option<WebSocketBody>,
    /// What the server has read of the reader's own bytes.
    read_ahead: BytesMut,
}

impl Leaving {
    pub(crate) fn new(socket: &Loan, body: WebSocketBody) -> Self {
        socket.answer_handshake();
        Self { socket: socket.clone(), body: Some(body), read_ahead: BytesMut::new() }
    }

    /// Ready when the answer has no body any more: the reader is served elsewhere, or has gone.
    pub(crate) fn poll_left(
        &mut self,
        cx: &mut Context<'_>,
        mut poll_payload: impl FnMut(&mut Context<'_>) -> Poll<Option<Bytes>>,
    ) -> Poll<()> {
        let before = self.read_ahead.len();
        loop {
            match poll_payload(cx) {
                Poll::Ready(Some(bytes)) => self.read_ahead.extend_from_slice(&bytes),
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        // Behind what has come now there may be more in the server's buffer.
        let is_complete = self.read_ahead.len() == before;
        let Some(stream) = self.socket.leave(cx, is_complete) else { return Poll::Pending };
        if let Some(body) = self.body.take() {
            drive_websocket(stream, self.read_ahead.split().freeze(), body.into_reader());
        }
        Poll::Ready(())
    }
}

/// A stream of events that leaves when all it has said so far is out behind the response's head. Whoever changes a body on its way, to
/// compress it for example, changes its events as well: then the stream stays.
#[derive(Debug)]
pub(crate) struct LeavingEvents {
    /// `None` if it stays.
    socket: Option<Loan>,
    /// `None` once it has left.
    events: Option<Events>,
}

impl LeavingEvents {
    pub(crate) fn new(socket: &Loan, events: Events) -> Self {
        Self { socket: Some(socket.clone()), events: Some(events) }
    }

    /// The next event; `None` at the end, or when the reader is served elsewhere.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match self.socket.as_ref().map(|socket| socket.poll_left(cx)) {
            Some(Poll::Ready(Ok(stream))) => {
                if let Some(events) = self.events.take() {
                    drive_events(stream, events);
                }
                return Poll::Ready(None);
            }
            Some(Poll::Ready(Err(Stays))) => self.socket = None,
            // Whoever is on the way may wait for more before he hands anything on.
            Some(Poll::Pending) | None => {}
        }
        let Some(events) = &mut self.events else { return Poll::Ready(None) };
        let Some(event) = ready!(events.poll_next(cx)) else { return Poll::Ready(None) };
        self.socket.iter().for_each(|socket| socket.leave_after(event.chunk().clone()));
        Poll::Ready(Some(event.bytes()))
    }
}
