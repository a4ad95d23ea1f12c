//! Many members that one task drives: roused together at the price of one wake-up, or woken each by itself.

mod members;
#[cfg(all(test, not(loom)))]
mod tests;

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    // Wakers are the standard library's, and loom's `Arc` has no weak references.
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use self::members::Members;
use crate::sync::{AtomicBool, Mutex, Ordering, lock};

/// What a shard drives: as a future, which also learns why it is polled, and what is new.
pub trait Member<N>: fmt::Debug {
    /// As [`Future::poll`](std::future::Future::poll). Between two calls a member may be moved.
    fn poll(&mut self, cx: &mut Context<'_>, call: Call<'_, N>) -> Poll<()>;
}

/// Why a member is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call<'a, N> {
    /// Something is new for all: what the shard has seen. Whatever came later rouses it again, and whatever has woken the member's own
    /// waker since its last poll has it polled once more.
    Roused(&'a N),
    /// It has come just now, or its waker was woken.
    Woken,
}

/// What wakes a shard. It stays when the shard has ended, and does nothing then.
#[derive(Debug)]
pub struct Rouser {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Each member is to be polled, because something is new for all of them.
    all: bool,
    /// Those to be polled by themselves.
    ready: Vec<usize>,
    /// There are newcomers.
    arrived: bool,
    /// Nobody is in the shard any more, and nobody may come.
    ended: bool,
    waker: Option<Waker>,
}

impl Rouser {
    fn new() -> Self {
        Self { state: Mutex::default() }
    }

    /// Has every member polled. The cost does not depend on how many there are: the shard's task pays for them.
    pub fn rouse(&self) {
        self.tell(|state| state.all = true);
    }

    fn tell(&self, change: impl FnOnce(&mut State)) {
        let mut state = lock(&self.state);
        change(&mut state);
        let waker = state.waker.take();
        drop(state);
        // Outside the lock: waking may run or drop a task, which may come back here.
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Where members come into a shard.
#[derive(Debug)]
pub struct Entrance<M> {
    rouser: Arc<Rouser>,
    newcomers: Newcomers<M>,
}

/// Those who have come and whom the shard has not let in yet.
type Newcomers<M> = Arc<Mutex<Vec<M>>>;

impl<M> Entrance<M> {
    /// Adds a member.
    ///
    /// # Errors
    /// The member, if the shard has ended: begin another one.
    pub fn adopt(&self, member: M) -> Result<(), M> {
        let mut refused = Some(member);
        self.rouser.tell(|state| {
            if !state.ended {
                // Under the lock of the state, so that the shard does not end in between.
                lock(&self.newcomers).extend(refused.take());
                state.arrived = true;
            }
        });
        refused.map_or(Ok(()), Err)
    }

    /// Whether the shard has ended, and takes nobody in any more.
    pub fn has_ended(&self) -> bool {
        lock(&self.rouser.state).ended
    }

    /// What rouses the shard.
    pub fn rouser(&self) -> &Arc<Rouser> {
        &self.rouser
    }
}

impl<M> Clone for Entrance<M> {
    fn clone(&self) -> Self {
        Self { rouser: Arc::clone(&self.rouser), newcomers: Arc::clone(&self.newcomers) }
    }
}

/// The work of a task: it drives its members, and ends when the last one has.
///
/// It polls so many members in a turn, so that a large shard does not hold up small ones: its task lets others on the thread have theirs
/// before the next.
#[derive(Debug)]
pub struct Shard<M> {
    rouser: Arc<Rouser>,
    newcomers: Newcomers<M>,
    members: Members<Place<M>>,
    /// The members that a rousing has not reached yet.
    sweep: std::ops::Range<usize>,
    /// Woken by themselves, and still to be polled.
    ready: Vec<usize>,
}

#[derive(Debug)]
struct Place<M> {
    member: M,
    bell: Arc<Bell>,
    waker: Waker,
}

/// A member's waker.
#[derive(Debug)]
struct Bell {
    rouser: Arc<Rouser>,
    key: usize,
    /// It stands in the list of those to be polled.
    is_rung: AtomicBool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_rung.swap(true, Ordering::AcqRel) {
            self.rouser.tell(|state| state.ready.push(self.key));
        }
    }
}

/// Members polled in a turn, which takes a fraction of a millisecond, even where each writes to its socket.
const MAX_POLLS: usize = 64;

/// How a turn of a shard ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Others may have theirs; there may be more to do.
    Over,
    /// Nobody is in the shard any more.
    Last,
}

