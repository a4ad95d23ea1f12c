//! Lives of a file, beside what every bus does: how they begin and end.

use std::time::Duration;

use live_core::{Config, EventBus as _, bus::SqliteBus};
use live_sync::Event;

use super::{Folder, channel, config, ids, next, open, page, post, publish};

#[tokio::test]
async fn subscribers_of_a_page_that_expires_learn_it_without_a_publish() {
    let folder = Folder::new();
    let config = Config { page_retention: Duration::from_millis(400), ..config() };
    let bus = SqliteBus::open(folder.file(), &config).unwrap();
    let mut subscription = bus.subscribe(&channel("a")).await.unwrap();
    assert!(matches!(next(&mut subscription).await, Some(Event::Snapshot(_))));
    publish(&bus, "a", post("1", "one")).await;
    // On a busy machine the page may have expired before this is read.
    while !matches!(next(&mut subscription).await, Some(Event::Lost)) {}
    assert!(!page(&bus, "a").await.has_log());
}

#[tokio::test]
async fn what_was_announced_is_taken_before_a_subscription_ends_with_its_bus() {
    let folder = Folder::new();
    let bus = open(&folder.file());
    let mut subscription = bus.subscribe(&channel("a")).await.unwrap();
    publish(&bus, "a", post("1", "one")).await;
    drop(bus);
    assert!(matches!(next(&mut subscription).await, Some(Event::Snapshot(_))));
    assert!(matches!(next(&mut subscription).await, Some(Event::Item(_))));
    assert!(next(&mut subscription).await.is_none());
}

#[tokio::test]
async fn a_dropped_bus_can_be_opened_again_at_once() {
    let folder = Folder::new();
    for life in 0..7 {
        // Too impatient to wait for a thread that has not ended yet.
        let bus = SqliteBus::open(folder.file(), &Config { bus_deadline: Duration::ZERO, ..config() }).unwrap();
        drop(bus);
        let bus = open(&folder.file());
        assert_eq!(ids(&page(&bus, "a").await), (0..life).map(|life| life.to_string()).collect::<Vec<_>>());
        publish(&bus, "a", post(&life.to_string(), "x")).await;
    }
}
