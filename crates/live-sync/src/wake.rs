//! The readers that wait for something new: one waker each, in few lists, so that a publish touches few locks.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    task::Waker,
};

use slab::Slab;

use crate::sync::{Arc, Mutex, lock};

/// Wakes waiting readers: all of them when there is something new, and each when its own time has come.
///
/// A reader looks, calls [`Waiter::wait`], and looks again before it sleeps. The publisher changes what they look at, and
/// then calls [`WakeList::wake_all`]. In every order one of the two looks sees the change, or the waker is there to be woken.
#[derive(Debug)]
pub struct WakeList {
    shards: [Mutex<Slab<Slot>>; SHARDS],
    /// Spreads waiters over the shards. Its order does not matter, so it stays outside the models.
    next: AtomicUsize,
}

#[derive(Debug)]
struct Slot {
    waker: Option<Waker>,
    /// When the reader wants to be woken at the latest.
    due: u64,
}

/// Enough that readers who register on several cores seldom meet; a page without readers pays for each.
#[cfg(not(loom))]
const SHARDS: usize = 8;
#[cfg(loom)]
const SHARDS: usize = 1;

impl Default for WakeList {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::new(Slab::new())), next: AtomicUsize::new(0) }
    }
}

impl WakeList {
    /// A place in the list for one reader. Dropping it leaves the list.
    pub fn enter(list: &Arc<Self>) -> Waiter {
        let shard = list.next.fetch_add(1, Ordering::Relaxed) % SHARDS;
        let key = lock(&list.shards[shard]).insert(Slot { waker: None, due: u64::MAX });
        Waiter { list: Arc::clone(list), shard, key }
    }

    /// Wakes everyone who waits.
    pub fn wake_all(&self) {
        self.wake(|_| true);
    }

    /// Wakes those whose time has come.
    pub fn wake_due(&self, now: u64) {
        self.wake(|slot| slot.due <= now);
    }

    /// How many readers are in the list.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Whether nobody is in the list.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn wake(&self, which: impl Fn(&Slot) -> bool) {
        let mut wakers = Vec::new();
        for shard in &self.shards {
            wakers.extend(
                lock(shard).iter_mut().filter_map(|(_, slot)| if which(slot) { slot.waker.take() } else { None }),
            );
            // Outside the lock: waking may run the reader, which may come back here.
            wakers.drain(..).for_each(Waker::wake);
        }
    }
}

/// One reader's place in a [`WakeList`].
#[derive(Debug)]
pub struct Waiter {
    list: Arc<WakeList>,
    shard: usize,
    key: usize,
}

impl Waiter {
    /// Waits for the next wake-up, at `due` at the latest. Look again after this, before sleeping.
    pub fn wait(&self, waker: &Waker, due: u64) {
        let mut shard = lock(&self.list.shards[self.shard]);
        if let Some(slot) = shard.get_mut(self.key) {
            slot.due = due;
            if !slot.waker.as_ref().is_some_and(|present| present.will_wake(waker)) {
                slot.waker = Some(waker.clone());
            }
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let slot = lock(&self.list.shards[self.shard]).try_remove(self.key);
        // Dropping a waker may drop a task: not under the lock.
        drop(slot);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        task::Wake,
    };

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_waiter_is_woken_once_per_wait_and_when_its_time_has_come() {
        let list = Arc::new(WakeList::default());
        let count = std::sync::Arc::new(Count::default());
        let waker = Waker::from(std::sync::Arc::clone(&count));
        let waiter = WakeList::enter(&list);
        waiter.wait(&waker, 10);
        list.wake_due(9);
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
        list.wake_due(10);
        list.wake_all();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        waiter.wait(&waker, 10);
        list.wake_all();
        assert_eq!(count.0.load(Ordering::SeqCst), 2);
        assert_eq!(list.len(), 1);
        drop(waiter);
        assert!(list.is_empty());
    }
}
