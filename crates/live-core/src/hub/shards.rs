//! The shards of a page: tasks that each drive many of its WebSockets, so that an update wakes few tasks and not each reader.

use std::{
    sync::Mutex,
    thread::{self, ThreadId},
};

use live_sync::{Entrance, Member, Shard, WakeList};

use crate::sync::lock;

/// The tasks, and the way into them.
#[derive(Debug)]
pub(crate) struct Shards<F>(Mutex<Vec<PageShard<F>>>);

#[derive(Debug)]
struct PageShard<F> {
    /// A shard takes in who comes on its thread: where each thread has a runtime of its own (actix), its sockets are there.
    thread: ThreadId,
    entrance: Entrance<F>,
    /// How many came so far.
    taken: usize,
}

/// Readers of one shard: few enough that a large page keeps all cores busy, and that their list does not move much when it grows.
const MAX_TAKEN: usize = 1_024;

impl<F> Default for Shards<F> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<F: Member + Send + 'static> Shards<F> {
    /// Has a shard of this thread drive it, which `wake` rouses. Call it in a tokio runtime.
    pub(crate) fn adopt(&self, wake: &WakeList, mut member: F) {
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
        // It lets others have their turn by itself.
        tokio::spawn(tokio::task::unconstrained(shard));
    }

    /// A place in a shard of this thread. Those that have ended go.
    fn place(&self) -> Option<Entrance<F>> {
        let mut shards = lock(&self.0);
        shards.retain(|shard| !shard.entrance.has_ended());
        let here = thread::current().id();
        let shard = shards.iter_mut().find(|shard| shard.thread == here && shard.taken < MAX_TAKEN)?;
        shard.taken += 1;
        Some(shard.entrance.clone())
    }
}
