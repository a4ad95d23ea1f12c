//! This process's replica of one page: the view that its readers share, and the list that they wait in.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use live_sync::WakeList;
use tokio::sync::{Notify, watch};

use crate::{
    cursor::{Cursor, Start},
    frame::Frame,
    id::ChannelId,
    page::{Answer, ApplyError, Numbered, Page, Standing, View, ViewLimits},
    sync::lock,
};

/// A page that has readers, or had within the linger.
#[derive(Debug)]
pub(crate) struct LivePage {
    pub(crate) channel: ChannelId,
    limits: ViewLimits,
    /// Held to look or to apply, never across an await and never while waking.
    state: Mutex<State>,
    pub(super) wake: Arc<WakeList>,
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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Asked,
    /// The bus has it; the view will catch up.
    Alive,
    Dead,
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
    UpToDate,
    /// The bus has to be asked about this cursor, once.
    Ask(Cursor),
    /// The bus has been asked, or has something that is still to come.
    Wait,
}

/// Cursors that the bus is asked about at a time; more begin anew.
const MAX_VERDICTS: usize = 1_024;

impl LivePage {
    pub(super) fn new(channel: ChannelId, limits: ViewLimits) -> Self {
        Self {
            channel,
            limits,
            state: Mutex::default(),
            wake: Arc::default(),
            opening: watch::Sender::new(Opening::Pending),
            resubscribe: Notify::new(),
            readers: AtomicUsize::new(0),
            resuming: AtomicUsize::new(0),
            left_at: AtomicU64::new(0),
        }
    }

    /// The first look of a reader. `now` is in microseconds since the Unix epoch.
    pub(crate) fn look_first(&self, start: Start, now: u64) -> Look {
        self.look(|view| view.start(start, now))
    }

    /// The next frame for a reader at `cursor`, one of the newest `few` or a conflated one.
    pub(crate) fn look_on(&self, cursor: Cursor, few: usize) -> Look {
        self.look(|view| view.since(cursor, few))
    }

    fn look(&self, ask: impl Fn(&mut View) -> Answer) -> Look {
        let mut state = lock(&self.state);
        let Some(view) = &mut state.view else { return Look::Wait };
        match ask(view) {
            Answer::Frame(frame) => Look::Frame(frame),
            Answer::UpToDate => Look::UpToDate,
            Answer::Unknown(cursor) => state.judge(cursor),
        }
    }

    /// The empty frame at the head.
    pub(crate) fn heartbeat(&self) -> Option<Arc<Frame>> {
        let mut state = lock(&self.state);
        let stale = state.stale;
        state.view.as_mut().map(|view| view.heartbeat(stale))
    }

    /// What the bus says of a cursor; `None` if it does not answer, and the next look asks again.
    pub(super) fn set_verdict(&self, cursor: Cursor, standing: Option<Standing>) {
        let mut state = lock(&self.state);
        match standing {
            Some(Standing::Dead) => state.verdicts.insert(cursor, Verdict::Dead),
            Some(Standing::At(_)) => state.verdicts.insert(cursor, Verdict::Alive),
            Some(Standing::Unknown) | None => state.verdicts.remove(&cursor),
        };
        drop(state);
        self.wake.wake_all();
    }

    pub(super) fn install(&self, page: Page) {
        let mut state = lock(&self.state);
        match &mut state.view {
            Some(view) => view.replace_page(page),
            None => state.view = Some(View::new(page, self.limits)),
        }
        state.stale = false;
        state.verdicts.clear();
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
        state.verdicts.retain(|_, verdict| *verdict != Verdict::Alive);
        drop(state);
        self.wake.wake_all();
        Ok(())
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
        lock(&self.state).view.as_ref().map(|view| read(view.page()))
    }

    pub(super) fn has_no_readers(&self) -> bool {
        self.readers.load(Ordering::Acquire) == 0
    }
}

impl State {
    fn judge(&mut self, cursor: Cursor) -> Look {
        match self.verdicts.get(&cursor) {
            Some(Verdict::Asked | Verdict::Alive) => Look::Wait,
            Some(Verdict::Dead) => self.view.as_mut().map_or(Look::Wait, |view| Look::Frame(view.give_up())),
            None => {
                if self.verdicts.len() >= MAX_VERDICTS {
                    self.verdicts.clear();
                }
                self.verdicts.insert(cursor, Verdict::Asked);
                Look::Ask(cursor)
            }
        }
    }
}
