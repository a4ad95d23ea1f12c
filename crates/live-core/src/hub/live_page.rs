//! This process's replica of one page: the view that its readers share, and the list that they wait in.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use live_sync::WakeList;
use tokio::sync::{Notify, watch};

#[cfg(feature = "socket")]
use super::shards::Shards;
use crate::{
    cursor::{Cursor, Start},
    frame::Frame,
    id::ChannelId,
    metrics::Counters,
    page::{Answer, ApplyError, Numbered, Page, Standing, View, ViewLimits},
    publisher::Transport,
    sync::lock,
};

/// A page that has readers, or had within the linger.
#[derive(Debug)]
pub(crate) struct LivePage {
    pub(crate) channel: ChannelId,
    limits: ViewLimits,
    counters: Arc<Counters>,
    /// Held to look or to apply, never across an await and never while waking.
    state: Mutex<State>,
    pub(crate) wake: Arc<WakeList>,
    /// What drives those on bare sockets.
    #[cfg(feature = "socket")]
    pub(super) shards: Shards,
    /// Those of the readers whose cursors are with the bus. Apart, so that a stranger's cursor wakes nobody else.
    pub(super) undecided: Arc<WakeList>,
    pub(super) opening: watch::Sender<Opening>,
    /// Asks the pump to take a new snapshot, because the head differs from the bus's.
    pub(super) resubscribe: Notify,
    pub(super) readers: AtomicUsize,
    /// Those of them who sent a cursor, and so will come back when they are closed.
    pub(super) resuming: AtomicUsize,
    /// When the last reader left, in milliseconds since the hub began.
    pub(super) left_at: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// `None` until the bus's first snapshot.
    view: Option<View>,
    /// The bus does not confirm the head.
    stale: bool,
    /// What the bus said of cursors that the view cannot place. Bounded by [`MAX_VERDICTS`].
    verdicts: HashMap<Cursor, Verdict>,
    /// How many snapshots there were. What the bus said of a cursor counts for the one that it was asked at.
    generation: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Asked,
    /// The bus has it; the view will catch up.
    Alive,
    /// Dead, and the bus was at this head when it said so: a view that has not reached it would take the reader back.
    DeadAt(Cursor),
}

/// Whether the page can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    Pending,
    Open,
    Failed,
}

/// What a reader finds when it looks.
#[derive(Debug)]
pub(crate) enum Look {
    Frame(Arc<Frame>),
    /// At its first look the reader has everything. With the empty frame at that very head: one that is made later may be at
    /// the next, and the reader would miss what is between.
    Hello(Arc<Frame>),
    UpToDate,
    /// The bus has to be asked about this cursor, once.
    Ask(Cursor),
    /// The bus has been asked, or has something that is still to come.
    Wait,
}

/// Cursors that the bus was asked about, at a time; with more they all are asked about anew.
const MAX_VERDICTS: usize = 1_024;

impl LivePage {
    pub(super) fn new(channel: ChannelId, limits: ViewLimits, counters: Arc<Counters>) -> Self {
        Self {
            channel,
            limits,
            counters,
            state: Mutex::default(),
            wake: Arc::default(),
            #[cfg(feature = "socket")]
            shards: Shards::default(),
            undecided: Arc::default(),
            opening: watch::Sender::new(Opening::Pending),
            resubscribe: Notify::new(),
            readers: AtomicUsize::new(0),
            resuming: AtomicUsize::new(0),
            left_at: AtomicU64::new(0),
        }
    }

    /// The first look of a reader. `now` is in microseconds since the Unix epoch.
    pub(crate) fn look_first(&self, start: Start, now: u64) -> Look {
        self.look(|view| view.start(start, now), |view, stale| Look::Hello(view.heartbeat(stale)))
    }

    /// The next frame for a reader at `cursor`, one of the newest `few` or a conflated one.
    pub(crate) fn look_on(&self, cursor: Cursor, few: usize) -> Look {
        self.look(|view| view.since(cursor, few), |_, _| Look::UpToDate)
    }

    /// The only look of somebody who does not wait; [`Look::Wait`] if the bus would have to be waited for.
    pub(crate) fn glance(&self, start: Start, now: u64) -> Look {
        let mut state = lock(&self.state);
        let stale = state.stale;
        let Some(view) = &mut state.view else { return Look::Wait };
        match view.start(start, now) {
            Answer::Frame(frame) => Look::Frame(frame),
            Answer::UpToDate if stale => Look::Wait,
            Answer::UpToDate if matches!(start, Start::At(_)) => Look::UpToDate,
            // Who has no cursor yet gets one.
            Answer::UpToDate => Look::Hello(view.heartbeat(stale)),
            Answer::Unknown(_) => Look::Wait,
        }
    }

    fn look(&self, ask: impl Fn(&mut View) -> Answer, up_to_date: impl Fn(&mut View, bool) -> Look) -> Look {
        let mut state = lock(&self.state);
        let stale = state.stale;
        let Some(view) = &mut state.view else { return Look::Wait };
        match ask(view) {
            Answer::Frame(frame) => Look::Frame(frame),
            Answer::UpToDate => up_to_date(view, stale),
            Answer::Unknown(cursor) => state.judge(cursor),
        }
    }

