//! The shards of a page: tasks that each drive many readers on bare sockets, so that an update wakes few tasks and not each reader.

use std::{
    future::poll_fn,
    sync::Mutex,
    thread::{self, ThreadId},
};

use live_sync::{Entrance, Member, Shard, Turn, WakeList};

use super::Latest;
use crate::{sync::lock, transport::Driven};

/// The tasks, and the way into them. What they drive are readers on bare sockets.
#[derive(Debug)]
pub(crate) struct Shards<M = Driven>(Mutex<Vec<PageShard<M>>>);

#[derive(Debug)]
struct PageShard<M> {
    /// A shard takes in who comes on its thread: where each thread has a runtime of its own (actix), its sockets are there.
    thread: ThreadId,
    entrance: Entrance<M>,
    /// How many came so far.
    taken: usize,
}

/// Readers of one shard: few enough that a large page keeps all cores busy.
const MAX_TAKEN: usize = 1_024;

impl<M> Default for Shards<M> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<M: Member<Option<Latest>> + Send + 'static> Shards<M> {
    /// Has a shard of this thread drive it, which `wake` rouses to `look` at the page. Call it in a tokio runtime.
    pub(crate) fn adopt<L>(&self, wake: &WakeList, look: L, mut member: M)
    where
        L: FnMut() -> Option<Latest> + Send + 'static,
    {
        while let Some(entrance) = self.place() {
            match entrance.adopt(member) {
                Ok(()) => return,
                // It has just ended.
                Err(refused) => member = refused,
            }
        }
        let (shard, entrance) = Shard::new();
        wake.rouse_also(entrance.rouser());
        // Nobody has polled it, so it has not ended.
        let _ = entrance.adopt(member);
        lock(&self.0).push(PageShard { thread: thread::current().id(), entrance, taken: 1 });
        tokio::spawn(tokio::task::unconstrained(run(shard, look)));
    }

    /// A place in a shard of this thread. Those that have ended go.
    fn place(&self) -> Option<Entrance<M>> {
        let mut shards = lock(&self.0);
        shards.retain(|shard| !shard.entrance.has_ended());
        let here = thread::current().id();
        let shard = shards.iter_mut().find(|shard| shard.thread == here && shard.taken < MAX_TAKEN)?;
        shard.taken += 1;
        Some(shard.entrance.clone())
    }
}

/// Unconstrained, as it lets others have their turn by itself: in the runtime's own way, because a task that only wakes itself goes before all that
/// another thread has woken, such as the shards of other pages.
async fn run<M: Member<Option<Latest>>>(mut shard: Shard<M>, mut look: impl FnMut() -> Option<Latest>) {
    while poll_fn(|cx| shard.poll_turn(cx, &mut look)).await == Turn::Over {
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Context, Poll},
    };

    use live_sync::Call;

    use super::*;

    /// Notes as which of all it was polled last.
    #[derive(Debug, Clone, Default)]
    struct Noted {
        polls: Arc<AtomicUsize>,
        place: Arc<AtomicUsize>,
    }

    impl Member<Option<Latest>> for Noted {
        fn poll(&mut self, _: &mut Context<'_>, _: Call<'_, Option<Latest>>) -> Poll<()> {
            self.place.store(self.polls.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
            Poll::Pending
        }
    }

    async fn polled(polls: &AtomicUsize, count: usize) {
        let all = async {
            while polls.load(Ordering::SeqCst) < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), all).await.expect("somebody is not polled");
    }

    // One thread, as each of actix's is.
    #[tokio::test]
    async fn a_small_page_does_not_wait_until_a_giant_one_is_done() {
        let (giant, small) = (Arc::new(WakeList::default()), Arc::new(WakeList::default()));
        let (giants, smalls) = (Shards::default(), Shards::default());
        let crowd = 3 * MAX_TAKEN;
        let reader = Noted::default();
        for _ in 0..crowd {
            giants.adopt(&giant, || None, Noted { place: Arc::default(), ..reader.clone() });
        }
        smalls.adopt(&small, || None, reader.clone());
        polled(&reader.polls, crowd + 1).await;
        // From another thread, and before anything of it is done.
        let publisher = thread::spawn(move || {
            giant.wake_all();
            small.wake_all();
        });
        publisher.join().unwrap();
        polled(&reader.polls, 2 * (crowd + 1)).await;
        let before = reader.place.load(Ordering::SeqCst) - (crowd + 1);
        assert!(before <= crowd / 4, "{before} of {crowd} were polled before it");
    }
}