/// What there is to do.
enum Next {
    /// What was seen so far may be out of date.
    Look,
    PollRoused(usize),
    PollWoken(usize),
    Sleep,
    End,
}

impl<M> Shard<M> {
    /// An empty shard. It ends when it is polled and nobody has come.
    pub fn new() -> (Self, Entrance<M>) {
        let (rouser, newcomers) = (Arc::new(Rouser::new()), Arc::new(Mutex::default()));
        let entrance = Entrance { rouser: Arc::clone(&rouser), newcomers: Arc::clone(&newcomers) };
        (Self { rouser, newcomers, members: Members::new(), sweep: 0..0, ready: Vec::new() }, entrance)
    }

    /// Polls whoever is to be polled. Pending when there is nothing to do; ready at the end of a turn. `look` finds what is new, once for
    /// all who are roused.
    pub fn poll_turn<N>(&mut self, cx: &Context<'_>, mut look: impl FnMut() -> N) -> Poll<Turn>
    where
        M: Member<N>,
    {
        let mut news = None;
        for _ in 0..MAX_POLLS {
            match self.next(cx) {
                Next::Look => news = None,
                Next::PollRoused(key) => self.poll_member(key, Call::Roused(news.get_or_insert_with(&mut look))),
                Next::PollWoken(key) => self.poll_member(key, Call::Woken),
                Next::Sleep => return Poll::Pending,
                Next::End => return Poll::Ready(Turn::Last),
            }
        }
        Poll::Ready(Turn::Over)
    }

    fn next(&mut self, cx: &Context<'_>) -> Next {
        loop {
            if let Some(key) = self.sweep.find(|key| self.members.contains(*key)) {
                return Next::PollRoused(key);
            }
            if let Some(key) = self.ready.pop() {
                return Next::PollWoken(key);
            }
            let mut state = lock(&self.rouser.state);
            if std::mem::take(&mut state.arrived) {
                let newcomers = std::mem::take(&mut *lock(&self.newcomers));
                drop(state);
                newcomers.into_iter().for_each(|member| self.admit(member));
            } else if std::mem::take(&mut state.all) {
                self.sweep = 0..self.members.end();
                // Behind the sweep, and before the next one: else they would wait for as long as there is always something new.
                std::mem::swap(&mut self.ready, &mut state.ready);
                return Next::Look;
            } else if !state.ready.is_empty() {
                std::mem::swap(&mut self.ready, &mut state.ready);
            } else if self.members.is_empty() {
                state.ended = true;
                return Next::End;
            } else {
                state.waker = Some(cx.waker().clone());
                return Next::Sleep;
            }
        }
    }

    fn admit(&mut self, member: M) {
        let Self { rouser, members, ready, .. } = self;
        members.insert(|key| {
            let bell = Arc::new(Bell { rouser: Arc::clone(rouser), key, is_rung: AtomicBool::new(true) });
            let waker = Waker::from(Arc::clone(&bell));
            ready.push(key);
            Place { member, bell, waker }
        });
    }

    fn poll_member<N>(&mut self, key: usize, call: Call<'_, N>)
    where
        M: Member<N>,
    {
        // Whoever was here and rang may have gone.
        let Some(Place { member, bell, waker }) = self.members.get_mut(key) else { return };
        // Whoever is roused does not see to what has rung, so its bell stays rung. And to look at a bell is to fetch memory that nothing else needs.
        if let Call::Woken = call {
            // Before it looks: what rings meanwhile is for the next time.
            bell.is_rung.swap(false, Ordering::AcqRel);
        }
        let mut cx = Context::from_waker(waker);
        // One that panics ends by itself, as it would in a task of its own.
        let poll = || member.poll(&mut cx, call).is_ready();
        let is_over = catch_unwind(AssertUnwindSafe(poll)).unwrap_or(true);
        if is_over {
            let place = self.members.remove(key);
            // Nor does one whose end panics end the others.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(place)));
        }
    }
}

impl<M> Drop for Shard<M> {
    fn drop(&mut self) {
        // Nobody may wait in a shard that nobody drives, be it because its runtime ends.
        let mut state = lock(&self.rouser.state);
        state.ended = true;
        let waker = state.waker.take();
        let newcomers = std::mem::take(&mut *lock(&self.newcomers));
        drop(state);
        drop((waker, newcomers));
    }
}