    /// The empty frame at the head.
    pub(crate) fn heartbeat(&self) -> Option<Arc<Frame>> {
        let mut state = lock(&self.state);
        let stale = state.stale;
        state.view.as_mut().map(|view| view.heartbeat(stale))
    }

    /// Which snapshot the page is at. Take it before the bus is asked.
    pub(super) fn generation(&self) -> u64 {
        lock(&self.state).generation
    }

    /// What the bus said of a cursor since this generation began, and its head; `None` if it does not answer, and the next look asks
    /// again. An answer from before the present snapshot is dropped: the cursor was asked about again, or will be.
    pub(super) fn set_verdict(&self, cursor: Cursor, generation: u64, answer: Option<(Standing, Cursor)>) {
        let mut state = lock(&self.state);
        if generation == state.generation {
            match answer {
                Some((Standing::Dead, head)) => state.remember(cursor, Verdict::DeadAt(head)),
                Some((Standing::At(_), _)) => state.remember(cursor, Verdict::Alive),
                Some((Standing::Unknown, _)) | None => drop(state.verdicts.remove(&cursor)),
            }
        }
        drop(state);
        self.undecided.wake_all();
    }

    pub(super) fn has_reached(&self, head: Cursor) -> bool {
        lock(&self.state).view.as_ref().is_some_and(|view| view.has_reached(head))
    }

    pub(super) fn install(&self, page: Page) {
        let mut state = lock(&self.state);
        match &mut state.view {
            Some(view) => view.replace_page(page),
            None => state.view = Some(View::new(page, self.limits)),
        }
        state.stale = false;
        // They were given for another copy, and perhaps another log.
        state.verdicts.clear();
        state.generation += 1;
        drop(state);
        self.wake.wake_all();
    }

    /// `Err` if updates in between are missing.
    pub(super) fn apply(&self, update: &Numbered) -> Result<(), ApplyError> {
        let mut state = lock(&self.state);
        let Some(view) = &mut state.view else { return Ok(()) };
        match view.apply(update) {
            Ok(()) => {}
            Err(ApplyError::Old { .. }) => return Ok(()),
            Err(gap) => return Err(gap),
        }
        if let Some(frame) = view.newest() {
            frame.set_arrived(Instant::now());
        }
        state.forget_alive();
        drop(state);
        self.counters.updates.add(1);
        self.wake.wake_all();
        Ok(())
    }

    /// Counts somebody who was answered at a glance, by this frame or by none.
    pub(crate) fn count_glance(&self, frame: Option<&Frame>) {
        self.counters.visited(Transport::IntervalPolling);
        if let Some(frame) = frame {
            self.counters.delivered(Transport::IntervalPolling, frame);
        }
    }

    pub(super) fn set_stale(&self) {
        lock(&self.state).stale = true;
    }

    pub(super) fn set_confirmed(&self) {
        lock(&self.state).stale = false;
    }

    pub(crate) fn is_stale(&self) -> bool {
        lock(&self.state).stale
    }

    /// Looks at the page as it is, if the bus has given it.
    pub(crate) fn with_page<T>(&self, read: impl FnOnce(&Page) -> T) -> Option<T> {
        self.with_view(|view| read(view.page()))
    }

    pub(super) fn with_view<T>(&self, read: impl FnOnce(&View) -> T) -> Option<T> {
        lock(&self.state).view.as_ref().map(read)
    }

    /// The hub has let go of the page: its pump gives the subscription back, and whoever waits for it to open is told.
    pub(super) fn end(&self) {
        self.opening.send_replace(Opening::Failed);
        self.resubscribe.notify_one();
    }

    pub(super) fn has_no_readers(&self) -> bool {
        self.readers.load(Ordering::Acquire) == 0
    }
}

impl State {
    /// The view has moved, so what was still to come may be here. If not, the bus is asked again.
    fn forget_alive(&mut self) {
        self.verdicts.retain(|_, verdict| *verdict != Verdict::Alive);
    }

    fn judge(&mut self, cursor: Cursor) -> Look {
        match self.verdicts.get(&cursor) {
            Some(Verdict::Asked | Verdict::Alive) => Look::Wait,
            Some(Verdict::DeadAt(head)) => match &mut self.view {
                Some(view) if view.has_reached(*head) => Look::Frame(view.give_up()),
                _ => Look::Wait,
            },
            None => {
                self.remember(cursor, Verdict::Asked);
                Look::Ask(cursor)
            }
        }
    }

    fn remember(&mut self, cursor: Cursor, verdict: Verdict) {
        if self.verdicts.len() >= MAX_VERDICTS && !self.verdicts.contains_key(&cursor) {
            self.verdicts.clear();
        }
        self.verdicts.insert(cursor, verdict);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::Config,
        cursor::{Epoch, Version},
        id::PostId,
        page::PageLimits,
        update::{Render, Update},
    };

