//! From one owner of a log to its subscribers: a bounded tail each, in which a loss is a value and never a silence.

use std::{
    collections::VecDeque,
    task::{Context, Poll, Waker},
};

use crate::sync::{Arc, Mutex, lock};

/// Where the owner of a log announces what it has stored.
///
/// The owner stores first and announces then; whoever subscribes does so first and reads the snapshot then.
#[derive(Debug)]
pub struct Announcements<T> {
    subscribers: Mutex<Vec<Arc<Queue<T>>>>,
    capacity: usize,
}

#[derive(Debug)]
struct Queue<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<(u64, T)>,
    /// Something was dropped: everything until the next snapshot is void.
    lost: bool,
    /// The owner is gone.
    ended: bool,
    /// The subscriber is gone.
    left: bool,
    waker: Option<Waker>,
}

impl<T: Clone> Announcements<T> {
    /// Each subscriber holds at most `capacity` announcements that it has not taken; one more is a loss.
    pub fn new(capacity: usize) -> Self {
        Self { subscribers: Mutex::new(Vec::new()), capacity }
    }

    /// Begins a tail: everything announced from now on. Read the snapshot after this.
    pub fn subscribe(&self) -> Tail<T> {
        let state = State { items: VecDeque::new(), lost: false, ended: false, left: false, waker: None };
        let queue = Arc::new(Queue { state: Mutex::new(state) });
        let mut subscribers = lock(&self.subscribers);
        subscribers.retain(|queue| !lock(&queue.state).left);
        subscribers.push(Arc::clone(&queue));
        Tail { queue }
    }

    /// Hands an item with its place in the log to every subscriber, without ever waiting for one.
    pub fn announce(&self, at: u64, item: &T) {
        self.announce_without_waking(at, item).wake();
    }

    /// Tells every subscriber that something may have been lost.
    pub fn lose(&self) {
        self.lose_without_waking().wake();
    }

    /// As [`announce`](Self::announce), for a caller who holds a lock: it wakes them when it has let go.
    pub fn announce_without_waking(&self, at: u64, item: &T) -> Sleepers {
        self.for_each(|state: &mut State<T>| {
            if state.items.len() >= self.capacity {
                state.items.clear();
                state.lost = true;
            } else if !state.lost {
                state.items.push_back((at, item.clone()));
            }
        })
    }

    /// As [`lose`](Self::lose), for a caller who holds a lock.
    pub fn lose_without_waking(&self) -> Sleepers {
        self.for_each(|state: &mut State<T>| {
            state.items.clear();
            state.lost = true;
        })
    }

    /// How many subscribers there are.
    pub fn subscribers(&self) -> usize {
        lock(&self.subscribers).iter().filter(|queue| !lock(&queue.state).left).count()
    }

    fn for_each(&self, change: impl Fn(&mut State<T>)) -> Sleepers {
        let mut wakers = Vec::new();
        // Held throughout: two owners' announcements reach every subscriber in one order.
        let mut subscribers = lock(&self.subscribers);
        subscribers.retain(|queue| {
            let mut state = lock(&queue.state);
            if !state.left {
                change(&mut state);
                wakers.extend(state.waker.take());
            }
            !state.left
        });
        Sleepers(wakers)
    }
}

/// Subscribers who have something to take and do not know it yet.
#[derive(Debug, Default)]
#[must_use = "nobody else wakes them"]
pub struct Sleepers(Vec<Waker>);

impl Sleepers {
    /// Wakes them. Hold no lock: waking may run or drop a task, which may come back here.
    pub fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }

    /// These and those.
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }
}

