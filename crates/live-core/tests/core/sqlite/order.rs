//! One order for all, subscriptions, and publishers that go away.

use std::{
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use live_core::{Config, Cursor, EventBus as _, IdempotencyKey, bus::SqliteBus, page::Standing};
use live_sync::Event;

use super::{Folder, channel, config, ids, next, open, page, post, publish};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_publishers_have_one_order_for_all_subscribers() {
    const PUBLISHERS: usize = 8;
    const EACH: usize = 25;
    let folder = Folder::new();
    let bus = Arc::new(open(&folder.file()));
    let publishers = (0..PUBLISHERS).map(|publisher| {
        let bus = Arc::clone(&bus);
        tokio::spawn(async move {
            for number in 0..EACH {
                publish(&*bus, "a", post(&format!("{publisher}-{number}"), "x")).await;
            }
        })
    });
    let publishers: Vec<_> = publishers.collect();
    let subscribers = (0..4).map(|_| {
        let bus = Arc::clone(&bus);
        tokio::spawn(async move {
            let mut subscription = bus.subscribe(&channel("a")).await.unwrap();
            let Some(Event::Snapshot(mut page)) = next(&mut subscription).await else { panic!("no snapshot") };
            while page.posts().count() < PUBLISHERS * EACH {
                let Some(Event::Item(update)) = next(&mut subscription).await else { panic!("lost") };
                // Refuses a gap as well as a double.
                page.apply(&update).unwrap();
            }
            page
        })
    });
    let subscribers: Vec<_> = subscribers.collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }
    let stored = page(&*bus, "a").await;
    assert_eq!(stored.posts().count(), PUBLISHERS * EACH);
    for subscriber in subscribers {
        let followed = subscriber.await.unwrap();
        assert_eq!(followed.cursor(), stored.cursor());
        assert_eq!(ids(&followed), ids(&stored));
    }
}

#[tokio::test]
async fn a_subscription_counts_until_it_is_dropped_and_ends_with_the_bus() {
    let folder = Folder::new();
    let bus = open(&folder.file());
    let mut first = bus.subscribe(&channel("a")).await.unwrap();
    let second = bus.subscribe(&channel("a")).await.unwrap();
    let other = bus.subscribe(&channel("b")).await.unwrap();
    assert_eq!(bus.subscriptions(), 2);
    drop(other);
    drop(second);
    assert_eq!(bus.subscriptions(), 1);
    publish(&bus, "a", post("1", "one")).await;
    drop(bus);
    assert!(matches!(next(&mut first).await, Some(Event::Snapshot(_))));
    assert!(matches!(next(&mut first).await, Some(Event::Item(_))));
    assert!(next(&mut first).await.is_none());
}

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
async fn a_publish_that_its_caller_drops_has_one_effect_or_none() {
    let folder = Folder::new();
    let bus = open(&folder.file());
    let key = |number: usize| IdempotencyKey::new(number.to_string()).unwrap();
    for number in 0..50 {
        let (a, key) = (channel("a"), key(number));
        let mut dropped = bus.publish(&a, post(&number.to_string(), "x"), Some(&key));
        // Far enough for the thread to have it; it may even have answered.
        let _ = dropped.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if number % 2 == 0 {
            // By now it is done or under way.
            bus.heads(&[channel("a")]).await.unwrap();
        }
    }
    let before = ids(&page(&bus, "a").await).len();
    let mut again = 0;
    for number in 0..50 {
        let published = bus.publish(&channel("a"), post(&number.to_string(), "x"), Some(&key(number))).await.unwrap();
        again += usize::from(!published.repeated);
    }
    assert_eq!(before + again, 50);
    assert_eq!(ids(&page(&bus, "a").await).len(), 50);
}

#[tokio::test]
async fn a_dropped_bus_can_be_opened_again_at_once_and_readers_resume() {
    let folder = Folder::new();
    let mut cursors: Vec<Cursor> = Vec::new();
    for life in 0..7 {
        // Too impatient to wait for a thread that has not ended yet.
        drop(SqliteBus::open(folder.file(), &Config { bus_deadline: Duration::ZERO, ..Config::default() }).unwrap());
        let bus = open(&folder.file());
        for cursor in &cursors {
            assert_eq!(bus.standing(&channel("a"), *cursor).await.unwrap(), Standing::At(cursor.version));
        }
        let resumed = page(&bus, "a").await;
        assert_eq!(ids(&resumed), (0..life).map(|life| life.to_string()).collect::<Vec<_>>());
        // What a reader of any life lacks is known exactly.
        for (index, cursor) in cursors.iter().enumerate() {
            let lacks = resumed.posts().filter(|post| post.version() > cursor.version).count();
            assert_eq!(lacks, cursors.len() - 1 - index);
        }
        cursors.push(publish(&bus, "a", post(&life.to_string(), "x")).await.cursor);
    }
}