    fn publish(page: &mut Page, now: u64, update: Update) -> Numbered {
        let limits: PageLimits = Config::default().page;
        let numbered = page.number(update, now, Epoch::from_bits(2), &limits).unwrap().unwrap();
        page.apply(&numbered).unwrap();
        numbered
    }

    #[test]
    fn a_replica_that_lags_does_not_take_a_reader_back() {
        let mut page = Page::new(Epoch::from_bits(1), 10);
        publish(&mut page, 10, Update::replace([]));
        let live = LivePage::new(ChannelId::new("a").unwrap(), Config::default().view_limits(), Arc::default());
        live.install(page.clone());
        let update = Update::new().render(Render::new(PostId::new("a").unwrap(), "x"));
        let missing = publish(&mut page, 20, update);
        // The reader has seen what this replica has not, and then the log forgot it.
        let reader = Cursor::new(missing.cursor.epoch, Version::saturating(15));
        assert!(matches!(live.look_on(reader, 9), Look::Ask(_)));
        live.set_verdict(reader, live.generation(), Some((Standing::Dead, page.cursor())));
        assert!(matches!(live.look_on(reader, 9), Look::Wait));
        live.apply(&missing).unwrap();
        assert!(matches!(live.look_on(reader, 9), Look::Frame(frame) if frame.cursor() == page.cursor()));
    }

    #[test]
    fn the_bus_is_asked_once_and_again_when_it_did_not_answer() {
        let live = LivePage::new(ChannelId::new("a").unwrap(), Config::default().view_limits(), Arc::default());
        live.install(Page::new(Epoch::from_bits(1), 10));
        let reader = Cursor::new(Epoch::from_bits(7), Version::saturating(15));
        assert!(matches!(live.look_on(reader, 9), Look::Ask(_)));
        assert!(matches!(live.look_on(reader, 9), Look::Wait));
        live.set_verdict(reader, live.generation(), None);
        assert!(matches!(live.look_on(reader, 9), Look::Ask(_)));
    }

    #[test]
    fn a_page_that_becomes_whole_resets_the_readers_it_had_to_send_away() {
        let mut page = Page::new(Epoch::from_bits(1), 10);
        let live = LivePage::new(ChannelId::new("a").unwrap(), Config::default().view_limits(), Arc::default());
        live.install(page.clone());
        let reader = Cursor::new(Epoch::from_bits(7), Version::saturating(15));
        assert!(matches!(live.look_on(reader, 9), Look::Ask(_)));
        live.set_verdict(reader, live.generation(), Some((Standing::Dead, page.cursor())));
        assert!(matches!(live.look_on(reader, 9), Look::Frame(_)));
        live.apply(&publish(&mut page, 20, Update::replace([]))).unwrap();
        let Look::Frame(frame) = live.look_on(reader, 9) else { panic!("the reader waits for ever") };
        assert!(String::from_utf8_lossy(&frame.json()).contains("\"reset\":true"));
    }

    #[test]
    fn what_the_bus_said_for_an_earlier_snapshot_does_not_count_for_this_one() {
        let live = LivePage::new(ChannelId::new("a").unwrap(), Config::default().view_limits(), Arc::default());
        let earlier = Page::new(Epoch::from_bits(1), 10);
        live.install(earlier.clone());
        let reader = Cursor::new(Epoch::from_bits(7), Version::saturating(15));
        assert!(matches!(live.look_on(reader, 9), Look::Ask(_)));
        let generation = live.generation();
        let page = Page::new(Epoch::from_bits(3), 10);
        live.install(page.clone());
        live.set_verdict(reader, generation, Some((Standing::Dead, earlier.cursor())));
        assert!(matches!(live.look_on(reader, 9), Look::Ask(_)), "the reader waits for ever");
        live.set_verdict(reader, generation, None);
        assert!(matches!(live.look_on(reader, 9), Look::Wait), "it was asked again already");
        live.set_verdict(reader, live.generation(), Some((Standing::Dead, page.cursor())));
        assert!(matches!(live.look_on(reader, 9), Look::Frame(_)));
    }

    #[test]
    fn verdicts_have_a_bound_whatever_the_order_of_questions_and_answers() {
        let live = LivePage::new(ChannelId::new("a").unwrap(), Config::default().view_limits(), Arc::default());
        let page = Page::new(Epoch::from_bits(1), 10);
        live.install(page.clone());
        let readers = (0..2 * MAX_VERDICTS as u64).map(|at| Cursor::new(Epoch::from_bits(7), Version::saturating(at)));
        let readers: Vec<_> = readers.collect();
        assert!(readers.iter().all(|reader| matches!(live.look_on(*reader, 9), Look::Ask(_))));
        for reader in readers {
            live.set_verdict(reader, live.generation(), Some((Standing::Dead, page.cursor())));
            assert!(lock(&live.state).verdicts.len() <= MAX_VERDICTS);
            assert!(matches!(live.look_on(reader, 9), Look::Frame(_)));
        }
    }
}
