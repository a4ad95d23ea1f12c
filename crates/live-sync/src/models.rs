//! Every interleaving, by loom.

use std::task::{Context, Poll, Waker};

use loom::{
    future::block_on,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::{Announcements, Call, Event, Member, Shard, Turn, WakeList};

/// A log as a bus keeps it: stored first, announced then.
struct Log {
    stored: Mutex<Vec<u64>>,
    announcements: Announcements<u64>,
}

impl Log {
    fn publish(&self, at: u64) {
        self.stored.lock().unwrap().push(at);
        self.announcements.announce(at, &at);
    }
}

#[test]
fn snapshot_and_tail_join_without_gap_or_double() {
    loom::model(|| {
        let log = Arc::new(Log { stored: Mutex::new(Vec::new()), announcements: Announcements::new(8) });
        let publisher = thread::spawn({
            let log = Arc::clone(&log);
            move || [1, 2, 3].into_iter().for_each(|at| log.publish(at))
        });
        let tail = log.announcements.subscribe();
        let snapshot = log.stored.lock().unwrap().clone();
        let mut subscription = tail.follow(snapshot.last().copied().unwrap_or(0), snapshot);
        publisher.join().unwrap();
        let mut seen = Vec::new();
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(event)) = subscription.poll_next(&mut cx) {
            match event {
                Event::Snapshot(snapshot) => seen = snapshot,
                Event::Item(at) => seen.push(at),
                Event::Lost => panic!("nothing was lost"),
            }
        }
        assert_eq!(seen, [1, 2, 3]);
    });
}

#[test]
fn a_subscriber_that_sleeps_is_woken_by_an_announcement() {
    loom::model(|| {
        let announcements = Arc::new(Announcements::new(8));
        let mut subscription = announcements.subscribe().follow(0, ());
        let publisher = thread::spawn({
            let announcements = Arc::clone(&announcements);
            move || announcements.announce(1, &"item")
        });
        let event = block_on(std::future::poll_fn(|cx| subscription.poll_next(cx)));
        assert_eq!(event, Some(Event::Snapshot(())));
        let event = block_on(std::future::poll_fn(|cx| subscription.poll_next(cx)));
        assert_eq!(event, Some(Event::Item("item")));
        publisher.join().unwrap();
    });
}

#[test]
fn a_reader_that_looks_waits_and_looks_again_never_sleeps_through_a_publish() {
    loom::model(|| {
        let list = Arc::new(WakeList::default());
        let head = Arc::new(AtomicUsize::new(0));
        let publisher = thread::spawn({
            let (list, head) = (Arc::clone(&list), Arc::clone(&head));
            move || {
                head.store(1, Ordering::Release);
                list.wake_all();
            }
        });
        let mut waiter = WakeList::enter(&list);
        // Sleeping for ever would be a deadlock, which loom reports.
        block_on(std::future::poll_fn(|cx| {
            if head.load(Ordering::Acquire) == 0 {
                waiter.wait(cx.waker(), u64::MAX);
            }
            if head.load(Ordering::Acquire) == 0 { Poll::Pending } else { Poll::Ready(()) }
        }));
        publisher.join().unwrap();
    });
}

#[test]
fn a_waiter_may_leave_while_it_is_being_woken() {
    loom::model(|| {
        let list = Arc::new(WakeList::default());
        let mut waiter = WakeList::enter(&list);
        waiter.wait(Waker::noop(), 0);
        let publisher = thread::spawn({
            let list = Arc::clone(&list);
            move || list.wake_all()
        });
        drop(waiter);
        publisher.join().unwrap();
        assert!(list.is_empty());
    });
}

/// Does a shard's work until it ends, as its task does.
fn run<M: Member<()>>(mut shard: Shard<M>) {
    run_looking(&mut shard, || ());
}

fn run_looking<M: Member<N>, N>(shard: &mut Shard<M>, mut look: impl FnMut() -> N) {
    while block_on(std::future::poll_fn(|cx| shard.poll_turn(cx, &mut look))) == Turn::Over {}
}

/// Ready once the head has moved.
#[derive(Debug)]
struct Reader {
    head: Arc<AtomicUsize>,
    seen: Arc<AtomicUsize>,
    waiter: crate::Waiter,
}

impl Reader {
    fn poll_head(&self) -> Poll<()> {
        self.poll_at(self.head.load(Ordering::Acquire))
    }

    fn poll_at(&self, head: usize) -> Poll<()> {
        if head == 0 {
            return Poll::Pending;
        }
        self.seen.fetch_add(1, Ordering::AcqRel);
        Poll::Ready(())
    }
}

impl Member<()> for Reader {
    fn poll(&mut self, cx: &mut Context<'_>, _: Call<'_, ()>) -> Poll<()> {
        self.waiter.wait(cx.waker(), u64::MAX);
        self.poll_head()
    }
}

