//! Idempotency keys: a repetition is harmless.

use std::task::{Context, Waker};

use live_core::{BusError, IdempotencyKey, Update, page::NumberError};
use tokio::task::JoinSet;

use crate::{
    buses::{
        BusCase,
        store::{Node, TestStore, ids, patient, post},
    },
    server::{channel_id, render},
};

async fn the_same_update_under_the_same_key_has_one_effect_on_all_nodes(store: TestStore) {
    let nodes: [Node; 3] = store.nodes(&patient()).await;
    let mut follower = nodes[2].follow("a").await;
    let first = nodes[0].publish_once("a", post("1", "one"), "key").await;
    assert!(!first.repeated);
    let second = nodes[1].post("a", "1", "edited").await;
    for node in &nodes {
        let again = node.publish_once("a", post("1", "one"), "key").await;
        assert_eq!((again.cursor, again.repeated), (first.cursor, true));
        assert_eq!(node.head("a").await, second);
    }
    let last = nodes[0].post("a", "2", "two").await;
    follower.reaches(last).await;
    assert_eq!(follower.cursors(), [first.cursor, second, last]);
}

async fn the_key_of_another_update_is_refused_and_another_pages_keys_are_its_own(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let first = nodes[0].publish_once("a", post("1", "one"), "key").await;
    for other in [post("1", "two"), post("2", "one"), Update::new(), Update::replace([])] {
        for node in &nodes {
            let refused = node.try_publish("a", other.clone(), Some("key")).await;
            assert!(matches!(refused, Err(BusError::KeyReused)), "{refused:?}");
        }
    }
    assert_eq!(nodes[1].head("a").await, first.cursor);
    assert!(!nodes[1].publish_once("b", post("1", "two"), "key").await.repeated);
}

async fn of_many_who_publish_under_one_key_at_once_one_has_an_effect(store: TestStore) {
    let nodes: [Node; 3] = store.nodes(&patient()).await;
    for round in 0..5 {
        let mut publishers = JoinSet::new();
        for publisher in 0..9 {
            let node = nodes[publisher % 3].clone();
            publishers.spawn(async move { node.publish_once("a", post("1", "one"), &format!("key-{round}")).await });
        }
        let published = publishers.join_all().await;
        assert_eq!(published.iter().filter(|published| !published.repeated).count(), 1);
        let head = nodes[0].head("a").await;
        assert!(published.iter().all(|published| published.cursor == head), "{published:?}");
    }
}

async fn a_refused_update_does_not_use_up_its_key(store: TestStore) {
    let config = patient();
    let node = store.node(&config).await;
    let large = post("1", &"x".repeat(config.page.max_post_bytes));
    assert!(matches!(node.try_publish("a", large, Some("key")).await, Err(BusError::Refused(_))));
    assert!(!node.publish_once("a", post("1", "one"), "key").await.repeated);
}

async fn an_update_that_is_too_large_is_refused_as_such_also_under_a_used_key(store: TestStore) {
    let config = patient();
    let nodes: [Node; 2] = store.nodes(&config).await;
    nodes[0].publish_once("a", post("1", "one"), "key").await;
    let large = post("1", &"x".repeat(config.page.max_post_bytes));
    for node in &nodes {
        let refused = node.try_publish("a", large.clone(), Some("key")).await;
        assert!(matches!(refused, Err(BusError::Refused(NumberError::PostTooLarge { .. }))), "{refused:?}");
    }
    assert!(nodes[1].publish_once("a", post("1", "one"), "key").await.repeated);
}

async fn a_replacement_that_asks_for_another_head_is_another_update(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let replacement = |head| Update::replace([render("1", "one")]).if_head_is(head);
    let (before, first) = (nodes[0].head("a").await, nodes[0].post("a", "1", "one").await);
    assert!(!nodes[0].publish_once("a", replacement(first), "key").await.repeated);
    assert!(nodes[1].publish_once("a", replacement(first), "key").await.repeated);
    for other in [replacement(before), Update::replace([render("1", "one")])] {
        let refused = nodes[1].try_publish("a", other, Some("key")).await;
        assert!(matches!(refused, Err(BusError::KeyReused)), "{refused:?}");
    }
}

