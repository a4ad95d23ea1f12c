//! How to know that everything that was sent before has come: a marker is put into the inbox behind all the rest.

use std::sync::atomic::{AtomicU64, Ordering};

use redis::aio::MultiplexedConnection;
use tokio::sync::{Semaphore, watch};

use crate::bus::{BusError, redis::keeper::bus_error};

#[derive(Debug)]
pub(super) struct Markers {
    /// The last one that is on its way.
    sent: AtomicU64,
    /// The last one that has come.
    seen: watch::Sender<u64>,
    /// Markers take room in the inbox, so there is one at a time.
    turn: Semaphore,
}

/// No message begins so and is as short: a message is a map.
const MARKER: &str = "live-marker:";

/// More than are ever sent.
const ENDED: u64 = u64::MAX;

impl Markers {
    pub(super) fn new() -> Self {
        Self { sent: AtomicU64::new(0), seen: watch::Sender::new(0), turn: Semaphore::new(1) }
    }

    /// Whether this came out of the inbox as a marker.
    pub(super) fn is_taken(&self, message: &[u8]) -> bool {
        let text = std::str::from_utf8(message).ok().and_then(|text| text.strip_prefix(MARKER));
        let number = text.and_then(|number| number.parse::<u64>().ok());
        // One that was never sent is none.
        let Some(number) = number.filter(|number| *number <= self.sent.load(Ordering::SeqCst)) else { return false };
        self.seen.send_if_modified(|seen| {
            let is_news = number > *seen;
            *seen = number.max(*seen);
            is_news
        });
        true
    }

    /// Returns once a marker that was sent after this call has come back. Can be cancelled.
    pub(super) async fn confirm(
        &self,
        mut redis: MultiplexedConnection,
        inbox: &str,
        expiry: u64,
    ) -> Result<(), BusError> {
        let before = self.sent.load(Ordering::SeqCst);
        let _turn = self.turn.acquire().await.map_err(|_| BusError::Unavailable)?;
        let mut seen = self.seen.subscribe();
        // Somebody else has asked meanwhile.
        if (before + 1..ENDED).contains(&*seen.borrow()) {
            return Ok(());
        }
        let number = self.sent.fetch_add(1, Ordering::SeqCst) + 1;
        let mut pipe = redis::pipe();
        // Whatever the publishers' clocks say: it comes out last.
        pipe.atomic().cmd("ZADD").arg(inbox).arg("+inf").arg(format!("{MARKER}{number}")).ignore();
        pipe.cmd("EXPIRE").arg(inbox).arg(expiry).ignore();
        pipe.exec_async(&mut redis).await.map_err(bus_error)?;
        match seen.wait_for(|seen| *seen >= number).await {
            Ok(seen) if *seen != ENDED => Ok(()),
            _ => Err(BusError::Unavailable),
        }
    }

    /// Nothing comes any more.
    pub(super) fn end(&self) {
        self.turn.close();
        self.seen.send_replace(ENDED);
    }
}
