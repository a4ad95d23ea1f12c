//! One reader of a page: a cursor, and a place in the list of those who wait.

use std::{
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use live_sync::{Waiter, WakeList};

use super::{Hub, LivePage, Look};
#[cfg(feature = "socket")]
use super::{Latest, Resting};
#[cfg(feature = "socket")]
use crate::transport::Driven;
use crate::{
    close::Close,
    cursor::{Cursor, Start, Version},
    frame::Frame,
    policy::Permit,
    publisher::Transport,
};

/// A reader who was admitted to a page. It holds a cursor and no queue: whatever it lacks is in the page's log.
#[derive(Debug)]
pub struct Reader {
    counted: Counted,
    waiter: Waiter,
    /// While its cursor is with the bus. Boxed, because hardly a reader has it.
    undecided: Option<Box<Waiter>>,
    position: Position,
    /// The last look found that only the bus can say more.
    waits_for_bus: bool,
    /// When its admission ends, in milliseconds since the hub began.
    admitted_until: u64,
    /// Boxed, because hardly a reader has them.
    words: Option<Box<Words>>,
    _permit: Permit,
}

#[derive(Debug, Clone, Copy)]
enum Position {
    Start(Start),
    At(Cursor),
}

/// What a protocol says over a WebSocket beside the frames, as it is sent.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) greeting: Option<Bytes>,
    pub(crate) admission_ended: Bytes,
}

/// What a reader gets.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// A frame to send.
    Frame(Arc<Frame>),
    /// The end of the connection.
    Close(Close),
}

/// How a transport takes its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// One after the other as they were published, while it keeps up.
    Stream,
    /// All that is new in one frame.
    Poll,
}

impl Reader {
    pub(super) fn new(mut counted: Counted, permit: Permit, start: Start) -> Self {
        let waiter = WakeList::enter(&counted.page.wake);
        if start != Start::Recent {
            counted.set_resuming();
        }
        let position = Position::Start(start);
        Self {
            counted,
            waiter,
            undecided: None,
            position,
            waits_for_bus: false,
            admitted_until: u64::MAX,
            words: None,
            _permit: permit,
        }
    }

    /// Ends the reader's admission at this moment: the connection is closed with a code that lets it ask for a new one.
    #[must_use]
    pub fn until(mut self, end: Instant) -> Self {
        let remaining = end.saturating_duration_since(Instant::now());
        self.admitted_until = self.hub().now().saturating_add(remaining.as_millis() as u64);
        self
    }

    /// Has it told more than the frames of the page.
    pub(crate) fn speak(&mut self, words: Words) {
        self.words = Some(Box::new(words));
    }

    /// What it is told before anything else, once.
    pub(crate) fn take_greeting(&mut self) -> Option<Bytes> {
        self.words.as_mut()?.greeting.take()
    }

    /// What it is told before its connection is closed.
    pub(crate) fn last_words(&self, close: Close) -> Option<&[u8]> {
        let words = self.words.as_deref().filter(|_| close == Close::AdmissionEnded)?;
        Some(&words.admission_ended)
    }

    /// Has a task that it shares with other readers of the page do what `serve` makes of it.
    #[cfg(feature = "socket")]
    pub(crate) fn drive(mut self, serve: impl FnOnce(Self) -> Driven) {
        self.leave_to_shard();
        let page = Arc::clone(self.page());
        let look = {
            let (hub, page) = (self.hub().clone(), Arc::clone(&page));
            move || Latest::of(&hub, &page)
        };
        page.shards.adopt(&page.wake, look, serve(self));
    }

    /// From now on, what is new rouses the task that drives it, and not this reader by itself.
    #[cfg(feature = "socket")]
    pub(crate) fn leave_to_shard(&mut self) {
        self.waiter = WakeList::enter_driven(&self.page().wake);
    }

    /// The hub.
    pub fn hub(&self) -> &Hub {
        &self.counted.hub
    }

    pub(crate) fn page(&self) -> &Arc<LivePage> {
        &self.counted.page
    }

