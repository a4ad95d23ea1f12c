//! Versions and epochs.

use std::time::Duration;

use live_core::{Config, Update, Version, page::Standing};

use crate::{
    buses::{
        BusCase,
        store::{Node, TestStore, patient, post, posts, removals},
    },
    server::SetClock,
};

async fn versions_rise_with_each_update_and_the_epoch_stays(store: TestStore) {
    let nodes: [Node; 3] = store.nodes(&patient()).await;
    let mut last = nodes[0].post("a", "0", "x").await;
    for number in 1..60 {
        let cursor = nodes[number % 3].post("a", &(number % 7).to_string(), &number.to_string()).await;
        assert_eq!(cursor.epoch, last.epoch);
        assert!(cursor.version > last.version, "{cursor} after {last}");
        last = cursor;
    }
    for node in &nodes {
        assert_eq!(node.head("a").await, last);
    }
}

async fn a_page_without_a_log_has_the_epoch_of_the_bus_and_reading_it_begins_none(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let origin = nodes[0].head("a").await;
    assert_eq!(origin.version, Version::ZERO);
    for node in &nodes {
        for page in ["a", "b", "a"] {
            assert!(!node.page(page).await.has_log());
            assert_eq!(node.standing(page, origin).await, Standing::At(Version::ZERO));
            assert_eq!(node.head(page).await, origin);
        }
    }
    let first = nodes[0].post("a", "1", "one").await;
    assert_ne!(first.epoch, origin.epoch);
    for node in &nodes {
        assert_eq!(node.head("b").await, origin);
        // It has forgotten nothing, so who was there before it began can be brought up to date.
        assert_eq!(node.standing("a", origin).await, Standing::At(Version::ZERO));
    }
}

async fn an_update_leaves_room_below_its_version_for_each_of_its_new_posts(store: TestStore) {
    let node = store.node(&patient()).await;
    let before = node.post("a", "first", "x").await;
    let cursor = node.publish("a", posts(500, "x")).await;
    assert!(cursor.version.number() >= before.version.number() + 500);
    let page = node.page("a").await;
    for number in 0..500 {
        let sort = page.post(&format!("post-{number}")).unwrap().sort().number();
        // The i-th of n is at `version - n + i`, where i begins with 1.
        assert_eq!(sort, cursor.version.number() - 499 + number, "the oldest lowest");
    }
    assert!(page.post("first").unwrap().sort().number() <= cursor.version.number() - 500);
}

async fn what_changes_nothing_moves_nothing_and_is_announced_to_nobody(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let mut follower = nodes[1].follow("a").await;
    let origin = nodes[0].head("a").await;
    assert_eq!(nodes[0].publish("a", Update::new()).await, origin);
    assert_eq!(nodes[1].head("a").await, origin);
    nodes[0].post("a", "1", "one").await;
    let head = nodes[0].publish("a", removals(&["1"])).await;
    assert_eq!(nodes[0].publish("a", Update::new()).await, head);
    assert_eq!(nodes[0].publish("a", removals(&["1"])).await, head);
    let last = nodes[0].post("a", "2", "two").await;
    follower.reaches(last).await;
    assert_eq!(follower.news.len(), 3);
}

async fn an_edit_that_changes_nothing_is_an_update_like_others(store: TestStore) {
    let node = store.node(&patient()).await;
    let first = node.publish("a", post("1", "one")).await;
    let again = node.publish("a", post("1", "one")).await;
    assert!(again.version > first.version);
}

async fn a_clock_that_goes_back_does_not_take_the_versions_with_it(store: TestStore) {
    let clock = SetClock::new();
    let node = store.node(&Config { clock: clock.clock(), ..patient() }).await;
    let mut last = node.post("a", "1", "one").await;
    for number in 0..5 {
        clock.go_back(Duration::from_secs(60));
        let next = node.post("a", "1", &number.to_string()).await;
        assert_eq!((next.epoch, next.version.number()), (last.epoch, last.version.number() + 1));
        last = next;
    }
    // It is the time again once the clock is past it.
    clock.pass(Duration::from_secs(600));
    assert!(node.post("a", "1", "later").await.version.number() > last.version.number() + 1_000_000);
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] = bus_cases![
    versions_rise_with_each_update_and_the_epoch_stays,
    a_page_without_a_log_has_the_epoch_of_the_bus_and_reading_it_begins_none,
    an_update_leaves_room_below_its_version_for_each_of_its_new_posts,
    what_changes_nothing_moves_nothing_and_is_announced_to_nobody,
    an_edit_that_changes_nothing_is_an_update_like_others,
    a_clock_that_goes_back_does_not_take_the_versions_with_it + clocked,
];
