//! A stream of events whose response's head is out, on the bare socket: what it says goes there in chunks (RFC 9112 §7.1).

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::net::TcpStream;

use super::{
    super::{connection::Dialogue, driven::Driven},
    Events,
};
use crate::{
    close::Close,
    frame::Frame,
    hub::{Reader, Resting},
    session::Due,
};

/// One of them.
#[derive(Debug)]
struct Chunks {
    events: Events,
    /// Since when the socket has taken nothing.
    blocked_since: Option<u64>,
    /// The last chunk is on its way.
    is_over: bool,
}

/// Has a task that the reader shares with others of its page drive the stream, on a socket to which nothing but chunks goes from now on.
pub(crate) fn drive_events(socket: TcpStream, events: Events) {
    let Events { reader, sent_at, ended } = events;
    reader.drive(|reader| {
        let events = Events { reader, sent_at, ended };
        Driven::new(socket, Chunks { events, blocked_since: None, is_over: false })
    });
}

impl Dialogue for Chunks {
    fn reader(&mut self) -> &mut Reader {
        &mut self.events.reader
    }

    fn wants_bytes(&self) -> bool {
        true
    }

    /// It has nothing to say: a request that it sends behind the one which this answers is never answered, as the connection ends with
    /// the stream.
    fn handle_bytes(&mut self, _: &[u8], _: u64) {}

    fn poll_outgoing(&mut self, cx: &mut Context<'_>, now: u64) -> Poll<Option<Bytes>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let event = ready!(self.events.poll_event(cx, now));
        self.is_over = event.is_none();
        Poll::Ready(Some(event.map_or(Bytes::from_static(LAST_CHUNK), |event| event.chunk().clone())))
    }

    fn rest(&self) -> Option<Resting> {
        if self.events.ended { None } else { self.events.reader.rest() }
    }

    fn resume(&mut self, rested: Resting) {
        if let Some(sent_at) = self.events.reader.resume(rested) {
            self.events.sent_at = sent_at;
        }
    }

    fn bytes_of(frame: &Frame) -> &Bytes {
        frame.framed_event().chunk()
    }

    fn handle_written(&mut self, _: u64) {
        self.blocked_since = None;
    }

    fn handle_flushed(&mut self, _: u64) {
        self.blocked_since = None;
    }

    fn handle_blocked(&mut self, now: u64) -> Due {
        let since = *self.blocked_since.get_or_insert(now);
        let deadline = since + self.events.reader.hub().config().write_deadline.as_millis() as u64;
        if now >= deadline { Due::Close(Close::TooSlow) } else { Due::At(deadline) }
    }
}

const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Wake, Waker},
    };

    use super::*;
    use crate::{ChannelId, Config, Hub, bus, cursor::Start};

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn a_heartbeat_wakes_its_reader_once() {
        let config = Config::default();
        let hub = Hub::new(bus::from_url("memory:", &config).unwrap(), config).unwrap();
        let mut reader =
            hub.join(&ChannelId::new("blog").unwrap(), Start::Recent, hub.admit(None).unwrap()).await.unwrap();
        reader.leave_to_shard();
        let mut events = Events::new(reader);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        assert!(events.poll_event(&mut cx, 0).is_ready(), "no hello");
        assert!(events.poll_event(&mut cx, 0).is_pending());
        let heartbeat = events.sent_at + hub.config().heartbeat.as_millis() as u64;
        events.reader.page().wake.wake_due(heartbeat);
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
        events.reader.handle_woken();
        assert!(events.poll_event(&mut cx, heartbeat).is_ready(), "no heartbeat");
        assert!(events.poll_event(&mut cx, heartbeat).is_pending());
        events.reader.page().wake.wake_due(heartbeat);
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    }
}
