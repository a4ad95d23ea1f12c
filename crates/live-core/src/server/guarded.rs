//! A stream that fails when it makes no progress within the write deadline: what the WebSocket session does for itself, for
//! the other transports.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use live_sync::{Waiter, WakeList};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::hub::Hub;

#[derive(Debug)]
pub(super) struct Guarded {
    stream: TcpStream,
    hub: Hub,
    waiter: Waiter,
    /// Since when the socket has taken nothing.
    blocked_since: Option<u64>,
}

impl Guarded {
    pub(super) fn new(stream: TcpStream, hub: Hub, list: &Arc<WakeList>) -> Self {
        Self { stream, hub, waiter: WakeList::enter(list), blocked_since: None }
    }

    pub(super) fn into_inner(self) -> TcpStream {
        self.stream
    }

    fn check<T>(&mut self, cx: &Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.blocked_since = None;
            return written;
        }
        let now = self.hub.now();
        let deadline = *self.blocked_since.get_or_insert(now) + self.hub.config().write_deadline.as_millis() as u64;
        if now >= deadline {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.waiter.wait(cx.waker(), deadline);
        Poll::Pending
    }
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.check(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.check(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
