//! A reader on a stream of bytes: what its dialogue says is written, and what it sends is heard. Reads share one buffer per thread.

use std::{
    cell::RefCell,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    close::Close,
    hub::Reader,
    session::{CLOSE_WAIT, Due},
};
#[cfg(feature = "socket")]
use crate::{frame::Frame, hub::Resting};

/// What is said to a reader and heard from it, without the stream. Times are the hub's.
pub(super) trait Dialogue: Unpin {
    /// Who it is held with.
    fn reader(&mut self) -> &mut Reader;

    /// Whether the reader may be listened to.
    fn wants_bytes(&self) -> bool;

    /// Takes what the reader sent, in pieces of any size.
    fn handle_bytes(&mut self, bytes: &[u8], now: u64);

    /// The next bytes to send; `None` when there will be none.
    fn poll_outgoing(&mut self, cx: &mut Context<'_>, now: u64) -> Poll<Option<Bytes>>;

    /// The reader at rest, if there is nothing to be said but what is new, until the moment that it waits for.
    #[cfg(feature = "socket")]
    fn rest(&self) -> Option<Resting>;

    /// Goes on where the reader has come to while it was at rest.
    #[cfg(feature = "socket")]
    fn resume(&mut self, rested: Resting);

    /// The bytes of a frame.
    #[cfg(feature = "socket")]
    fn bytes_of(frame: &Frame) -> &Bytes;

    /// The stream took something.
    fn handle_written(&mut self, now: u64);

    /// Nothing that the stream took is left in it.
    fn handle_flushed(&mut self, now: u64);

    /// The stream took nothing: when to give up.
    fn handle_blocked(&mut self, now: u64) -> Due;
}

/// What carries a dialogue.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// A dialogue on a stream. Dropping it closes the stream.
#[derive(Debug)]
pub(super) struct Connection<S, D> {
    stream: S,
    exchange: Exchange<D>,
}

impl<S, D: Dialogue> Connection<S, D> {
    pub(super) fn new(stream: S, dialogue: D) -> Self {
        Self { stream, exchange: Exchange::new(dialogue) }
    }
}

impl<S: Stream, D: Dialogue> Future for Connection<S, D> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, exchange } = &mut *self;
        exchange.poll(stream, cx, true)
    }
}

/// What goes on on a stream, which is its caller's.
#[derive(Debug)]
pub(super) struct Exchange<D> {
    pub(super) dialogue: D,
    /// What is on its way: the rest of one frame, shared with every other reader.
    outgoing: Bytes,
    /// Our half of the stream is closed; the reader has until then to close its own, so that nothing it has yet to read is
    /// destroyed by a reset.
    lingers_until: Option<u64>,
}

/// What a reader can send before it is looked at again; more stays in the kernel.
const SCRATCH_BYTES: usize = 16 << 10;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into());
}

impl<D: Dialogue> Exchange<D> {
    pub(super) fn new(dialogue: D) -> Self {
        Self { dialogue, outgoing: Bytes::new(), lingers_until: None }
    }

    /// Goes on, in the manner of a future. Where its waker was not woken, nothing has come that could be read.
    pub(super) fn poll(
        &mut self,
        stream: &mut impl Stream,
        cx: &mut Context<'_>,
        is_woken: bool,
    ) -> Poll<io::Result<()>> {
        let end = ready!(self.poll_end(stream, cx, is_woken));
        let why = end.as_ref().ok().copied().flatten();
        tracing::debug!(channel = %self.dialogue.reader().page().channel, end = ?why, "reader left");
        Poll::Ready(end.map(|_| ()))
    }

    /// Whether everything is said so far, and nothing is on its way.
    #[cfg(feature = "socket")]
    pub(super) fn is_at_rest(&self) -> bool {
        self.outgoing.is_empty() && self.lingers_until.is_none()
    }

    /// Has the rest of a frame sent before anything else.
    #[cfg(feature = "socket")]
    pub(super) fn push_rest(&mut self, rest: Bytes) {
        self.outgoing = rest;
    }

