//! A socket that is lent to a framework, which gives none away, and comes back from it.

use std::{
    io, mem,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::Guarded;
use crate::sync::lock;

/// A guarded socket that an HTTP server takes for its connection, if it takes any stream. It closes when the server drops this, unless
/// it has left before; have its requests find the [`Loan`].
#[derive(Debug)]
pub struct Lent(Arc<Mutex<State>>);

/// The lender's end of a [`Lent`] socket.
#[derive(Debug, Clone)]
pub struct Loan(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// `None` once it has left: to the server the connection has ended then.
    stream: Option<Guarded>,
    phase: Phase,
    /// The answer to a handshake is to be written, which the reader's first frame will follow at once.
    answers_handshake: bool,
    /// Whoever waits for it to leave.
    waker: Option<Waker>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// Nobody has asked it to leave.
    Serving,
    /// Nothing more is read, so that nothing is read past who takes over. What the server has to write is on its way.
    Leaving,
    /// As before, but only if what it writes ends with these bytes.
    LeavingAfter(Bytes),
    /// What the server had to write is written.
    Flushed,
    /// It was something else.
    Staying,
}

impl State {
    fn handle_written(&mut self, bytes: &[u8]) {
        if let Phase::LeavingAfter(last) = &self.phase
            && bytes.ends_with(last)
        {
            self.phase = Phase::Leaving;
        }
    }

    /// All is written. Returns whom that concerns.
    fn handle_flushed(&mut self) -> Option<Waker> {
        match self.phase {
            Phase::Leaving => self.phase = Phase::Flushed,
            // Somebody on the way says it otherwise, and has to go on saying it.
            Phase::LeavingAfter(_) => self.phase = Phase::Staying,
            Phase::Serving | Phase::Flushed | Phase::Staying => {}
        }
        self.waker.take()
    }
}

impl Lent {
    pub(crate) fn new(stream: Guarded) -> Self {
        Self(Arc::new(Mutex::new(State {
            stream: Some(stream),
            phase: Phase::Serving,
            answers_handshake: false,
            waker: None,
        })))
    }

    /// The lender's end.
    pub fn loan(&self) -> Loan {
        Loan(Arc::clone(&self.0))
    }

    /// The stream, if it has not left.
    #[cfg(feature = "hyper")]
    pub(crate) fn into_inner(self) -> Option<TcpStream> {
        lock(&self.0).stream.take().map(Guarded::into_inner)
    }

    fn with<T>(&self, left: T, run: impl FnOnce(Pin<&mut Guarded>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match &mut lock(&self.0).stream {
            Some(stream) => run(Pin::new(stream)),
            None => Poll::Ready(Ok(left)),
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let stream = lock(&self.0).stream.take();
        // Outside the lock, as it tells others.
        drop(stream);
    }
}

impl Loan {
    /// A whole header has come, and the peer may wait for the answer however long it takes. The next request is awaited from when
    /// what this returns is dropped: keep it with the answer's body.
    #[must_use]
    pub fn answer_request(&self) -> Answering {
        if let Some(stream) = &mut lock(&self.0).stream {
            stream.answer_request();
        }
        Answering(self.clone())
    }

    /// A WebSocket's handshake is being answered, unless somebody on the way answers otherwise: the answer goes out with the first frame.
    pub(crate) fn answer_handshake(&self) {
        lock(&self.0).answers_handshake = true;
    }

    /// Begins to leave, and leaves once all is written and all that was read `is_complete`.
    pub(super) fn leave(&self, cx: &Context<'_>, is_complete: bool) -> Option<TcpStream> {
        let mut state = lock(&self.0);
        if matches!(state.phase, Phase::Serving | Phase::Staying) {
            state.phase = Phase::Leaving;
        }
        let may_leave = state.phase == Phase::Flushed && is_complete;
        state.waker = Some(cx.waker().clone());
        state.stream.take_if(|_| may_leave).map(Guarded::into_inner)
    }

    /// Begins to leave, if what the server writes until it flushes ends with these bytes.
    pub(super) fn leave_after(&self, last: Bytes) {
        lock(&self.0).phase = Phase::LeavingAfter(last);
    }

    /// The stream, once it has left; an error if it stays.
    pub(super) fn poll_left(&self, cx: &Context<'_>) -> Poll<Result<TcpStream, Stays>> {
        let mut state = lock(&self.0);
        let left = match state.phase {
            Phase::Serving => return Poll::Pending,
            Phase::Leaving | Phase::LeavingAfter(_) => {
                state.waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Phase::Flushed => {
                // Once more at the next flush, for a server that finds the end of the stream only when it looks again.
                state.waker = Some(cx.waker().clone());
                state.stream.take()
            }
            Phase::Staying => {
                // The next answer may.
                state.phase = Phase::Serving;
                None
            }
        };
        Poll::Ready(left.map(Guarded::into_inner).ok_or(Stays))
    }
}

/// Of a stream that does not leave.
pub(super) struct Stays;

impl AsyncRead for Lent {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let may_read = matches!(lock(&self.0).phase, Phase::Serving | Phase::Staying);
        self.with((), |stream| if may_read { stream.poll_read(cx, buffer) } else { Poll::Pending })
    }
}

impl AsyncWrite for Lent {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if lock(&self.0).stream.is_none() && bytes != LAST_CHUNK {
            tracing::warn!(
                bytes = bytes.len(),
                "dropped: it comes behind events of ours, whose stream has left this body"
            );
        }
        let may_wait = mem::take(&mut lock(&self.0).answers_handshake) && bytes.starts_with(SWITCHING_PROTOCOLS);
        let written = ready!(self.with(bytes.len(), |mut stream| match may_wait {
            true => stream.poll_write_with_next(cx, bytes),
            false => stream.poll_write(cx, bytes),
        }))?;
        lock(&self.0).handle_written(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.with((), |stream| stream.poll_flush(cx))?;
        let waiting = if flushed.is_ready() { lock(&self.0).handle_flushed() } else { None };
        if let Some(waker) = waiting {
            waker.wake();
        }
        flushed.map(Ok)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with((), |stream| stream.poll_shutdown(cx))
    }
}

/// The beginning of the answer that accepts a handshake (RFC 6455 §4.2.2).
const SWITCHING_PROTOCOLS: &[u8] = b"HTTP/1.1 101 ";

/// The end of a body in chunks (RFC 9112 §7.1).
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// While a request is being answered.
#[derive(Debug)]
pub struct Answering(Loan);

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(stream) = &mut lock(&self.0.0).stream {
            stream.await_request();
        }
    }
}
