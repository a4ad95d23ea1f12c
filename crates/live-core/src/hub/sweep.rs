//! One task per hub in place of a timer per connection: deadlines that are due, pages whose linger is over, heads to compare.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{Hub, Inner, LivePage};
use crate::{config::Config, cursor::Cursor, sync::lock};

/// Starts the task. It ends with the hub.
pub(super) fn start(hub: &Hub) {
    let period = period(hub.config());
    let inner = Arc::downgrade(&hub.inner);
    hub.inner.runtime.spawn(run(inner, period));
}

/// Deadlines are kept to within this time.
fn period(config: &Config) -> Duration {
    let shortest = [
        config.heartbeat,
        config.write_deadline,
        config.long_poll_timeout,
        config.silence_deadline,
        config.linger,
        config.compare_interval,
    ];
    let shortest = shortest.into_iter().min().unwrap_or_default();
    (shortest / 8).clamp(Duration::from_millis(5), Duration::from_secs(1))
}

async fn run(inner: Weak<Inner>, period: Duration) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut compared = Instant::now();
    loop {
        ticks.tick().await;
        let Some(hub) = inner.upgrade().map(|inner| Hub { inner }) else { return };
        let pages: Vec<_> = lock(&hub.inner.pages).values().cloned().collect();
        let now = hub.now();
        lock(&hub.inner.swept).retain(|list| list.upgrade().inspect(|list| list.wake_due(now)).is_some());
        for page in &pages {
            page.wake.wake_due(now);
            hub.close_if_left(page, now);
        }
        if compared.elapsed() >= hub.config().compare_interval {
            compared = Instant::now();
            compare_heads(&hub, pages);
        }
    }
}

impl Hub {
    fn close_if_left(&self, page: &LivePage, now: u64) {
        let linger = self.config().linger.as_millis() as u64;
        let is_over = || page.has_no_readers() && now.saturating_sub(page.left_at.load(Ordering::Relaxed)) >= linger;
        if !is_over() {
            return;
        }
        // Under this lock no reader can join.
        let mut pages = lock(&self.inner.pages);
        if is_over() && pages.get(&page.channel).is_some_and(|present| std::ptr::eq(&raw const **present, page)) {
            pages.remove(&page.channel);
            drop(pages);
            page.end();
        }
    }
}

/// An announcement that was lost in silence shows here, without a new publish. In a task of its own: the sweep does not wait
/// for the bus.
fn compare_heads(hub: &Hub, pages: Vec<Arc<LivePage>>) {
    if pages.is_empty() || hub.inner.is_comparing.swap(true, Ordering::AcqRel) {
        return;
    }
    let hub = hub.clone();
    hub.inner.runtime.clone().spawn(async move {
        let channels: Vec<_> = pages.iter().map(|page| page.channel.clone()).collect();
        match hub.within_deadline(hub.inner.bus.heads(&channels)).await {
            Ok(heads) => confirm(&pages, &heads).await,
            Err(_) => pages.iter().for_each(|page| page.set_stale()),
        }
        hub.inner.is_comparing.store(false, Ordering::Release);
    });
}

async fn confirm(pages: &[Arc<LivePage>], heads: &[Cursor]) {
    if pages.iter().zip(heads).any(|(page, head)| !page.has_reached(*head)) {
        // What was announced in this moment is on its way.
        tokio::time::sleep(ON_ITS_WAY).await;
    }
    for (page, head) in pages.iter().zip(heads) {
        if page.has_reached(*head) {
            page.set_confirmed();
        } else {
            page.resubscribe.notify_one();
        }
    }
}

const ON_ITS_WAY: Duration = Duration::from_millis(100);
