//! A stream that ends when its peer does nothing: takes nothing within the write deadline, as the WebSocket session sees to by
//! itself, or sends no request within the header time-out, where the framework leaves that to its server.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use live_sync::{Waiter, WakeList};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{Lent, tune, write_with_next};
use crate::hub::Hub;

/// Guards the sockets of one server. The hub's sweep keeps their deadlines.
#[derive(Debug, Clone)]
pub struct Guards {
    hub: Hub,
    list: Arc<WakeList>,
}

impl Guards {
    /// For a server of this hub's readers.
    pub fn new(hub: Hub) -> Self {
        let list = Arc::default();
        hub.sweep_also(&list);
        Self { hub, list }
    }

    /// Tunes a socket that was accepted, and guards it.
    pub fn guard(&self, stream: TcpStream) -> Guarded {
        tune(&stream, self.hub.config());
        let waiter = WakeList::enter(&self.list);
        Guarded { stream, hub: self.hub.clone(), waiter, blocked_since: None, request: Request::Unknown }
    }

    /// Tunes a socket that was accepted, guards it, and lends it to the HTTP server of a framework, which says when a
    /// request [begins to be answered](super::Loan::answer_request).
    pub fn lend(&self, stream: TcpStream) -> Lent {
        let mut stream = self.guard(stream);
        stream.await_request();
        Lent::new(stream)
    }

    /// Waits until the hub drains, ends the sockets on which nothing is under way, and returns when all readers have left or
    /// `Config::drain_deadline` is over: for servers that do not see the WebSockets which have left them.
    pub async fn drained(&self) {
        self.hub.draining().await;
        self.list.wake_all();
        let _ = tokio::time::timeout(self.hub.config().drain_deadline, self.hub.all_left()).await;
    }
}

/// A socket under guard.
#[derive(Debug)]
pub struct Guarded {
    stream: TcpStream,
    hub: Hub,
    waiter: Waiter,
    /// Since when the socket has taken nothing.
    blocked_since: Option<u64>,
    request: Request,
}

/// Where the connection is with its requests, if the server says when they begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    /// The server does not say, and sees to it itself.
    Unknown,
    /// Nothing of the next one has come.
    Awaited { since: u64 },
    /// Some of its header has come.
    Begun { since: u64 },
    /// It is being answered.
    Answered,
}

impl Guarded {
    /// Awaits the next request: from now on its header has to come within `Config::header_timeout`, or the stream ends. When the
    /// hub drains, a stream on which nothing of it has come ends at once.
    pub fn await_request(&mut self) {
        let since = self.hub.now();
        // Whoever came although the server drains is told so.
        let is_late = self.request == Request::Unknown && self.hub.is_draining();
        self.request = if is_late { Request::Begun { since } } else { Request::Awaited { since } };
    }

    /// A whole header has come: the peer may wait for the answer however long it takes.
    pub fn answer_request(&mut self) {
        self.request = Request::Answered;
    }

    /// The stream, without its guard.
    pub fn into_inner(self) -> TcpStream {
        self.stream
    }

    /// Writes what is to go out together with what is written next.
    pub(super) fn poll_write_with_next(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match write_with_next(&self.stream, bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Pin::new(self).poll_write(cx, bytes),
            written => self.check_written(cx, Poll::Ready(written)),
        }
    }

    /// When the peer must have done something at the latest.
    fn deadline(&self) -> u64 {
        let after = |since: u64, wait: Duration| since + wait.as_millis() as u64;
        let read = match self.request {
            Request::Awaited { since } | Request::Begun { since } => after(since, self.hub.config().header_timeout),
            Request::Unknown | Request::Answered => u64::MAX,
        };
        let write = self.blocked_since.map_or(u64::MAX, |since| after(since, self.hub.config().write_deadline));
        read.min(write)
    }

    fn check_written<T>(&mut self, cx: &Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.blocked_since = None;
            return written;
        }
        let now = self.hub.now();
        let since = *self.blocked_since.get_or_insert(now);
        if now >= since + self.hub.config().write_deadline.as_millis() as u64 {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.waiter.wait(cx.waker(), self.deadline());
        Poll::Pending
    }

    /// The end of the stream, when no request comes.
    fn check_awaited(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let since = match self.request {
            Request::Unknown | Request::Answered => return Poll::Pending,
            Request::Awaited { .. } if self.hub.is_draining() => return Poll::Ready(Ok(())),
            Request::Awaited { since } | Request::Begun { since } => since,
        };
        if self.hub.now() >= since + self.hub.config().header_timeout.as_millis() as u64 {
            return Poll::Ready(Ok(()));
        }
        self.waiter.wait(cx.waker(), self.deadline());
        Poll::Pending
    }
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if Pin::new(&mut self.stream).poll_read(cx, buffer)?.is_pending() {
            return self.check_awaited(cx);
        }
        if let Request::Awaited { .. } = self.request {
            self.request = Request::Begun { since: self.hub.now() };
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.check_written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.check_written(cx, written)
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
