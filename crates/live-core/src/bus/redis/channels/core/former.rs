//! What is left behind in Redis by connections that have ended, and by channels that nobody follows any more.

use std::{collections::HashSet, sync::Mutex};

use redis::{RedisError, aio::MultiplexedConnection};

use crate::{bus::redis::keeper::is_refusal, sync::lock};

/// Consumers by their group, and inboxes. It is at most what one connection had, because the next one removes it before it does
/// anything else.
#[derive(Debug, Default)]
pub(super) struct Former(Mutex<Leftovers>);

#[derive(Debug, Default)]
struct Leftovers {
    members: HashSet<(String, String)>,
    inboxes: HashSet<String>,
}

/// Memberships in one round trip.
const BATCH: usize = 1_000;

impl Former {
    pub(super) fn add(&self, members: impl Iterator<Item = (String, String)>, inbox: Option<String>) {
        let mut all = lock(&self.0);
        all.members.extend(members);
        all.inboxes.extend(inbox);
    }

    /// Removes it all. What Redis refuses is left to expire.
    pub(super) async fn remove(&self, mut redis: MultiplexedConnection) -> Result<(), RedisError> {
        let (members, inboxes): (Vec<_>, Vec<_>) = {
            let all = lock(&self.0);
            (all.members.iter().cloned().collect(), all.inboxes.iter().cloned().collect())
        };
        for batch in members.chunks(BATCH) {
            let mut pipe = redis::pipe();
            for (key, member) in batch {
                pipe.cmd("ZREM").arg(key).arg(member);
            }
            let _: Vec<Result<(), RedisError>> = pipe.ignore_errors().query_async(&mut redis).await?;
        }
        for inbox in &inboxes {
            match redis::cmd("DEL").arg(inbox).exec_async(&mut redis).await {
                Err(error) if !is_refusal(&error) => return Err(error),
                _ => {}
            }
        }
        let mut all = lock(&self.0);
        for member in &members {
            all.members.remove(member);
        }
        for inbox in &inboxes {
            all.inboxes.remove(inbox);
        }
        Ok(())
    }
}