/// Does no more than to take what the shard has seen: what comes after that rouses the shard.
#[derive(Debug)]
struct Roused(Reader);

impl Member<usize> for Roused {
    fn poll(&mut self, _: &mut Context<'_>, call: Call<'_, usize>) -> Poll<()> {
        match call {
            Call::Roused(head) => self.0.poll_at(*head),
            Call::Woken => self.0.poll_head(),
        }
    }
}

#[test]
fn a_shard_never_sleeps_through_a_publish() {
    loom::model(|| {
        let list = Arc::new(WakeList::default());
        let (head, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let reader = Reader { head: Arc::clone(&head), seen: Arc::clone(&seen), waiter: WakeList::enter_driven(&list) };
        let (mut shard, entrance) = Shard::new();
        list.rouse_also(entrance.rouser());
        assert!(entrance.adopt(Roused(reader)).is_ok());
        let publisher = thread::spawn({
            let (list, head) = (Arc::clone(&list), Arc::clone(&head));
            move || {
                head.store(1, Ordering::Release);
                list.wake_all();
            }
        });
        // Sleeping for ever would be a deadlock, which loom reports.
        run_looking(&mut shard, || head.load(Ordering::Acquire));
        publisher.join().unwrap();
        assert_eq!(seen.load(Ordering::Acquire), 1);
    });
}

/// Waits for one moment, and then for another.
#[derive(Debug)]
struct Twice {
    now: Arc<AtomicUsize>,
    waiter: crate::Waiter,
}

impl Member<()> for Twice {
    fn poll(&mut self, cx: &mut Context<'_>, call: Call<'_, ()>) -> Poll<()> {
        if call == Call::Woken {
            self.waiter.handle_woken();
        }
        let due = if self.now.load(Ordering::Acquire) == 0 { 1 } else { 2 };
        self.waiter.wait(cx.waker(), due);
        // The sweep would come again.
        if self.now.load(Ordering::Acquire) == 2 { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[test]
fn a_member_that_is_roused_in_between_is_woken_when_its_time_comes() {
    // All interleavings of so many steps take hours.
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(PREEMPTIONS);
    model.check(|| {
        let list = Arc::new(WakeList::default());
        let now = Arc::new(AtomicUsize::new(0));
        let (mut shard, entrance) = Shard::new();
        list.rouse_also(entrance.rouser());
        let member = Twice { now: Arc::clone(&now), waiter: WakeList::enter_driven(&list) };
        assert!(entrance.adopt(member).is_ok());
        // It waits for the first moment.
        assert!(shard.poll_turn(&Context::from_waker(Waker::noop()), || ()).is_pending());
        let sweeper = thread::spawn({
            let list = Arc::clone(&list);
            move || {
                for moment in 1..=2 {
                    now.store(moment, Ordering::Release);
                    list.wake_due(moment as u64);
                }
            }
        });
        entrance.rouser().rouse();
        run(shard);
        sweeper.join().unwrap();
    });
}

/// How often a thread is interrupted by another in one run of a large model: most errors need no more than two.
const PREEMPTIONS: usize = 3;

#[test]
fn a_newcomer_is_polled_or_refused_by_a_shard_that_is_about_to_end() {
    loom::model(|| {
        let list = Arc::new(WakeList::default());
        let (head, seen) = (Arc::new(AtomicUsize::new(1)), Arc::new(AtomicUsize::new(0)));
        let reader =
            || Reader { head: Arc::clone(&head), seen: Arc::clone(&seen), waiter: WakeList::enter_driven(&list) };
        let (shard, entrance) = Shard::new();
        assert!(entrance.adopt(reader()).is_ok());
        let newcomer = thread::spawn({
            let newcomer = reader();
            move || entrance.adopt(newcomer).is_err()
        });
        run(shard);
        let refused = usize::from(newcomer.join().unwrap());
        assert_eq!(seen.load(Ordering::Acquire) + refused, 2);
    });
}

#[test]
fn a_member_of_a_shard_that_is_woken_by_itself_is_polled() {
    loom::model(|| {
        let list = Arc::new(WakeList::default());
        let (head, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let reader = Reader { head: Arc::clone(&head), seen: Arc::clone(&seen), waiter: WakeList::enter_driven(&list) };
        let (shard, entrance) = Shard::new();
        assert!(entrance.adopt(reader).is_ok());
        // The sweep, which wakes whoever has waited long enough.
        let sweeper = thread::spawn({
            let (list, head) = (Arc::clone(&list), Arc::clone(&head));
            move || {
                head.store(1, Ordering::Release);
                list.wake_due(u64::MAX);
            }
        });
        run(shard);
        sweeper.join().unwrap();
        assert_eq!(seen.load(Ordering::Acquire), 1);
    });
}