async fn a_key_of_an_update_that_changed_nothing_is_remembered(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let head = nodes[0].post("a", "1", "one").await;
    assert_eq!(nodes[0].publish_once("a", Update::new(), "key").await.cursor, head);
    nodes[0].post("a", "1", "two").await;
    let again = nodes[1].publish_once("a", Update::new(), "key").await;
    assert_eq!((again.cursor, again.repeated), (head, true));
    let refused = nodes[1].try_publish("a", post("1", "one"), Some("key")).await;
    assert!(matches!(refused, Err(BusError::KeyReused)), "{refused:?}");
}

async fn the_last_thousand_keys_of_a_page_are_remembered_and_no_more(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    nodes[0].publish_once("a", post("1", "one"), "oldest").await;
    let mut publishers = JoinSet::new();
    for publisher in 0..10 {
        let node = nodes[publisher % 2].clone();
        publishers.spawn(async move {
            for number in 0..100 {
                node.publish_once("a", post("1", "one"), &format!("{publisher}-{number}")).await;
            }
        });
    }
    publishers.join_all().await;
    for publisher in 0..10 {
        assert!(nodes[1].publish_once("a", post("1", "one"), &format!("{publisher}-0")).await.repeated);
    }
    assert!(!nodes[1].publish_once("a", post("1", "one"), "oldest").await.repeated);
}

async fn a_publish_that_its_caller_drops_has_one_effect_or_none(store: TestStore) {
    let node = store.node(&patient()).await;
    let page = channel_id("a");
    let key = |number: usize| IdempotencyKey::new(number.to_string()).unwrap();
    for number in 0..50 {
        let key = key(number);
        let mut dropped = node.0.publish(&page, post(&number.to_string(), "x"), Some(&key));
        // Far enough for the bus to have it; it may even have answered.
        let _ = dropped.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if number % 2 == 0 {
            node.head("a").await;
        }
    }
    for number in 0..50 {
        let published = node.publish_once("a", post(&number.to_string(), "x"), &number.to_string()).await;
        let page = node.page("a").await;
        // An effect then and another now would be an edit, which moves the version of the post.
        assert_eq!(page.post(&number.to_string()).map(|post| post.version()), Some(published.cursor.version));
    }
    assert_eq!(ids(&node.page("a").await).len(), 50);
}

async fn keys_outlive_their_nodes(store: TestStore) {
    let first = {
        let node = store.node(&patient()).await;
        node.publish_once("a", post("1", "one"), "key").await
    };
    let node = store.node(&patient()).await;
    let again = node.publish_once("a", post("1", "one"), "key").await;
    assert_eq!((again.cursor, again.repeated), (first.cursor, true));
    let refused = node.try_publish("a", post("1", "two"), Some("key")).await;
    assert!(matches!(refused, Err(BusError::KeyReused)), "{refused:?}");
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] = bus_cases![
    the_same_update_under_the_same_key_has_one_effect_on_all_nodes,
    the_key_of_another_update_is_refused_and_another_pages_keys_are_its_own,
    of_many_who_publish_under_one_key_at_once_one_has_an_effect,
    a_refused_update_does_not_use_up_its_key,
    an_update_that_is_too_large_is_refused_as_such_also_under_a_used_key,
    a_replacement_that_asks_for_another_head_is_another_update,
    a_key_of_an_update_that_changed_nothing_is_remembered,
    the_last_thousand_keys_of_a_page_are_remembered_and_no_more,
    a_publish_that_its_caller_drops_has_one_effect_or_none,
    keys_outlive_their_nodes + lasting,
];
