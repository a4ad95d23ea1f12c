//! Server-Sent Events: the body of a response that does not end.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;

use crate::{
    close::Close,
    hub::{Delivery, Pace, Reader},
};

/// One reader's stream of events.
#[derive(Debug)]
pub(crate) struct Events {
    reader: Reader,
    sent_at: u64,
    ended: bool,
}

impl Events {
    pub(crate) fn new(reader: Reader) -> Self {
        let sent_at = reader.hub().now();
        Self { reader, sent_at, ended: false }
    }

    /// The next event; `None` at the end.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let now = self.reader.hub().now();
        let heartbeat_at = self.sent_at + self.reader.hub().config().heartbeat.as_millis() as u64;
        let event = match self.reader.poll_next(cx, Pace::Stream, heartbeat_at) {
            Poll::Ready(Delivery::Frame(frame)) => frame.event(),
            Poll::Ready(Delivery::Close(close)) => return self.end(close),
            Poll::Pending if now >= heartbeat_at => match self.reader.heartbeat() {
                Some(frame) => frame.event(),
                // Not at the head, which the bus has to confirm: a comment keeps the connection.
                None => Bytes::from_static(b":\n\n"),
            },
            Poll::Pending => return Poll::Pending,
        };
        self.sent_at = now;
        Poll::Ready(Some(event))
    }

    /// The stream's last words: why it ends, for a script, and when an `EventSource` that reconnects by itself may come back.
    fn end(&mut self, close: Close) -> Poll<Option<Bytes>> {
        self.ended = true;
        let (code, reason) = (close.code(), close.reason());
        let delay = match close {
            Close::Draining(delay) => delay,
            _ => self.reader.random_delay(RETRY),
        };
        let retry = delay.as_millis();
        let event = format!("retry: {retry}\nevent: close\ndata: {{\"code\":{code},\"reason\":\"{reason}\"}}\n\n");
        Poll::Ready(Some(event.into()))
    }
}

/// The window in which readers of ended streams come back.
const RETRY: Duration = Duration::from_secs(5);
