//! Many members that one task drives: roused together at the price of one wake-up, or woken each by itself.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    // Wakers are the standard library's, and loom's `Arc` has no weak references.
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use slab::Slab;

use crate::sync::{AtomicBool, Mutex, Ordering, lock};

/// What a shard drives: as a future, which also learns why it is polled.
pub trait Member: fmt::Debug {
    /// As [`Future::poll`](std::future::Future::poll). With [`Call::Roused`] the waker of its last poll has not been woken, so that whatever else it waits for has not
    /// come.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>, call: Call) -> Poll<()>;
}

/// Why a member is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Something is new for all.
    Roused,
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
    /// Those to be polled by themselves. A member stands in it once.
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
pub struct Entrance<M: ?Sized> {
    rouser: Arc<Rouser>,
    newcomers: Newcomers<M>,
}

/// Those who have come and whom the shard has not let in yet.
type Newcomers<M> = Arc<Mutex<Vec<Pin<Box<M>>>>>;

impl<M: ?Sized> Entrance<M> {
    /// Adds a member.
    ///
    /// # Errors
    /// The member, if the shard has ended: begin another one.
    pub fn adopt(&self, member: Pin<Box<M>>) -> Result<(), Pin<Box<M>>> {
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

impl<M: ?Sized> Clone for Entrance<M> {
    fn clone(&self) -> Self {
        Self { rouser: Arc::clone(&self.rouser), newcomers: Arc::clone(&self.newcomers) }
    }
}

/// The work of a task: it drives its members, and ends when the last one has.
///
/// It polls so many members in a turn, so that a large shard does not hold up small ones: its task lets others on the thread have theirs
/// before the next.
#[derive(Debug)]
pub struct Shard<M: ?Sized> {
    rouser: Arc<Rouser>,
    newcomers: Newcomers<M>,
    members: Slab<Place<M>>,
    /// The members that a rousing has not reached yet.
    sweep: std::ops::Range<usize>,
    /// Woken by themselves, and still to be polled.
    ready: Vec<usize>,
}

#[derive(Debug)]
struct Place<M: ?Sized> {
    // In a box: the slab grows by moving, and leaves room for as many again.
    member: Pin<Box<M>>,
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
    Poll(usize),
    Sleep,
    End,
}

impl<M: Member + ?Sized> Shard<M> {
    /// An empty shard. It ends when it is polled and nobody has come.
    pub fn new() -> (Self, Entrance<M>) {
        let (rouser, newcomers) = (Arc::new(Rouser::new()), Arc::new(Mutex::default()));
        let entrance = Entrance { rouser: Arc::clone(&rouser), newcomers: Arc::clone(&newcomers) };
        (Self { rouser, newcomers, members: Slab::new(), sweep: 0..0, ready: Vec::new() }, entrance)
    }

    /// Polls whoever is to be polled. Pending when there is nothing to do; ready at the end of a turn.
    pub fn poll_turn(&mut self, cx: &Context<'_>) -> Poll<Turn> {
        for _ in 0..MAX_POLLS {
            match self.next(cx) {
                Next::Poll(key) => self.poll_member(key),
                Next::Sleep => return Poll::Pending,
                Next::End => return Poll::Ready(Turn::Last),
            }
        }
        Poll::Ready(Turn::Over)
    }

    fn next(&mut self, cx: &Context<'_>) -> Next {
        loop {
            if let Some(key) = self.sweep.find(|key| self.members.contains(*key)) {
                return Next::Poll(key);
            }
            if let Some(key) = self.ready.pop() {
                return Next::Poll(key);
            }
            let mut state = lock(&self.rouser.state);
            if std::mem::take(&mut state.arrived) {
                let newcomers = std::mem::take(&mut *lock(&self.newcomers));
                drop(state);
                newcomers.into_iter().for_each(|member| self.admit(member));
            } else if std::mem::take(&mut state.all) {
                self.sweep = 0..self.members.capacity();
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

    fn admit(&mut self, member: Pin<Box<M>>) {
        let entry = self.members.vacant_entry();
        let key = entry.key();
        let bell = Arc::new(Bell { rouser: Arc::clone(&self.rouser), key, is_rung: AtomicBool::new(true) });
        let waker = Waker::from(Arc::clone(&bell));
        entry.insert(Place { member, bell, waker });
        self.ready.push(key);
    }

    fn poll_member(&mut self, key: usize) {
        // Whoever was here and rang may have gone.
        let Some(Place { member, bell, waker }) = self.members.get_mut(key) else { return };
        // Before it looks: what rings meanwhile is for the next time.
        let call = if bell.is_rung.swap(false, Ordering::AcqRel) { Call::Woken } else { Call::Roused };
        let mut cx = Context::from_waker(waker);
        // One that panics ends by itself, as it would in a task of its own.
        let is_over = catch_unwind(AssertUnwindSafe(|| member.as_mut().poll(&mut cx, call).is_ready())).unwrap_or(true);
        if is_over {
            let place = self.members.remove(key);
            // Nor does one whose end panics end the others.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(place)));
        }
    }
}

impl<M: ?Sized> Drop for Shard<M> {
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

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::{
        Arc as StdArc, Mutex as StdMutex,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    /// Counts its polls; ends when it is told to.
    #[derive(Debug, Default)]
    struct Seen {
        polls: AtomicUsize,
        calls: StdMutex<Vec<Call>>,
        ends: std::sync::atomic::AtomicBool,
        panics: std::sync::atomic::AtomicBool,
        waker: StdMutex<Option<Waker>>,
    }

    #[derive(Debug)]
    struct Reader(StdArc<Seen>);

    impl Member for Reader {
        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>, call: Call) -> Poll<()> {
            self.0.polls.fetch_add(1, Ordering::SeqCst);
            lock(&self.0.calls).push(call);
            assert!(!self.0.panics.load(Ordering::SeqCst), "as it was told to");
            *lock(&self.0.waker) = Some(cx.waker().clone());
            if self.0.ends.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
        }
    }

    fn shard(members: usize) -> (Shard<Reader>, Entrance<Reader>, Vec<StdArc<Seen>>) {
        let (shard, entrance) = Shard::new();
        let seen: Vec<_> = (0..members).map(|_| StdArc::new(Seen::default())).collect();
        for seen in &seen {
            assert!(entrance.adopt(Box::pin(Reader(StdArc::clone(seen)))).is_ok());
        }
        (shard, entrance, seen)
    }

    /// Runs until the shard sleeps, and says how many turns that took; `None` if it ended.
    fn run(shard: &mut Shard<Reader>) -> Option<usize> {
        let cx = Context::from_waker(Waker::noop());
        for turn in 1.. {
            match shard.poll_turn(&cx) {
                Poll::Ready(Turn::Last) => return None,
                Poll::Ready(Turn::Over) => {}
                Poll::Pending => return Some(turn),
            }
        }
        None
    }

    fn polls(seen: &[StdArc<Seen>]) -> Vec<usize> {
        seen.iter().map(|seen| seen.polls.load(Ordering::SeqCst)).collect()
    }

    #[test]
    fn all_are_polled_when_they_are_roused_and_one_when_it_is_woken() {
        let (mut shard, entrance, seen) = shard(3);
        run(&mut shard);
        assert_eq!(polls(&seen), [1, 1, 1]);
        entrance.rouser().rouse();
        entrance.rouser().rouse();
        run(&mut shard);
        assert_eq!(polls(&seen), [2, 2, 2]);
        let waker = lock(&seen[1].waker).clone().unwrap();
        waker.wake_by_ref();
        waker.wake();
        run(&mut shard);
        assert_eq!(polls(&seen), [2, 3, 2]);
        assert_eq!(*lock(&seen[1].calls), [Call::Woken, Call::Roused, Call::Woken]);
    }

    #[test]
    fn whoever_is_woken_while_all_are_roused_hears_of_it() {
        let (mut shard, entrance, seen) = shard(1);
        run(&mut shard);
        entrance.rouser().rouse();
        lock(&seen[0].waker).clone().unwrap().wake();
        run(&mut shard);
        assert_eq!(lock(&seen[0].calls)[1], Call::Woken);
    }

    #[test]
    fn a_large_shard_lets_others_have_their_turn() {
        let (mut shard, entrance, seen) = shard(3 * MAX_POLLS);
        run(&mut shard);
        entrance.rouser().rouse();
        assert!(run(&mut shard).is_some_and(|turns| turns >= 3));
        assert!(polls(&seen).iter().all(|polls| *polls == 2));
    }

    #[test]
    fn a_member_that_panics_ends_by_itself() {
        let (mut shard, entrance, seen) = shard(2);
        run(&mut shard);
        seen[0].panics.store(true, Ordering::SeqCst);
        entrance.rouser().rouse();
        run(&mut shard);
        entrance.rouser().rouse();
        run(&mut shard);
        assert_eq!(polls(&seen), [2, 3]);
    }

    #[test]
    fn it_ends_with_its_last_member_and_takes_nobody_in_then() {
        let (mut shard, entrance, seen) = shard(1);
        assert_eq!(run(&mut shard), Some(1));
        seen[0].ends.store(true, Ordering::SeqCst);
        entrance.rouser().rouse();
        assert_eq!(run(&mut shard), None);
        assert!(entrance.adopt(Box::pin(Reader(StdArc::default()))).is_err());
    }

    #[test]
    fn whoever_waits_at_the_door_of_a_shard_that_is_dropped_is_dropped_too() {
        let (shard, entrance, seen) = shard(1);
        drop(shard);
        assert_eq!(StdArc::strong_count(&seen[0]), 1);
        assert!(entrance.adopt(Box::pin(Reader(StdArc::default()))).is_err());
    }
}
