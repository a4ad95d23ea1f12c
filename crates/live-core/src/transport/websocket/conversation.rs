//! A session and its reader: what is said, without the socket.

use std::task::{Context, Poll};

use bytes::Bytes;

use super::super::connection::Dialogue;
#[cfg(feature = "socket")]
use crate::{frame::Frame, hub::Resting};
use crate::{
    frame::PING,
    hub::{Delivery, Pace, Reader},
    session::{Due, Session},
};

#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) session: Session,
    pub(super) reader: Reader,
}

impl Conversation {
    pub(super) fn new(reader: Reader) -> Self {
        let session = Session::new(reader.hub().config(), reader.hub().now());
        Self { session, reader }
    }

    pub(super) fn now(&self) -> u64 {
        self.reader.hub().now()
    }

    fn heartbeat(&self) -> Bytes {
        match self.reader.heartbeat() {
            Some(frame) => frame.websocket_with_ping(),
            None => Bytes::from_static(&PING),
        }
    }
}

impl Dialogue for Conversation {
    fn reader(&mut self) -> &mut Reader {
        &mut self.reader
    }

    fn wants_bytes(&self) -> bool {
        self.session.wants_bytes()
    }

    fn handle_bytes(&mut self, bytes: &[u8], now: u64) {
        self.session.handle_bytes(bytes, now);
    }

    fn poll_outgoing(&mut self, cx: &mut Context<'_>, now: u64) -> Poll<Option<Bytes>> {
        loop {
            if let Some(control) = self.session.poll_control() {
                return Poll::Ready(Some(control));
            }
            if self.session.is_closed() {
                return Poll::Ready(None);
            }
            let due = match self.session.poll_due(now) {
                Due::At(due) => due,
                Due::Heartbeat => return Poll::Ready(Some(self.heartbeat())),
                Due::Close(_) if !self.session.is_open() => return Poll::Ready(None),
                Due::Close(close) => {
                    self.session.close(close, now);
                    continue;
                }
            };
            if !self.session.is_open() {
                self.reader.wake_at(cx, due);
                return Poll::Pending;
            }
            if let Some(greeting) = self.reader.take_greeting() {
                return Poll::Ready(Some(greeting));
            }
            match self.reader.poll_next(cx, Pace::Stream, due) {
                Poll::Ready(Delivery::Frame(frame)) => return Poll::Ready(Some(frame.websocket())),
                Poll::Ready(Delivery::Close(close)) => {
                    self.session.say(self.reader.last_words(close).unwrap_or_default());
                    self.session.close(close, now);
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    #[cfg(feature = "socket")]
    fn rest(&self) -> Option<Resting> {
        if self.session.is_quiet() { self.reader.rest() } else { None }
    }

    #[cfg(feature = "socket")]
    fn resume(&mut self, rested: Resting) {
        if let Some(sent_at) = self.reader.resume(rested) {
            self.session.handle_written(sent_at);
        }
    }

    #[cfg(feature = "socket")]
    fn bytes_of(frame: &Frame) -> &Bytes {
        frame.as_websocket()
    }

    fn handle_written(&mut self, now: u64) {
        self.session.handle_written(now);
    }

    fn handle_flushed(&mut self, now: u64) {
        self.session.handle_flushed(now);
    }

    fn handle_blocked(&mut self, now: u64) -> Due {
        self.session.handle_blocked(now)
    }
}
