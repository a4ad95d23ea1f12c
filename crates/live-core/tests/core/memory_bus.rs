//! `memory:`, beside what every bus does: how many pages it holds, and for how long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use live_core::{
    BusError, ChannelId, Clock, Config, EventBus, PostId, Published, Render, Update,
    bus::{Event, MemoryBus},
};

fn post(name: u8, html: u8) -> Update {
    Update::new().render(Render::new(PostId::new(name.to_string()).unwrap(), html.to_string()))
}

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

fn publish(bus: &MemoryBus, name: &str, update: Update) -> Result<Published, BusError> {
    now(EventBus::publish(bus, &channel(name), update, None))
}

/// A bus whose time is a variable, in seconds.
fn timed(config: Config) -> (MemoryBus, Arc<AtomicU64>) {
    let time = Arc::new(AtomicU64::new(1_000));
    let shared = Arc::clone(&time);
    let clock = Clock::new(move || shared.load(Ordering::SeqCst) * 1_000_000);
    (MemoryBus::new(&Config { clock, ..config }).unwrap(), time)
}

#[test]
fn a_full_bus_takes_a_new_page_once_an_old_one_has_expired() {
    let config = Config { page_retention: Duration::from_secs(100), max_pages: 1, ..Config::default() };
    let (bus, time) = timed(config);
    publish(&bus, "a", post(1, 1)).unwrap();
    assert!(matches!(publish(&bus, "b", post(1, 1)), Err(BusError::TooManyPages { max: 1 })));
    publish(&bus, "a", post(1, 2)).unwrap();
    time.fetch_add(100, Ordering::SeqCst);
    publish(&bus, "b", post(1, 1)).unwrap();
}

#[test]
fn subscribers_of_a_page_that_has_expired_learn_it_when_somebody_looks() {
    let (bus, time) = timed(Config { page_retention: Duration::from_secs(100), ..Config::default() });
    publish(&bus, "a", post(1, 1)).unwrap();
    let mut subscription = now(bus.subscribe(&channel("a"))).unwrap();
    let mut next = || now(std::future::poll_fn(|cx| subscription.poll_next(cx)));
    assert!(matches!(next(), Some(Event::Snapshot(_))));
    time.fetch_add(100, Ordering::SeqCst);
    now(bus.heads(&[channel("a")])).unwrap();
    assert!(matches!(next(), Some(Event::Lost)));
}

#[test]
fn a_refused_first_publish_leaves_no_page_behind() {
    let config = Config::default();
    let too_large = Render::new(PostId::new("1").unwrap(), "x".repeat(config.page.max_post_bytes + 1));
    let (bus, _) = timed(Config { max_pages: 1, ..config });
    assert!(matches!(publish(&bus, "a", Update::new().render(too_large)), Err(BusError::Refused(_))));
    publish(&bus, "b", post(1, 1)).unwrap();
}
