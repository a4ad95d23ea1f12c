//! A socket that is lent to a framework, which gives none away, and comes back from it.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::Guarded;
use crate::{
    sync::lock,
    transport::{WebSocketBody, drive_websocket},
};

/// A guarded socket that an HTTP server of a framework takes for its connection, if it takes any stream. A clone is the same
/// socket: give one to the server, and have its requests find another.
#[derive(Debug, Clone)]
pub struct Lent(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// `None` once it has left: to the server the connection has ended then.
    stream: Option<Guarded>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Serving,
    /// Nothing more is read, so that nothing is read past who takes over. The answer to the handshake is on its way.
    Leaving,
    /// What the server had to write is written.
    Flushed,
}

impl State {
    /// Whether a stream that is to leave has nothing more to write.
    fn is_flushed(&mut self) -> bool {
        if self.phase == Phase::Leaving {
            self.phase = Phase::Flushed;
        }
        self.phase == Phase::Flushed
    }
}

impl Lent {
    pub(super) fn new(mut stream: Guarded) -> Self {
        stream.await_request();
        Self(Arc::new(Mutex::new(State { stream: Some(stream), phase: Phase::Serving })))
    }

    /// A whole header has come, and the peer may wait for the answer however long it takes. The next request is awaited from when
    /// what this returns is dropped: keep it with the answer's body.
    #[must_use]
    pub fn answer_request(&self) -> Answering {
        if let Some(stream) = &mut lock(&self.0).stream {
            stream.answer_request();
        }
        Answering(self.clone())
    }

    /// Begins to leave, and leaves once all is written and all that was read `is_complete`.
    fn leave(&self, is_complete: bool) -> Option<TcpStream> {
        let mut state = lock(&self.0);
        if state.phase == Phase::Serving {
            state.phase = Phase::Leaving;
        }
        let may_leave = state.phase == Phase::Flushed && is_complete;
        state.stream.take_if(|_| may_leave).map(Guarded::into_inner)
    }

    fn with<T>(&self, left: T, run: impl FnOnce(Pin<&mut Guarded>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match &mut lock(&self.0).stream {
            Some(stream) => run(Pin::new(stream)),
            None => Poll::Ready(Ok(left)),
        }
    }
}

impl AsyncRead for Lent {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let is_serving = lock(&self.0).phase == Phase::Serving;
        self.with((), |stream| if is_serving { stream.poll_read(cx, buffer) } else { Poll::Pending })
    }
}

impl AsyncWrite for Lent {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.with(bytes.len(), |stream| stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.with((), |stream| stream.poll_flush(cx))?;
        if flushed.is_ready() && lock(&self.0).is_flushed() {
            // The answer's body waits for this.
            cx.waker().wake_by_ref();
        }
        flushed.map(Ok)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with((), |stream| stream.poll_shutdown(cx))
    }
}

/// While a request is being answered.
#[derive(Debug)]
pub struct Answering(Lent);

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(stream) = &mut lock(&self.0.0).stream {
            stream.await_request();
        }
    }
}

/// A WebSocket on its way from the body of its answer to the bare stream.
#[derive(Debug)]
pub(crate) struct Leaving {
    socket: Lent,
    body: Option<WebSocketBody>,
    /// What the server has read of the reader's own bytes.
    read_ahead: BytesMut,
}

impl Leaving {
    pub(crate) fn new(socket: &Lent, body: WebSocketBody) -> Self {
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
        let Some(stream) = self.socket.leave(is_complete) else { return Poll::Pending };
        if let Some(body) = self.body.take() {
            drive_websocket(stream, self.read_ahead.split().freeze(), body.into_reader());
        }
        Poll::Ready(())
    }
}
