//! WebSocket over a stream of bytes. Reads share one buffer per thread.

use std::{
    cell::RefCell,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use live_sync::Call;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::websocket::Conversation;
use crate::{
    close::Close,
    hub::Reader,
    session::{CLOSE_WAIT, Due},
};

/// Serves one reader on a stream whose handshake is done, until either side closes. `read_ahead` is what was read beyond the
/// handshake. Dropping the future closes the stream.
///
/// # Errors
/// What the stream reports; the reader is gone then.
pub fn serve_websocket<S>(stream: S, read_ahead: Bytes, reader: Reader) -> impl Future<Output = io::Result<()>> + use<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // Not in the future, which would keep room for its arguments beside the connection.
    Connection::begin(stream, &read_ahead, reader)
}

#[derive(Debug)]
pub(crate) struct Connection<S> {
    stream: S,
    conversation: Conversation,
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

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Connection<S> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_called(cx, Call::Woken)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn begin(stream: S, read_ahead: &[u8], reader: Reader) -> Self {
        let mut conversation = Conversation::new(reader);
        if !read_ahead.is_empty() {
            let now = conversation.now();
            conversation.session.handle_bytes(read_ahead, now);
        }
        Self { stream, conversation, outgoing: Bytes::new(), lingers_until: None }
    }

    /// As polling it, for whoever knows why it is polled.
    pub(super) fn poll_called(&mut self, cx: &mut Context<'_>, call: Call) -> Poll<io::Result<()>> {
        let end = ready!(self.poll_end(cx, call));
        match end {
            Ok(end) => self.conversation.log_end(end),
            Err(_) => self.conversation.log_end(None),
        }
        Poll::Ready(end.map(|_| ()))
    }

    fn poll_end(&mut self, cx: &mut Context<'_>, call: Call) -> Poll<io::Result<Option<Close>>> {
        let now = self.conversation.now();
        // Else the stream has nothing to read: its waker would have been woken.
        let mut may_read = call == Call::Woken;
        loop {
            if may_read && self.poll_read(cx, now)?.is_ready() {
                return Poll::Ready(Ok(None));
            }
            may_read = true;
            let was_full = !self.conversation.session.wants_bytes();
            let end = match self.lingers_until {
                Some(until) => self.poll_linger(cx, now, until),
                None => self.poll_write(cx, now),
            };
            if end.is_ready() || !was_full || !self.conversation.session.wants_bytes() {
                return end;
            }
        }
    }

    /// Ready at the end of the stream. What the session does not want yet stays in the kernel, which slows the reader down.
    fn poll_read(&mut self, cx: &mut Context<'_>, now: u64) -> io::Result<Poll<()>> {
        SCRATCH.with_borrow_mut(|scratch| {
            while self.conversation.session.wants_bytes() {
                let mut buffer = ReadBuf::new(scratch);
                match Pin::new(&mut self.stream).poll_read(cx, &mut buffer)? {
                    Poll::Pending => return Ok(Poll::Pending),
                    Poll::Ready(()) if buffer.filled().is_empty() => return Ok(Poll::Ready(())),
                    Poll::Ready(()) => self.conversation.session.handle_bytes(buffer.filled(), now),
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
                        self.conversation.session.handle_written(now);
                    }
                    Poll::Pending => return self.poll_blocked(cx, now),
                }
            }
            // An empty slice of a frame would keep the whole frame.
            self.outgoing = Bytes::new();
            // A stream with a buffer of its own (TLS) may keep what it took. Before the next frame is chosen: this is a queue, too.
            if Pin::new(&mut self.stream).poll_flush(cx)?.is_pending() {
                return self.poll_blocked(cx, now);
            }
            self.conversation.session.handle_flushed(now);
            match self.conversation.poll_outgoing(cx, now) {
                Poll::Ready(Some(bytes)) => self.outgoing = bytes,
                Poll::Ready(None) => return self.poll_shutdown(cx, now),
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_blocked(&mut self, cx: &mut Context<'_>, now: u64) -> Poll<io::Result<Option<Close>>> {
        match self.conversation.session.handle_blocked(now) {
            // Part of a frame may be out, so no close frame can follow: the socket just ends.
            Due::Close(close) => Poll::Ready(Ok(Some(close))),
            Due::At(deadline) => {
                self.conversation.reader.wake_at(cx, deadline);
                Poll::Pending
            }
            Due::Heartbeat => Poll::Pending,
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>, now: u64) -> Poll<io::Result<Option<Close>>> {
        if pin!(&mut self.stream).poll_shutdown(cx)?.is_pending() {
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
        self.conversation.reader.wake_at(cx, until);
        Poll::Pending
    }
}

const MAX_WRITES: usize = 32;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        io::{AsyncReadExt, BufStream},
        net::TcpStream,
    };

    use super::*;
    use crate::{ChannelId, Config, Hub, bus, cursor::Start, session::Session};

    fn size_of_future<F>(_: fn(TcpStream, Bytes, Reader) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_connection_is_no_more_than_what_it_holds() {
        let held = size_of::<TcpStream>() + size_of::<Session>() + size_of::<Reader>() + size_of::<Bytes>();
        let lingers = size_of::<Option<u64>>();
        assert!(size_of_future(serve_websocket::<TcpStream>) <= held + lingers);
    }

    #[tokio::test]
    async fn a_stream_with_a_buffer_of_its_own_is_flushed() {
        let config = Config::default();
        let hub = Hub::new(bus::from_url("memory:", &config).unwrap(), config).unwrap();
        let channel = ChannelId::new("blog").unwrap();
        let reader = hub.join(&channel, Start::Recent, hub.admit(None).unwrap()).await.unwrap();
        let (ours, mut theirs) = tokio::io::duplex(1 << 10);
        let _served = tokio::spawn(serve_websocket(BufStream::new(ours), Bytes::new(), reader));
        let hello = tokio::time::timeout(Duration::from_secs(10), theirs.read_u8()).await;
        assert_eq!(hello.unwrap().unwrap(), 0x81);
    }
}
