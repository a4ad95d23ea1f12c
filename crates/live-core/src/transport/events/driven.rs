//! A stream of events whose response's head is out, on the bare socket: what it says goes there in chunks (RFC 9112 §7.1), and a task
//! drives it together with others of its page.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use live_sync::{Call, Member};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::Events;
use crate::session::CLOSE_WAIT;

/// One of them.
#[derive(Debug)]
pub(crate) struct DrivenEvents {
    stream: TcpStream,
    events: Events,
    /// The rest of one chunk, shared with every other reader.
    outgoing: Bytes,
    /// Since when the socket has taken nothing.
    blocked_since: Option<u64>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Says,
    /// The last chunk is on its way.
    Ends,
    /// Our half of the socket is closed; the reader has until then to close its own, so that nothing it has yet to read is destroyed by
    /// a reset.
    Lingers {
        until: u64,
    },
}

impl DrivenEvents {
    /// Has a task drive the stream on a socket to which nothing but chunks goes from now on.
    pub(crate) fn drive(stream: TcpStream, events: Events) {
        events.drive(|events| Self { stream, events, outgoing: Bytes::new(), blocked_since: None, phase: Phase::Says });
    }

    fn now(&self) -> u64 {
        self.events.reader.hub().now()
    }

    /// Ready when the reader has closed. It has nothing to say: a request that it sends behind the one which this answers is never
    /// answered, as the connection ends with the stream.
    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut dropped = [0; DROPPED_AT_ONCE];
        let mut buffer = ReadBuf::new(&mut dropped);
        loop {
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            buffer.clear();
        }
    }

    /// Writes what there is, one chunk at a time, and ready when the stream has ended.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        for _ in 0..MAX_WRITES {
            while self.outgoing.has_remaining() {
                match Pin::new(&mut self.stream).poll_write(cx, &self.outgoing)? {
                    Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(written) => self.handle_written(written),
                    Poll::Pending => return self.poll_blocked(cx),
                }
            }
            // An empty slice of a chunk would keep the whole chunk.
            self.outgoing = Bytes::new();
            if self.phase == Phase::Ends {
                return self.poll_shutdown(cx);
            }
            match ready!(self.events.poll_next(cx)) {
                Some(event) => self.outgoing = event.chunk(),
                None => (self.outgoing, self.phase) = (Bytes::from_static(LAST_CHUNK), Phase::Ends),
            }
        }
        // A reader that lacks much lets others on the thread have their turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn handle_written(&mut self, written: usize) {
        self.outgoing.advance(written);
        self.blocked_since = None;
    }

    fn poll_blocked(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let now = self.now();
        let since = *self.blocked_since.get_or_insert(now);
        let deadline = since + self.events.reader.hub().config().write_deadline.as_millis() as u64;
        if now >= deadline {
            // Part of a chunk may be out, so nothing can follow: the socket just ends.
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.events.reader.wake_at(cx, deadline);
        Poll::Pending
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        let until = self.now() + CLOSE_WAIT.as_millis() as u64;
        self.phase = Phase::Lingers { until };
        self.poll_linger(cx, until)
    }

    fn poll_linger(&self, cx: &Context<'_>, until: u64) -> Poll<io::Result<()>> {
        if self.now() >= until {
            return Poll::Ready(Ok(()));
        }
        self.events.reader.wake_at(cx, until);
        Poll::Pending
    }

    fn poll_end(&mut self, cx: &mut Context<'_>, call: Call) -> Poll<io::Result<()>> {
        // Else nothing has come: its waker would have been woken.
        if call == Call::Woken && self.poll_closed(cx)?.is_ready() {
            return Poll::Ready(Ok(()));
        }
        match self.phase {
            Phase::Lingers { until } => self.poll_linger(cx, until),
            _ => self.poll_write(cx),
        }
    }
}

impl Member for DrivenEvents {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, call: Call) -> Poll<()> {
        if let Err(error) = ready!(self.poll_end(cx, call)) {
            tracing::debug!(%error, "reader lost");
        }
        Poll::Ready(())
    }
}

const DROPPED_AT_ONCE: usize = 256;
const MAX_WRITES: usize = 32;
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
