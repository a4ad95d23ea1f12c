//! `memory:`, and the promise of `publish` on it.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use live_core::{
    BusError, ChannelId, Clock, Config, Cursor, EventBus, IdempotencyKey, PostId, Published, Render, Update,
    bus::{Event, MemoryBus, Subscription},
    page::{Page, Standing},
};
use proptest::prelude::*;

/// Nothing in this bus waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

fn channel(name: &str) -> ChannelId {
    ChannelId::new(name).unwrap()
}

fn post(name: u8, html: u8) -> Update {
    Update::new().render(Render::new(PostId::new(name.to_string()).unwrap(), html.to_string()))
}

fn publish(bus: &MemoryBus, name: &str, update: Update, key: Option<u8>) -> Result<Published, BusError> {
    let key = key.map(|key| IdempotencyKey::new(key.to_string()).unwrap());
    now(EventBus::publish(bus, &channel(name), update, key.as_ref()))
}

fn next(subscription: &mut Subscription) -> Option<Event<Page, Arc<live_core::page::Numbered>>> {
    match subscription.poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(event) => event,
        Poll::Pending => None,
    }
}

/// A bus whose time is a variable, in seconds.
fn timed(config: Config) -> (MemoryBus, Arc<AtomicU64>) {
    let time = Arc::new(AtomicU64::new(1_000));
    let shared = Arc::clone(&time);
    let clock = Clock::new(move || shared.load(Ordering::SeqCst) * 1_000_000);
    (MemoryBus::new(&Config { clock, ..config }).unwrap(), time)
}

proptest! {
    /// Invariant 7: the same key means one effect and the first version; with another body it is refused.
    #[test]
    fn a_key_means_one_effect(steps in proptest::collection::vec((0..4u8, proptest::option::of(0..3u8), 0..3u8, 0..3u8), 0..40)) {
        let (bus, _) = timed(Config::default());
        let mut known: HashMap<(u8, u8), (Update, Cursor)> = HashMap::new();
        let mut heads: HashMap<u8, Cursor> = HashMap::new();
        for (page, key, name, html) in steps {
            let update = post(name, html);
            let result = publish(&bus, &page.to_string(), update.clone(), key);
            match key.and_then(|key| known.get(&(page, key))) {
                Some((first, cursor)) if *first == update => {
                    prop_assert_eq!(result.unwrap(), Published { cursor: *cursor, repeated: true });
                }
                Some(_) => prop_assert!(matches!(result, Err(BusError::KeyReused))),
                None => {
                    let cursor = result.unwrap().cursor;
                    let before = heads.insert(page, cursor);
                    prop_assert!(before.is_none_or(|before| before.epoch == cursor.epoch && before.version < cursor.version));
                    if let Some(key) = key {
                        known.insert((page, key), (update, cursor));
                    }
                }
            }
            let head = now(bus.heads(&[channel(&page.to_string())])).unwrap()[0];
            prop_assert_eq!(Some(&head), heads.get(&page), "only a first effect moves the head");
        }
    }
}

#[test]
fn all_subscribers_see_one_order_and_count_until_they_leave() {
    let (bus, _) = timed(Config::default());
    let mut subscriptions = [now(bus.subscribe(&channel("a"))).unwrap(), now(bus.subscribe(&channel("a"))).unwrap()];
    assert_eq!(bus.subscriptions(), 1);
    let published = [publish(&bus, "a", post(1, 1), None).unwrap(), publish(&bus, "a", post(1, 2), None).unwrap()];
    for subscription in &mut subscriptions {
        assert!(matches!(next(subscription), Some(Event::Snapshot(page)) if !page.has_log()));
        for published in published {
            assert!(matches!(next(subscription), Some(Event::Item(update)) if update.cursor == published.cursor));
        }
    }
    drop(subscriptions);
    assert_eq!(bus.subscriptions(), 0);
}

#[test]
fn a_page_without_a_publish_for_long_goes_and_its_subscribers_learn_it() {
    let (bus, time) = timed(Config { page_retention: Duration::from_secs(100), ..Config::default() });
    let cursor = publish(&bus, "a", post(1, 1), None).unwrap().cursor;
    let mut subscription = now(bus.subscribe(&channel("a"))).unwrap();
    assert!(matches!(next(&mut subscription), Some(Event::Snapshot(_))));
    time.fetch_add(99, Ordering::SeqCst);
    assert!(matches!(now(bus.standing(&channel("a"), cursor)), Ok(Standing::At(_))));
    time.fetch_add(1, Ordering::SeqCst);
    assert!(matches!(now(bus.standing(&channel("a"), cursor)), Ok(Standing::Dead)));
    assert!(matches!(next(&mut subscription), Some(Event::Lost)));
}

#[test]
fn a_full_bus_takes_a_new_page_once_an_old_one_has_expired() {
    let config = Config { page_retention: Duration::from_secs(100), max_pages: 1, ..Config::default() };
    let (bus, time) = timed(config);
    publish(&bus, "a", post(1, 1), None).unwrap();
    assert!(matches!(publish(&bus, "b", post(1, 1), None), Err(BusError::TooManyPages { max: 1 })));
    publish(&bus, "a", post(1, 2), None).unwrap();
    time.fetch_add(100, Ordering::SeqCst);
    publish(&bus, "b", post(1, 1), None).unwrap();
}

#[test]
fn a_refused_first_publish_leaves_no_page_behind() {
    let config = Config::default();
    let too_large = Render::new(PostId::new("1").unwrap(), "x".repeat(config.page.max_post_bytes + 1));
    let (bus, _) = timed(Config { max_pages: 1, ..config });
    assert!(matches!(publish(&bus, "a", Update::new().render(too_large), None), Err(BusError::Refused(_))));
    publish(&bus, "b", post(1, 1), None).unwrap();
}
