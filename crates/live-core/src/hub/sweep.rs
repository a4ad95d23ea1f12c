//! One task per hub in place of a timer per connection: deadlines that are due, pages whose linger is over, heads to compare.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::{Duration, Instant},
};

use live_sync::WakeList;

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
        hub.swept().iter().for_each(|list| list.wake_due(now));
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
    /// For whoever wakes them: not under the lock.
    fn swept(&self) -> Vec<Arc<WakeList>> {
        let mut swept = lock(&self.inner.swept);
        swept.retain(|list| list.strong_count() > 0);
        swept.iter().filter_map(Weak::upgrade).collect()
    }

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

#[cfg(all(test, feature = "socket"))]
mod tests {
    use std::task::{Wake, Waker};

    use super::*;
    use crate::{bus::MemoryBus, cursor::Start, id::ChannelId};

    /// Says whether the lists were free when it was woken.
    struct Free(Hub, tokio::sync::watch::Sender<Option<bool>>);

    impl Wake for Free {
        fn wake(self: Arc<Self>) {
            self.1.send_replace(Some(self.0.inner.swept.try_lock().is_ok()));
        }
    }

    #[tokio::test]
    async fn whoever_looks_at_a_page_keeps_it_open_for_the_linger() {
        let hub = Hub::new(Arc::new(MemoryBus::new(&Config::default()).unwrap()), Config::default()).unwrap();
        let channel = ChannelId::new("a").unwrap();
        drop(hub.join(&channel, Start::Recent, hub.admit(None).unwrap()).await.unwrap());
        let page = hub.visit(&channel, hub.inner.began + Duration::from_secs(5)).unwrap();
        let linger = hub.config().linger.as_millis() as u64;
        hub.close_if_left(&page, 5_000 + linger - 1);
        assert_eq!(hub.open_pages(), 1);
        hub.close_if_left(&page, 5_000 + linger);
        assert_eq!(hub.open_pages(), 0);
    }

    #[tokio::test]
    async fn whoever_is_due_finds_no_lock_held() {
        let hub = Hub::new(Arc::new(MemoryBus::new(&Config::default()).unwrap()), Config::default()).unwrap();
        let (free, mut woken) = tokio::sync::watch::channel(None);
        let list = Arc::new(WakeList::default());
        let mut waiter = WakeList::enter(&list);
        waiter.wait(&Waker::from(Arc::new(Free(hub.clone(), free))), 0);
        hub.sweep_also(&list);
        let woken = woken.wait_for(Option::is_some);
        let woken = tokio::time::timeout(Duration::from_secs(20), woken).await.expect("nobody is woken").unwrap();
        assert_eq!(*woken, Some(true));
    }
}
