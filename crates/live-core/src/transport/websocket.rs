//! WebSocket over any stream. No buffer and no timer belongs to a connection: reads share one buffer per thread, writes send
//! the page's own bytes, and the hub's sweep wakes what is due.

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
    hub::{Delivery, Pace, Reader},
    session::{CLOSE_WAIT, Due, Session},
};

/// Serves one reader on a stream whose handshake is done, until either side closes. `read_ahead` is what was read beyond the
/// handshake. Dropping the future closes the stream.
///
/// # Errors
/// What the stream reports; the reader is gone then.
pub async fn serve_websocket<S>(stream: S, read_ahead: Bytes, reader: Reader) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = Connection::new(stream, reader);
    if !read_ahead.is_empty() {
        let now = connection.reader.hub().now();
        connection.session.handle_bytes(&read_ahead, now);
    }
    drop(read_ahead);
    let end = std::future::poll_fn(|cx| connection.poll(cx)).await;
    tracing::debug!(channel = %connection.reader.page().channel, end = ?end, "reader left");
    end.map(|_| ())
}

struct Connection<S> {
    stream: S,
    session: Session,
    reader: Reader,
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

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    fn new(stream: S, reader: Reader) -> Self {
        let session = Session::new(reader.hub().config(), reader.hub().now());
        Self { stream, session, reader, outgoing: Bytes::new(), lingers_until: None }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Close>>> {
        let now = self.reader.hub().now();
        loop {
            if self.poll_read(cx, now)?.is_ready() {
                return Poll::Ready(Ok(None));
            }
            let was_full = !self.session.wants_bytes();
            let end = match self.lingers_until {
                Some(until) => self.poll_linger(cx, now, until),
                None => self.poll_write(cx, now),
            };
            if end.is_ready() || !was_full || !self.session.wants_bytes() {
                return end;
            }
        }
    }

    /// Ready at the end of the stream. What the session does not want yet stays in the kernel, which slows the reader down.
    fn poll_read(&mut self, cx: &mut Context<'_>, now: u64) -> io::Result<Poll<()>> {
        SCRATCH.with_borrow_mut(|scratch| {
            while self.session.wants_bytes() {
                let mut buffer = ReadBuf::new(scratch);
                match Pin::new(&mut self.stream).poll_read(cx, &mut buffer)? {
                    Poll::Pending => return Ok(Poll::Pending),
                    Poll::Ready(()) if buffer.filled().is_empty() => return Ok(Poll::Ready(())),
                    Poll::Ready(()) => self.session.handle_bytes(buffer.filled(), now),
                }
            }
            Ok(Poll::Pending)
        })
    }

    /// Writes what there is, one frame at a time, and ready when the connection has ended.
    fn poll_write(&mut self, cx: &mut Context<'_>, now: u64) -> Poll<io::Result<Option<Close>>> {
        // Fairness: a reader that lacks much lets others on the thread have their turn.
        for _ in 0..MAX_WRITES {
            while self.outgoing.has_remaining() {
                match Pin::new(&mut self.stream).poll_write(cx, &self.outgoing)? {
                    Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(written) => {
                        self.outgoing.advance(written);
                        self.session.handle_written(now);
                    }
                    Poll::Pending => return self.poll_blocked(cx, now),
                }
            }
            // An empty slice of a frame would keep the whole frame.
            self.outgoing = Bytes::new();
            match self.poll_outgoing(cx, now) {
                Poll::Ready(Some(bytes)) => self.outgoing = bytes,
                Poll::Ready(None) => return self.poll_shutdown(cx, now),
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_blocked(&mut self, cx: &mut Context<'_>, now: u64) -> Poll<io::Result<Option<Close>>> {
        match self.session.handle_blocked(now) {
            // Part of a frame may be out, so no close frame can follow: the socket just ends.
            Due::Close(close) => Poll::Ready(Ok(Some(close))),
            Due::At(deadline) => {
                self.reader.wake_at(cx, deadline);
                Poll::Pending
            }
            Due::Heartbeat => Poll::Pending,
        }
    }

    /// The next bytes to write; `None` when there will be none.
    fn poll_outgoing(&mut self, cx: &mut Context<'_>, now: u64) -> Poll<Option<Bytes>> {
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
            match self.reader.poll_next(cx, Pace::Stream, due) {
                Poll::Ready(Delivery::Frame(frame)) => return Poll::Ready(Some(frame.websocket())),
                Poll::Ready(Delivery::Close(close)) => self.session.close(close, now),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn heartbeat(&self) -> Bytes {
        match self.reader.heartbeat() {
            Some(frame) => frame.websocket_with_ping(),
            None => Bytes::from_static(&crate::frame::PING),
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>, now: u64) -> Poll<io::Result<Option<Close>>> {
        ready!(pin!(&mut self.stream).poll_shutdown(cx))?;
        let until = now + CLOSE_WAIT.as_millis() as u64;
        self.lingers_until = Some(until);
        self.poll_linger(cx, now, until)
    }

    fn poll_linger(&mut self, cx: &mut Context<'_>, now: u64, until: u64) -> Poll<io::Result<Option<Close>>> {
        if now >= until {
            return Poll::Ready(Ok(None));
        }
        self.reader.wake_at(cx, until);
        Poll::Pending
    }
}

const MAX_WRITES: usize = 32;
