//! A session and its reader: what is said, without the socket.

use std::task::{Context, Poll};

use bytes::Bytes;

use crate::{
    close::Close,
    frame::PING,
    hub::{Delivery, Pace, Reader},
    session::{Due, Session},
};

#[derive(Debug)]
pub(in super::super) struct Conversation {
    pub(in super::super) session: Session,
    pub(in super::super) reader: Reader,
}

impl Conversation {
    pub(in super::super) fn new(reader: Reader) -> Self {
        let session = Session::new(reader.hub().config(), reader.hub().now());
        Self { session, reader }
    }

    pub(in super::super) fn now(&self) -> u64 {
        self.reader.hub().now()
    }

    /// The next bytes to send; `None` when there will be none.
    pub(in super::super) fn poll_outgoing(&mut self, cx: &mut Context<'_>, now: u64) -> Poll<Option<Bytes>> {
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

    fn heartbeat(&self) -> Bytes {
        match self.reader.heartbeat() {
            Some(frame) => frame.websocket_with_ping(),
            None => Bytes::from_static(&PING),
        }
    }

    /// Says in the log how it ended.
    pub(in super::super) fn log_end(&self, end: Option<Close>) {
        tracing::debug!(channel = %self.reader.page().channel, ?end, "reader left");
    }
}
