//! WebSocket as the body of a response, for frameworks that give away no stream.

use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::{super::connection::Dialogue, conversation::Conversation};
use crate::{hub::Reader, session::CLOSE_WAIT};

/// One reader's WebSocket as the body of the response that accepts its handshake: for adapters whose framework hands out no more
/// than that. The body says what to send, and what the reader sends comes from the request's payload. No task, no queue and no
/// buffer belongs to it. [`Outgoing`](crate::http::Outgoing) makes one where an answer is a WebSocket.
///
/// It cannot see the socket. The framework must write what it was given before it asks for more than a small buffer's worth, so
/// that a slow reader falls behind in the page's log and not in a queue; and since a body is not asked while that buffer is
/// full, the write deadline is the socket's own: `tune` it (feature `socket`). After the last bytes the framework has
/// to end the connection; [`serve_websocket`](crate::serve_websocket) would close its half first and listen on.
#[derive(Debug)]
pub struct WebSocketBody {
    conversation: Conversation,
    /// When the bytes were handed out that the framework has not come back from.
    handed_out_at: Option<u64>,
    ending: Ending,
}

/// How far the end has come after the reader broke the protocol.
#[derive(Debug, Clone, Copy)]
enum Ending {
    /// There may be more to send.
    Not,
    /// Nothing has come since the last bytes were handed out.
    Quiet,
    /// Until then the reader may send to its end: with bytes unread the socket would be reset, and the close frame lost.
    Lingers { until: u64 },
}

impl WebSocketBody {
    /// The WebSocket of a reader whose handshake is accepted.
    pub fn new(reader: Reader) -> Self {
        Self { conversation: Conversation::new(reader), handed_out_at: None, ending: Ending::Not }
    }

