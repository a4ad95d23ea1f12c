use std::sync::{
    Arc as StdArc, Mutex as StdMutex,
    atomic::{AtomicUsize, Ordering},
};

use super::*;

/// Counts its polls; ends when it is told to.
#[derive(Debug, Default)]
struct Seen {
    polls: AtomicUsize,
    /// What was new at each of them; `None` where it was woken.
    calls: StdMutex<Vec<Option<usize>>>,
    ends: std::sync::atomic::AtomicBool,
    panics: std::sync::atomic::AtomicBool,
    waker: StdMutex<Option<Waker>>,
}

#[derive(Debug)]
struct Reader(StdArc<Seen>);

impl Member<usize> for Reader {
    fn poll(&mut self, cx: &mut Context<'_>, call: Call<'_, usize>) -> Poll<()> {
        self.0.polls.fetch_add(1, Ordering::SeqCst);
        lock(&self.0.calls).push(match call {
            Call::Roused(news) => Some(*news),
            Call::Woken => None,
        });
        assert!(!self.0.panics.load(Ordering::SeqCst), "as it was told to");
        *lock(&self.0.waker) = Some(cx.waker().clone());
        if self.0.ends.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn shard(members: usize) -> (Shard<Reader>, Entrance<Reader>, Vec<StdArc<Seen>>) {
    let (shard, entrance) = Shard::new();
    let seen: Vec<_> = (0..members).map(|_| StdArc::new(Seen::default())).collect();
    for seen in &seen {
        assert!(entrance.adopt(Reader(StdArc::clone(seen))).is_ok());
    }
    (shard, entrance, seen)
}

/// Runs until the shard sleeps, and says how many turns that took; `None` if it ended.
fn run(shard: &mut Shard<Reader>) -> Option<usize> {
    run_looking(shard, || 0)
}

fn run_looking(shard: &mut Shard<Reader>, mut look: impl FnMut() -> usize) -> Option<usize> {
    let cx = Context::from_waker(Waker::noop());
    for turn in 1.. {
        match shard.poll_turn(&cx, &mut look) {
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
    assert_eq!(*lock(&seen[1].calls), [None, Some(0), None]);
}

#[test]
fn whoever_is_woken_while_all_are_roused_hears_of_it() {
    let (mut shard, entrance, seen) = shard(1);
    run(&mut shard);
    entrance.rouser().rouse();
    lock(&seen[0].waker).clone().unwrap().wake();
    run(&mut shard);
    assert_eq!(lock(&seen[0].calls)[1..], [Some(0), None]);
}

#[test]
fn whoever_is_roused_gets_what_was_seen_after_that() {
    let (mut shard, entrance, seen) = shard(2);
    let looks = AtomicUsize::new(0);
    let look = || looks.fetch_add(1, Ordering::SeqCst);
    run_looking(&mut shard, look);
    assert_eq!(looks.load(Ordering::SeqCst), 0, "nobody is roused");
    entrance.rouser().rouse();
    run_looking(&mut shard, look);
    // One look is for both.
    assert!(seen.iter().all(|seen| *lock(&seen.calls) == [None, Some(0)]));
    assert_eq!(looks.load(Ordering::SeqCst), 1);
}

#[test]
fn whoever_is_woken_is_heard_although_something_is_new_again_and_again() {
    let (mut shard, entrance, seen) = shard(2);
    run(&mut shard);
    let waker = lock(&seen[0].waker).clone().unwrap();
    entrance.rouser().rouse();
    let mut looks = 0;
    run_looking(&mut shard, || {
        looks += 1;
        if looks < 10 {
            entrance.rouser().rouse();
        }
        waker.wake_by_ref();
        looks
    });
    let calls = lock(&seen[0].calls)[1..].to_vec();
    // It rang while all were being polled, and is polled by itself before they are the next time but one.
    assert_eq!(calls.iter().flatten().count(), 10);
    assert!(calls.chunk_by(|before, after| before.is_some() && after.is_some()).all(|all| all.len() <= 2), "{calls:?}");
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
    assert!(entrance.adopt(Reader(StdArc::default())).is_err());
}

#[test]
fn whoever_waits_at_the_door_of_a_shard_that_is_dropped_is_dropped_too() {
    let (shard, entrance, seen) = shard(1);
    drop(shard);
    assert_eq!(StdArc::strong_count(&seen[0]), 1);
    assert!(entrance.adopt(Reader(StdArc::default())).is_err());
}
