//! Subscriptions: counted, ended, and left behind.

use std::task::{Context, Poll, Waker};

use live_core::bus::TAIL_CAPACITY;
use tokio::task::JoinSet;

use crate::{
    buses::{
        BusCase,
        picture::Picture,
        store::{Node, TestStore, patient, until},
    },
    server::channel_id,
};

async fn subscriptions_are_counted_by_page_and_come_back_to_none(store: TestStore) {
    let node = store.node(&patient()).await;
    assert_eq!(node.0.subscriptions(), 0);
    let followers = [node.follow("a").await, node.follow("b").await, node.follow("a").await];
    assert_eq!(node.0.subscriptions(), 2);
    let [first, b, second] = followers;
    drop(b);
    until("one page left", async || node.0.subscriptions() == 1).await;
    drop(first);
    assert_eq!(node.0.subscriptions(), 1, "somebody still follows it");
    drop(second);
    until("no page left", async || node.0.subscriptions() == 0).await;
}

async fn a_subscription_that_is_given_up_half_way_leaves_nothing(store: TestStore) {
    let node = store.node(&patient()).await;
    for number in 0..50 {
        let page = channel_id(&format!("page-{}", number % 10));
        let mut half_way = node.0.subscribe(&page);
        let _ = half_way.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    until("no page left", async || node.0.subscriptions() == 0).await;
    let mut follower = node.follow("page-1").await;
    node.post("page-1", "1", "one").await;
    assert!(follower.next().await.is_some());
}

async fn reading_a_page_leaves_no_subscription(store: TestStore) {
    let node = store.node(&patient()).await;
    node.post("a", "1", "one").await;
    for page in ["a", "b"] {
        node.page(page).await;
        node.head(page).await;
    }
    until("no page left", async || node.0.subscriptions() == 0).await;
}

async fn a_subscription_ends_with_its_bus(store: TestStore) {
    let node = store.node(&patient()).await;
    let mut follower = node.follow("a").await;
    drop(node);
    follower.loses().await;
}

async fn who_does_not_keep_up_gets_everything_or_learns_of_the_loss(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let mut slow = nodes[1].follow("a").await;
    let mut publishers = JoinSet::new();
    for publisher in 0..8 {
        let node = nodes[publisher % 2].clone();
        publishers.spawn(async move {
            for number in 0..TAIL_CAPACITY / 4 {
                node.post("a", &publisher.to_string(), &number.to_string()).await;
            }
        });
    }
    publishers.join_all().await;
    let stored = nodes[0].page("a").await;
    // The follower insists that what it gets has no gap.
    while slow.page.cursor() != stored.cursor() && slow.next().await.is_some() {}
    if slow.page.cursor() != stored.cursor() {
        slow = nodes[1].follow("a").await;
    }
    let last = nodes[0].post("a", "last", "x").await;
    slow.reaches(last).await;
    assert_eq!(Picture::of(&slow.page), Picture::of(&nodes[1].page("a").await));
}

async fn a_follower_has_nothing_to_take_while_nothing_is_published(store: TestStore) {
    let node = store.node(&patient()).await;
    node.post("a", "1", "one").await;
    let mut follower = node.follow("a").await;
    assert!(matches!(follower.poll(), Poll::Pending));
    let cursor = node.post("a", "2", "two").await;
    follower.reaches(cursor).await;
    assert!(matches!(follower.poll(), Poll::Pending));
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] = bus_cases![
    subscriptions_are_counted_by_page_and_come_back_to_none + both,
    a_subscription_that_is_given_up_half_way_leaves_nothing + both,
    reading_a_page_leaves_no_subscription + both,
    a_subscription_ends_with_its_bus + both,
    who_does_not_keep_up_gets_everything_or_learns_of_the_loss,
    a_follower_has_nothing_to_take_while_nothing_is_published,
];