    /// The next thing to send; the first is at once what the reader lacks, or an empty frame. `due` is when the caller wants
    /// to be polled again at the latest, in milliseconds since the hub began. Cancel safe.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>, pace: Pace, due: u64) -> Poll<Delivery> {
        loop {
            if let Some(delivery) = self.look(pace) {
                return Poll::Ready(delivery);
            }
            let waits_for_bus = self.waits_for_bus;
            self.wake_at(cx, due);
            self.wait_for_bus(cx);
            if self.waiter.is_driven() && !self.waits_for_bus {
                return Poll::Pending;
            }
            // What came between the look and the wait has woken nobody.
            if let Some(delivery) = self.look(pace) {
                return Poll::Ready(delivery);
            }
            if self.waits_for_bus == waits_for_bus {
                return Poll::Pending;
            }
        }
    }

    /// The reader at rest, if it is at a cursor of the page and waits for a moment.
    #[cfg(feature = "socket")]
    pub(crate) fn rest(&self) -> Option<Resting> {
        let Position::At(cursor) = self.position else { return None };
        let until = self.waiter.waits_until().filter(|_| !self.waits_for_bus)?;
        Some(Resting::new(cursor, until, self.counted.transport()))
    }

    /// Takes the reader from its rest. When it got something then for the last time, if it did.
    #[cfg(feature = "socket")]
    pub(crate) fn resume(&mut self, rested: Resting) -> Option<u64> {
        self.position = Position::At(rested.cursor());
        rested.sent_at()
    }

    fn wait_for_bus(&mut self, cx: &Context<'_>) {
        if !self.waits_for_bus {
            self.undecided = None;
            return;
        }
        let waiter = self.undecided.get_or_insert_with(|| Box::new(WakeList::enter(&self.counted.page.undecided)));
        waiter.wait(cx.waker(), u64::MAX);
    }

    fn look(&mut self, pace: Pace) -> Option<Delivery> {
        if let Some(close) = self.ended() {
            return Some(Delivery::Close(close));
        }
        let look = match self.position {
            Position::Start(start) => self.page().look_first(start, self.hub().config().clock.now()),
            Position::At(cursor) => self.page().look_on(cursor, if pace == Pace::Stream { usize::MAX } else { 1 }),
        };
        self.waits_for_bus = matches!(look, Look::Ask(_) | Look::Wait);
        let frame = match look {
            Look::Frame(frame) => frame,
            Look::Hello(hello) if self.wants_hello(pace) => hello,
            Look::Ask(cursor) => {
                self.hub().ask_standing(self.page(), cursor);
                return None;
            }
            Look::Hello(_) | Look::UpToDate | Look::Wait => return None,
        };
        self.count(&frame, pace);
        self.position = Position::At(frame.cursor());
        Some(Delivery::Frame(frame))
    }

    fn count(&self, frame: &Frame, pace: Pace) {
        let (counters, transport) = (&self.hub().inner.counters, self.counted.transport());
        match self.position {
            Position::At(_) if pace == Pace::Stream => counters.followed(transport, frame),
            _ => counters.delivered(transport, frame),
        }
    }

    /// Counts an answer that was made for this reader alone.
    pub(crate) fn count_answer(&self, bytes: usize) {
        self.hub().inner.counters.answered(self.counted.transport(), bytes);
    }

    /// A stream says hello; so does a poll to a reader that has no cursor yet.
    fn wants_hello(&self, pace: Pace) -> bool {
        pace == Pace::Stream || !matches!(self.position, Position::Start(Start::At(_)))
    }

    fn ended(&self) -> Option<Close> {
        if self.admitted_until != u64::MAX && self.hub().now() >= self.admitted_until {
            return Some(Close::AdmissionEnded);
        }
        self.hub().drain_close(self.counted.resuming)
    }

    /// Ready when the page's head is above `seen`. Cancel safe.
    pub(crate) fn poll_head(&mut self, cx: &mut Context<'_>, seen: Version, due: u64) -> Poll<Result<(), Close>> {
        let moved = |page: &LivePage| page.with_page(|page| page.cursor().version > seen).unwrap_or(false);
        if let Some(close) = self.ended() {
            return Poll::Ready(Err(close));
        }
        if moved(self.page()) {
            return Poll::Ready(Ok(()));
        }
        self.wake_at(cx, due);
        if moved(self.page()) { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Notes that it was woken by itself, and has to ask for that again.
    pub(crate) fn handle_woken(&mut self) {
        self.waiter.handle_woken();
    }

    /// Asks to be polled again by then, or when the page changes.
    pub(crate) fn wake_at(&mut self, cx: &Context<'_>, due: u64) {
        self.waiter.wait(cx.waker(), due.min(self.admitted_until));
    }

    /// Whether the reader's cursor is with the bus, which has to place it.
    pub(crate) fn waits_for_bus(&self) -> bool {
        self.waits_for_bus
    }

    /// The heartbeat for a reader that is at the head; a reader behind it is about to get a frame.
    pub(crate) fn heartbeat(&self) -> Option<Arc<Frame>> {
        let Position::At(cursor) = self.position else { return None };
        let heartbeat = self.page().heartbeat().filter(|heartbeat| heartbeat.cursor() == cursor)?;
        let transport = self.counted.transport();
        self.hub().inner.counters.sent(transport, heartbeat.len_over(transport));
        Some(heartbeat)
    }

    /// The delay before a reader may come back.
    pub(crate) fn random_delay(&self, window: Duration) -> Duration {
        self.hub().random_delay(window)
    }
}

/// Counts a reader on its page for as long as it exists.
#[derive(Debug)]
pub(super) struct Counted {
    hub: Hub,
    page: Arc<LivePage>,
    resuming: bool,
    /// `None` while nobody reads over it yet.
    transport: Option<Transport>,
}

impl Counted {
    /// Call it under the lock of the hub's pages, so that the page is not closed in between.
    pub(super) fn new(hub: &Hub, page: &Arc<LivePage>) -> Self {
        page.readers.fetch_add(1, Ordering::AcqRel);
        Self { hub: hub.clone(), page: Arc::clone(page), resuming: false, transport: None }
    }

    pub(super) fn over(mut self, transport: Transport) -> Self {
        self.hub.inner.counters.joined(transport);
        self.transport = Some(transport);
        self
    }

    pub(super) fn page(&self) -> &Arc<LivePage> {
        &self.page
    }

    fn transport(&self) -> Transport {
        self.transport.unwrap_or(Transport::WebSocket)
    }

    fn set_resuming(&mut self) {
        self.resuming = true;
        self.page.resuming.fetch_add(1, Ordering::AcqRel);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.resuming {
            self.page.resuming.fetch_sub(1, Ordering::AcqRel);
        }
        if let Some(transport) = self.transport {
            self.hub.inner.counters.left(transport);
        }
        self.hub.reader_left(&self.page);
    }
}