    fn poll_end(
        &mut self,
        stream: &mut impl Stream,
        cx: &mut Context<'_>,
        is_woken: bool,
    ) -> Poll<io::Result<Option<Close>>> {
        let reader = self.dialogue.reader();
        let now = reader.hub().now();
        if is_woken {
            reader.handle_woken();
        }
        let mut may_read = is_woken;
        loop {
            if may_read && self.poll_read(stream, cx, now)?.is_ready() {
                return Poll::Ready(Ok(None));
            }
            may_read = true;
            let was_full = !self.dialogue.wants_bytes();
            let end = match self.lingers_until {
                Some(until) => self.poll_linger(cx, now, until),
                None => self.poll_write(stream, cx, now),
            };
            if end.is_ready() || !was_full || !self.dialogue.wants_bytes() {
                return end;
            }
        }
    }

    /// Ready at the end of the stream. What the dialogue does not want yet stays in the kernel, which slows the reader down.
    fn poll_read(&mut self, stream: &mut impl Stream, cx: &mut Context<'_>, now: u64) -> io::Result<Poll<()>> {
        SCRATCH.with_borrow_mut(|scratch| {
            while self.dialogue.wants_bytes() {
                let mut buffer = ReadBuf::new(scratch);
                match Pin::new(&mut *stream).poll_read(cx, &mut buffer)? {
                    Poll::Pending => return Ok(Poll::Pending),
                    Poll::Ready(()) if buffer.filled().is_empty() => return Ok(Poll::Ready(())),
                    Poll::Ready(()) => self.dialogue.handle_bytes(buffer.filled(), now),
                }
            }
            Ok(Poll::Pending)
        })
    }

    /// Writes what there is, one frame at a time, and ready when the connection has ended.
    fn poll_write(
        &mut self,
        stream: &mut impl Stream,
        cx: &mut Context<'_>,
        now: u64,
    ) -> Poll<io::Result<Option<Close>>> {
        // Fairness: a reader that lacks much lets others on the thread have their turn.
        for _ in 0..MAX_WRITES {
            while self.outgoing.has_remaining() {
                match Pin::new(&mut *stream).poll_write(cx, &self.outgoing)? {
                    Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(written) => {
                        self.outgoing.advance(written);
                        self.dialogue.handle_written(now);
                    }
                    Poll::Pending => return self.poll_blocked(cx, now),
                }
            }
            // An empty slice of a frame would keep the whole frame.
            self.outgoing = Bytes::new();
            // A stream with a buffer of its own (TLS) may keep what it took. Before the next frame is chosen: this is a queue, too.
            if Pin::new(&mut *stream).poll_flush(cx)?.is_pending() {
                return self.poll_blocked(cx, now);
            }
            self.dialogue.handle_flushed(now);
            match self.dialogue.poll_outgoing(cx, now) {
                Poll::Ready(Some(bytes)) => self.outgoing = bytes,
                Poll::Ready(None) => return self.poll_shutdown(stream, cx, now),
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_blocked(&mut self, cx: &mut Context<'_>, now: u64) -> Poll<io::Result<Option<Close>>> {
        match self.dialogue.handle_blocked(now) {
            // Part of a frame may be out, so no close frame can follow: the socket just ends.
            Due::Close(close) => Poll::Ready(Ok(Some(close))),
            Due::At(deadline) => {
                self.dialogue.reader().wake_at(cx, deadline);
                Poll::Pending
            }
            Due::Heartbeat => Poll::Pending,
        }
    }

    fn poll_shutdown(
        &mut self,
        stream: &mut impl Stream,
        cx: &mut Context<'_>,
        now: u64,
    ) -> Poll<io::Result<Option<Close>>> {
        if pin!(&mut *stream).poll_shutdown(cx)?.is_pending() {
            return self.poll_blocked(cx, now);
        }
        let until = now + CLOSE_WAIT.as_millis() as u64;
        self.lingers_until = Some(until);
        self.poll_linger(cx, now, until)
    }

    fn poll_linger(&mut self, cx: &mut Context<'_>, now: u64, until: u64) -> Poll<io::Result<Option<Close>>> {
        if now >= until {
            return Poll::Ready(Ok(None));
        }
        self.dialogue.reader().wake_at(cx, until);
        Poll::Pending
    }
}

const MAX_WRITES: usize = 32;