    /// What the framework asks a body: the next bytes to send, `None` when the connection is to end. `poll_payload` polls the
    /// request's payload. Cancel safe.
    pub fn poll_exchange(
        &mut self,
        cx: &mut Context<'_>,
        mut poll_payload: impl FnMut(&mut Context<'_>) -> Poll<Option<Bytes>>,
    ) -> Poll<Option<Bytes>> {
        while self.wants_bytes() {
            match poll_payload(cx) {
                Poll::Ready(Some(bytes)) => self.handle_bytes(&bytes),
                // The reader is gone.
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => break,
            }
        }
        self.poll_bytes(cx)
    }

    /// Not while the reader leaves answers unread: the rest stays in the payload, which slows the reader down.
    fn wants_bytes(&self) -> bool {
        self.conversation.session.wants_bytes()
    }

    /// Takes what the reader sent, in pieces of any size.
    fn handle_bytes(&mut self, bytes: &[u8]) {
        let now = self.conversation.now();
        self.conversation.session.handle_bytes(bytes, now);
        if let Ending::Quiet = self.ending {
            self.linger(now);
        }
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let now = self.conversation.now();
        if let Some(since) = self.handed_out_at.take() {
            self.conversation.session.handle_held(since, now);
        }
        match ready!(self.conversation.poll_outgoing(cx, now)) {
            Some(bytes) => {
                self.handed_out_at = Some(now);
                Poll::Ready(Some(bytes))
            }
            None => self.poll_end(cx, now).map(|()| None),
        }
    }

    /// The reader again, as long as nothing was sent or taken.
    #[cfg(feature = "socket")]
    pub(crate) fn into_reader(self) -> Reader {
        self.conversation.reader
    }

    fn linger(&mut self, now: u64) {
        self.ending = Ending::Lingers { until: now + CLOSE_WAIT.as_millis() as u64 };
    }

    fn poll_end(&mut self, cx: &mut Context<'_>, now: u64) -> Poll<()> {
        if let Ending::Not = self.ending
            && self.conversation.session.is_overrun()
        {
            self.linger(now);
        }
        match self.ending {
            Ending::Not if self.conversation.session.has_failed() => {
                self.ending = Ending::Quiet;
                // The framework sends what it holds, and reads, before it asks again.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Ending::Lingers { until } if self.conversation.session.has_failed() && now < until => {
                self.conversation.reader.wake_at(cx, until);
                Poll::Pending
            }
            _ => {
                tracing::debug!(channel = %self.conversation.reader.page().channel, "reader left");
                Poll::Ready(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{task::Waker, time::Duration};

    use super::*;
    use crate::{ChannelId, Config, Hub, PostId, Render, Update, bus, cursor::Start};

    const BREACH: [u8; 3] = [0x81, 0x01, b'x'];
    /// An empty close frame, masked with zeros.
    const CLOSE: [u8; 6] = [0x88, 0x80, 0, 0, 0, 0];

    async fn open() -> (Hub, WebSocketBody) {
        let config = Config::default();
        let hub = Hub::new(bus::from_url("memory:", &config).unwrap(), config).unwrap();
        let reader = hub.join(&channel(), Start::Recent, hub.admit(None).unwrap()).await.unwrap();
        let mut body = WebSocketBody::new(reader);
        assert!(next(&mut body).is_some_and(|hello| hello[0] == 0x81));
        assert_eq!(body.poll_bytes(&mut Context::from_waker(Waker::noop())), Poll::Pending);
        (hub, body)
    }

    fn channel() -> ChannelId {
        ChannelId::new("blog").unwrap()
    }

    fn poll(body: &mut WebSocketBody) -> Poll<Option<Bytes>> {
        body.poll_bytes(&mut Context::from_waker(Waker::noop()))
    }

    fn next(body: &mut WebSocketBody) -> Option<Bytes> {
        match poll(body) {
            Poll::Ready(next) => next,
            Poll::Pending => panic!("nothing to send, and not the end"),
        }
    }

    #[tokio::test]
    async fn what_is_published_is_the_body() {
        let (hub, mut body) = open().await;
        let update = Update::new().render(Render::new(PostId::new("1").unwrap(), "<p>one</p>"));
        hub.publish(&channel(), update, None).await.unwrap();
        let woken = tokio::time::timeout(Duration::from_secs(10), std::future::poll_fn(|cx| body.poll_bytes(cx))).await;
        assert!(String::from_utf8_lossy(&woken.unwrap().unwrap()).contains("<p>one</p>"));
    }

    #[tokio::test]
    async fn a_close_is_answered_and_then_the_body_ends_at_once() {
        let (hub, mut body) = open().await;
        body.handle_bytes(&CLOSE);
        assert_eq!(next(&mut body).unwrap(), &[0x88, 0][..]);
        assert_eq!(next(&mut body), None);
        drop(body);
        assert_eq!(hub.readers(), 0);
    }

    #[tokio::test]
    async fn after_a_breach_the_body_ends_as_soon_as_its_close_frame_is_out() {
        let (_hub, mut body) = open().await;
        body.handle_bytes(&BREACH);
        assert_eq!(next(&mut body).unwrap()[2..4], 1002u16.to_be_bytes());
        assert_eq!(poll(&mut body), Poll::Pending);
        assert_eq!(next(&mut body), None);
    }

    #[tokio::test]
    async fn a_reader_that_goes_on_sending_after_a_breach_is_listened_to_until_it_closes() {
        let (_hub, mut body) = open().await;
        body.handle_bytes(&BREACH);
        next(&mut body);
        assert_eq!(poll(&mut body), Poll::Pending);
        for _ in 0..3 {
            body.handle_bytes(&[7; 100]);
            assert_eq!(poll(&mut body), Poll::Pending);
        }
        body.handle_bytes(&CLOSE);
        assert_eq!(next(&mut body), None);
    }

    #[tokio::test]
    async fn the_rest_of_a_message_that_is_too_big_is_waited_for() {
        let (_hub, mut body) = open().await;
        body.handle_bytes(&[&[0x82, 0xff][..], &(1u64 << 20).to_be_bytes(), &[0; 4]].concat());
        assert_eq!(next(&mut body).unwrap()[2..4], 1009u16.to_be_bytes());
        assert_eq!(poll(&mut body), Poll::Pending);
        assert_eq!(poll(&mut body), Poll::Pending);
        body.handle_bytes(&[&[7; 1_000][..], &CLOSE].concat());
        assert_eq!(next(&mut body), None);
    }

    #[tokio::test]
    async fn answers_that_are_left_unread_do_not_pile_up() {
        let (_hub, mut body) = open().await;
        let ping = [&[0x89, 0xfd, 0, 0, 0, 0][..], &[0; 125]].concat();
        let mut taken = 0;
        while body.wants_bytes() {
            body.handle_bytes(&ping);
            taken += ping.len();
        }
        assert!(taken < 32 << 10);
        assert!(next(&mut body).is_some() && body.wants_bytes());
    }
}