impl<T> Drop for Announcements<T> {
    fn drop(&mut self) {
        let queues = std::mem::take(&mut *lock(&self.subscribers));
        for queue in queues {
            let mut state = lock(&queue.state);
            state.ended = true;
            let waker = state.waker.take();
            drop(state);
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

/// What was announced since a moment. Dropping it unsubscribes.
#[derive(Debug)]
pub struct Tail<T> {
    queue: Arc<Queue<T>>,
}

impl<T> Tail<T> {
    /// Joins the tail to a snapshot that was read after the tail began and is at `at`.
    pub fn follow<S>(self, at: u64, snapshot: S) -> Subscription<S, T> {
        Subscription { snapshot: Some(snapshot), at, tail: self }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(u64, T), Lost>>> {
        let mut state = lock(&self.queue.state);
        if let Some(item) = state.items.pop_front() {
            return Poll::Ready(Some(Ok(item)));
        }
        if state.lost {
            return Poll::Ready(Some(Err(Lost)));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        let former = state.waker.replace(cx.waker().clone());
        drop(state);
        // Dropping a waker may drop a task: not under the lock.
        drop(former);
        Poll::Pending
    }
}

impl<T> Drop for Tail<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.queue.state);
        state.left = true;
        let unread = (std::mem::take(&mut state.items), state.waker.take());
        drop(state);
        // Outside the lock, as above.
        drop(unread);
    }
}

struct Lost;

/// A snapshot, and then everything that came after it: no gap, no double.
#[derive(Debug)]
pub struct Subscription<S, T> {
    snapshot: Option<S>,
    /// The place of the snapshot, then of the last item.
    at: u64,
    tail: Tail<T>,
}

/// What a [`Subscription`] yields.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<S, T> {
    /// The state; always first, and only once.
    Snapshot(S),
    /// What came after it, in order.
    Item(T),
    /// Continuity was lost. Nothing follows: subscribe anew.
    Lost,
}

impl<S, T> Subscription<S, T> {
    /// The next event, or `None` once the owner of the log is gone. Cancel safe.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event<S, T>>> {
        if let Some(snapshot) = self.snapshot.take() {
            return Poll::Ready(Some(Event::Snapshot(snapshot)));
        }
        loop {
            match self.tail.poll(cx) {
                // Announced after the tail began, but already part of the snapshot.
                Poll::Ready(Some(Ok((at, _)))) if at <= self.at => {}
                Poll::Ready(Some(Ok((at, item)))) => {
                    self.at = at;
                    return Poll::Ready(Some(Event::Item(item)));
                }
                Poll::Ready(Some(Err(Lost))) => return Poll::Ready(Some(Event::Lost)),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        task::Wake,
    };

    use super::*;

    fn poll<S, T>(subscription: &mut Subscription<S, T>) -> Poll<Option<Event<S, T>>> {
        subscription.poll_next(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn what_is_in_the_snapshot_is_not_announced_again() {
        let announcements = Announcements::new(8);
        let tail = announcements.subscribe();
        announcements.announce(1, &"one");
        announcements.announce(2, &"two");
        let mut subscription = tail.follow(1, "snapshot at one");
        assert_eq!(poll(&mut subscription), Poll::Ready(Some(Event::Snapshot("snapshot at one"))));
        assert_eq!(poll(&mut subscription), Poll::Ready(Some(Event::Item("two"))));
        assert_eq!(poll(&mut subscription), Poll::Pending);
    }

    #[test]
    fn a_subscriber_that_does_not_keep_up_learns_that_it_lost_something() {
        let announcements = Announcements::new(2);
        let mut subscription = announcements.subscribe().follow(0, ());
        for at in 1..=3 {
            announcements.announce(at, &at);
        }
        assert_eq!(poll(&mut subscription), Poll::Ready(Some(Event::Snapshot(()))));
        assert_eq!(poll(&mut subscription), Poll::Ready(Some(Event::Lost)));
    }

    #[test]
    fn dropping_the_subscription_unsubscribes_and_dropping_the_owner_ends_it() {
        let announcements = Announcements::<u64>::new(2);
        let first = announcements.subscribe();
        let mut second = announcements.subscribe().follow(0, ());
        assert_eq!(announcements.subscribers(), 2);
        drop(first);
        assert_eq!(announcements.subscribers(), 1);
        drop(announcements);
        assert_eq!(poll(&mut second), Poll::Ready(Some(Event::Snapshot(()))));
        assert_eq!(poll(&mut second), Poll::Ready(None));
    }

    /// Whether the queue was free when its subscriber was woken.
    struct Free(Arc<Queue<u64>>, AtomicBool);

    impl Free {
        fn look(&self) {
            self.1.store(self.0.state.try_lock().is_ok(), Ordering::SeqCst);
        }
    }

    impl Wake for Free {
        fn wake(self: Arc<Self>) {
            self.look();
        }
    }

    #[test]
    fn whoever_is_woken_finds_no_lock_held() {
        let ends: [fn(Announcements<u64>); 3] = [drop, |owner| owner.announce(1, &1), |owner| owner.lose()];
        for end in ends {
            let announcements = Announcements::new(2);
            let mut subscription = announcements.subscribe().follow(0, ());
            let free = Arc::new(Free(Arc::clone(&subscription.tail.queue), AtomicBool::new(false)));
            assert_eq!(poll(&mut subscription), Poll::Ready(Some(Event::Snapshot(()))));
            let waker = Waker::from(Arc::clone(&free));
            assert_eq!(subscription.poll_next(&mut Context::from_waker(&waker)), Poll::Pending);
            end(announcements);
            assert!(free.1.load(Ordering::SeqCst));
        }
    }
}
