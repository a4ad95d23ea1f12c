//! The readers that wait for something new: one waker each, in few lists, so that a publish touches few locks.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    task::Waker,
};

use slab::Slab;

use crate::{
    Rouser,
    sync::{Arc, Mutex, lock},
};

/// Wakes waiting readers: all of them when there is something new, and each when its own time has come.
///
/// A reader looks, calls [`Waiter::wait`], and looks again before it sleeps. The publisher changes what they look at, and
/// then calls [`WakeList::wake_all`]. In every order one of the two looks sees the change, or the waker is there to be woken.
#[derive(Debug)]
pub struct WakeList {
    /// First of those who wait by themselves, then of those whom a shard drives.
    lists: [Mutex<Slab<Slot>>; 2 * LISTS],
    /// Spreads waiters over the lists. Its order does not matter, so it stays outside the models.
    next: AtomicUsize,
    /// What rouses the shards that drive readers.
    shards: Mutex<Vec<std::sync::Weak<Rouser>>>,
}

#[derive(Debug)]
struct Slot {
    waker: Option<Waker>,
    /// When the reader wants to be woken at the latest.
    due: u64,
}

/// Enough that readers who register on several cores seldom meet; a page without readers pays for each.
#[cfg(not(loom))]
const LISTS: usize = 8;
#[cfg(loom)]
const LISTS: usize = 1;

impl Default for WakeList {
    fn default() -> Self {
        Self {
            lists: std::array::from_fn(|_| Mutex::new(Slab::new())),
            next: AtomicUsize::new(0),
            shards: Mutex::new(Vec::new()),
        }
    }
}

impl WakeList {
    /// A place in the list for one reader. Dropping it leaves the list.
    pub fn enter(list: &Arc<Self>) -> Waiter {
        Self::enter_from(list, 0)
    }

    /// A place for a reader whom a shard drives that this list [rouses](Self::rouse_also): only its own time wakes it by itself.
    pub fn enter_driven(list: &Arc<Self>) -> Waiter {
        Self::enter_from(list, LISTS)
    }

    fn enter_from(list: &Arc<Self>, first: usize) -> Waiter {
        let place = first + list.next.fetch_add(1, Ordering::Relaxed) % LISTS;
        let key = lock(&list.lists[place]).insert(Slot { waker: None, due: u64::MAX });
        Waiter { list: Arc::clone(list), place, key, due: u64::MAX }
    }

    /// Rouses this shard, too, whenever there is something new, for as long as it is there.
    pub fn rouse_also(&self, rouser: &std::sync::Arc<Rouser>) {
        let mut shards = lock(&self.shards);
        shards.retain(|shard| shard.strong_count() > 0);
        shards.push(std::sync::Arc::downgrade(rouser));
    }

    /// Wakes everyone who waits.
    pub fn wake_all(&self) {
        // First the many: their tasks work while the others are woken one by one.
        let shards: Vec<_> = lock(&self.shards).iter().filter_map(std::sync::Weak::upgrade).collect();
        shards.iter().for_each(|shard| shard.rouse());
        self.wake(&self.lists[..LISTS], |_| true);
    }

    /// Wakes those whose time has come.
    pub fn wake_due(&self, now: u64) {
        self.wake(&self.lists, |slot| slot.due <= now);
    }

    /// How many readers are in the list.
    pub fn len(&self) -> usize {
        self.lists.iter().map(|list| lock(list).len()).sum()
    }

    /// Whether nobody is in the list.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn wake(&self, lists: &[Mutex<Slab<Slot>>], which: impl Fn(&Slot) -> bool) {
        let mut wakers = Vec::new();
        for list in lists {
            wakers.extend(
                lock(list).iter_mut().filter_map(|(_, slot)| if which(slot) { slot.waker.take() } else { None }),
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
    place: usize,
    key: usize,
    /// Until when it waits, at the latest.
    due: u64,
}

impl Waiter {
    /// Whether a shard drives the reader, which is roused for whatever is new after it began to look.
    pub fn is_driven(&self) -> bool {
        self.place >= LISTS
    }

    /// Until when a reader that a shard drives waits at the latest, if it does.
    pub fn waits_until(&self) -> Option<u64> {
        (self.is_driven() && self.due < u64::MAX).then_some(self.due)
    }

    /// Notes that its waker may have been woken, after which it does not wait any more.
    pub fn handle_woken(&mut self) {
        self.due = u64::MAX;
    }

    /// Waits for the next wake-up, at `due` at the latest. Look again after this, before sleeping, unless a shard drives the reader.
    ///
    /// Who is driven may wait for an earlier time still: it is woken then, and waits anew. So it gives the same waker each time, and calls
    /// [`handle_woken`](Self::handle_woken) whenever that was woken.
    pub fn wait(&mut self, waker: &Waker, due: u64) {
        if self.waits_until().is_some_and(|until| until <= due) {
            return;
        }
        self.due = due;
        let mut list = lock(&self.list.lists[self.place]);
        if let Some(slot) = list.get_mut(self.key) {
            slot.due = due;
            if !slot.waker.as_ref().is_some_and(|present| present.will_wake(waker)) {
                slot.waker = Some(waker.clone());
            }
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let slot = lock(&self.list.lists[self.place]).try_remove(self.key);
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
        let mut waiter = WakeList::enter(&list);
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

    #[test]
    fn who_is_driven_waits_for_the_earlier_time_until_it_has_been_woken() {
        let list = Arc::new(WakeList::default());
        let count = std::sync::Arc::new(Count::default());
        let waker = Waker::from(std::sync::Arc::clone(&count));
        let mut waiter = WakeList::enter_driven(&list);
        let woken_at = |now| {
            list.wake_due(now);
            count.0.swap(0, Ordering::SeqCst) > 0
        };
        waiter.wait(&waker, 20);
        waiter.wait(&waker, 10);
        waiter.wait(&waker, 30);
        assert!(!woken_at(9));
        assert!(woken_at(10));
        waiter.handle_woken();
        waiter.wait(&waker, 30);
        assert!(!woken_at(29));
        assert!(woken_at(30));
    }
}
