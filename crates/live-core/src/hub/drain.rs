//! Draining: on one signal every reader is told when to come back, and the server ends when all have left.

use std::{
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use tokio::sync::Notify;

use super::{Hub, LivePage};
use crate::{close::Close, sync::lock};

#[derive(Debug, Default)]
pub(super) struct Drain {
    phase: AtomicU8,
    /// A phase began, or a reader left.
    changed: Notify,
}

/// Readers who sent a cursor reconnect by themselves; Wagtail Live's own pages never do, so they are closed last.
const RESUMING: u8 = 1;
const EVERYONE: u8 = 2;

impl Drain {
    pub(super) fn progress(&self) {
        if self.phase.load(Ordering::Acquire) > 0 {
            self.changed.notify_waiters();
        }
    }
}

impl Hub {
    /// Closes all readers, telling each when to come back, and returns when all have left or `Config::drain_deadline` is over.
    /// No new reader is let in from now on.
    pub async fn drain(&self) {
        let deadline = self.config().drain_deadline;
        tracing::info!(readers = self.readers(), "draining");
        self.enter(RESUMING);
        let resuming = |page: &LivePage| page.resuming.load(Ordering::Acquire) > 0;
        let _ = tokio::time::timeout(deadline / 2, self.left(resuming)).await;
        self.enter(EVERYONE);
        let _ = tokio::time::timeout(deadline / 2, self.all_left()).await;
        if let Err(error) = self.within_deadline(self.inner.bus.leave()).await {
            tracing::debug!(%error, "the bus was not left");
        }
    }

    /// Returns once draining has begun.
    pub async fn draining(&self) {
        loop {
            let changed = self.inner.drain.changed.notified();
            if self.is_draining() {
                return;
            }
            changed.await;
        }
    }

    /// Whether draining has begun.
    pub fn is_draining(&self) -> bool {
        self.inner.drain.phase.load(Ordering::Acquire) >= RESUMING
    }

    /// What a reader is told now, if it is its turn.
    pub(super) fn drain_close(&self, is_resuming: bool) -> Option<Close> {
        let turn = if is_resuming { RESUMING } else { EVERYONE };
        let begun = self.inner.drain.phase.load(Ordering::Acquire) >= turn;
        begun.then(|| Close::Draining(self.random_delay(self.config().drain_window)))
    }

    /// A random part of a window, so that a crowd does not come back as one.
    pub(crate) fn random_delay(&self, window: Duration) -> Duration {
        let part = getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX));
        window.mul_f64(part)
    }

    fn enter(&self, phase: u8) {
        self.inner.drain.phase.fetch_max(phase, Ordering::AcqRel);
        self.inner.drain.changed.notify_waiters();
        let pages: Vec<_> = lock(&self.inner.pages).values().cloned().collect();
        pages.iter().for_each(|page| page.wake.wake_all());
    }

    /// Returns once nobody reads any page: what a server waits for, after [draining](Self::draining) has begun and its connections
    /// have ended, because a reader on a WebSocket has left its connection behind.
    pub async fn all_left(&self) {
        self.left(|page| !page.has_no_readers()).await;
    }

    async fn left(&self, stays: impl Fn(&LivePage) -> bool) {
        loop {
            let changed = self.inner.drain.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if !lock(&self.inner.pages).values().any(|page| stays(page)) {
                return;
            }
            changed.await;
        }
    }
}
