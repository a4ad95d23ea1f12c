//! Server-Sent Events: the body of a response that does not end, or what takes its place on the bare socket.

#[cfg(feature = "socket")]
mod chunks;

use std::{
    task::{Context, Poll},
    time::Duration,
};

#[cfg(feature = "socket")]
pub(crate) use self::chunks::drive_events;
use crate::{
    close::Close,
    frame::Event,
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
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_event(cx, self.reader.hub().now())
    }

    /// The same for whoever knows what time it is.
    fn poll_event(&mut self, cx: &mut Context<'_>, now: u64) -> Poll<Option<Event>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let heartbeat_at = self.sent_at + self.reader.hub().config().heartbeat.as_millis() as u64;
        // Who gets a heartbeat now asks again.
        let due = if now < heartbeat_at { heartbeat_at } else { u64::MAX };
        let event = match self.reader.poll_next(cx, Pace::Stream, due) {
            Poll::Ready(Delivery::Frame(frame)) => frame.framed_event().clone(),
            Poll::Ready(Delivery::Close(close)) => return self.end(close),
            Poll::Pending if now >= heartbeat_at => match self.reader.heartbeat() {
                Some(frame) => frame.framed_event().clone(),
                // Not at the head, which the bus has to confirm: a comment keeps the connection.
                None => Event::new(&[b":\n\n"]),
            },
            Poll::Pending => return Poll::Pending,
        };
        self.sent_at = now;
        Poll::Ready(Some(event))
    }

    /// The stream's last words: why it ends, for a script, and when an `EventSource` that reconnects by itself may come back.
    fn end(&mut self, close: Close) -> Poll<Option<Event>> {
        self.ended = true;
        let (code, reason) = (close.code(), close.reason());
        let delay = match close {
            Close::Draining(delay) => delay,
            _ => self.reader.random_delay(RETRY),
        };
        let retry = delay.as_millis();
        let event = format!("retry: {retry}\nevent: close\ndata: {{\"code\":{code},\"reason\":\"{reason}\"}}\n\n");
        Poll::Ready(Some(Event::new(&[event.as_bytes()])))
    }
}

/// The window in which readers of ended streams come back.
const RETRY: Duration = Duration::from_secs(5);
