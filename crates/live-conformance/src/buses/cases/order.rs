//! One order for all, and the join of a snapshot with what follows it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    buses::{
        BusCase,
        picture::Picture,
        store::{Node, TestStore, patient, posts},
    },
    server::is_long,
};

const PUBLISHERS: usize = 6;

/// All together fewer than a subscriber may be behind.
fn updates_of_each() -> usize {
    if is_long() { 150 } else { 20 }
}

/// Publishers on all nodes at once: new posts, and edits of posts that they share.
fn publish_on(nodes: &[Node]) -> JoinSet<()> {
    let mut publishers = JoinSet::new();
    let together = Arc::new(Barrier::new(PUBLISHERS));
    for publisher in 0..PUBLISHERS {
        let (node, together) = (nodes[publisher % nodes.len()].clone(), Arc::clone(&together));
        publishers.spawn(async move {
            together.wait().await;
            for number in 0..updates_of_each() {
                let id =
                    if number % 2 == 0 { format!("shared-{}", number % 5) } else { format!("{publisher}-{number}") };
                node.post("a", &id, &format!("{publisher}: {number}")).await;
            }
        });
    }
    publishers
}

async fn every_subscriber_on_every_node_sees_one_order(store: TestStore) {
    let nodes: [Node; 3] = store.nodes(&patient()).await;
    let mut followers = Vec::new();
    for node in nodes.iter().chain(&nodes) {
        followers.push(node.follow("a").await);
    }
    publish_on(&nodes).join_all().await;
    let head = nodes[0].head("a").await;
    let stored = nodes[1].page("a").await;
    assert_eq!(stored.cursor(), head);
    for follower in &mut followers {
        follower.reaches(head).await;
        assert_eq!(follower.news.len(), PUBLISHERS * updates_of_each());
        assert_eq!(Picture::of(&follower.page), Picture::of(&stored));
    }
    let (first, others) = followers.split_first().unwrap();
    for other in others {
        assert_eq!(other.news, first.news, "the same updates with the same numbers");
    }
}

async fn a_snapshot_and_what_follows_join_without_a_gap_or_a_double(store: TestStore) {
    let nodes: [Node; 3] = store.nodes(&patient()).await;
    let goes_on = Arc::new(AtomicBool::new(true));
    let mut publishers = JoinSet::new();
    for (publisher, node) in nodes.iter().chain(&nodes).cloned().enumerate() {
        let goes_on = Arc::clone(&goes_on);
        publishers.spawn(async move {
            for number in 0.. {
                if !goes_on.load(Ordering::SeqCst) {
                    return;
                }
                node.post("a", &(number % 5).to_string(), &format!("{publisher}: {number}")).await;
                tokio::task::yield_now().await;
            }
        });
    }
    let mut joined = 0;
    let mut last = nodes[0].follow("a").await;
    while joined < if is_long() { 2_000 } else { 100 } {
        last = nodes[joined % 3].follow("a").await;
        // Who is not scheduled in time may fall behind, and is told.
        let mut news = 0;
        while news < 10 && last.next().await.is_some() {
            news += 1;
        }
        joined += usize::from(news == 10);
    }
    goes_on.store(false, Ordering::SeqCst);
    publishers.join_all().await;
    last.reaches(nodes[0].head("a").await).await;
    assert_eq!(Picture::of(&last.page), Picture::of(&nodes[1].page("a").await));
}

async fn a_publish_that_has_returned_is_in_every_snapshot_on_every_node(store: TestStore) {
    let nodes: [Node; 3] = store.nodes(&patient()).await;
    for number in 0..30 {
        let cursor = nodes[number % 3].post("a", &number.to_string(), "x").await;
        for node in &nodes {
            assert!(node.head("a").await.version >= cursor.version);
            let page = node.page("a").await;
            assert_eq!(page.post(&number.to_string()).map(|post| post.version()), Some(cursor.version));
        }
    }
}

async fn what_a_publish_returns_is_the_cursor_that_subscribers_see(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let mut follower = nodes[1].follow("a").await;
    let mut published = Vec::new();
    for number in 0..20 {
        published.push(nodes[number % 2].post("a", "1", &number.to_string()).await);
    }
    follower.reaches(*published.last().unwrap()).await;
    assert_eq!(follower.cursors(), published);
}

async fn an_update_reaches_the_subscribers_of_its_page_alone(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let (mut a, mut b) = (nodes[1].follow("a").await, nodes[1].follow("b").await);
    for number in 0..10 {
        nodes[0].post("a", "1", &number.to_string()).await;
        nodes[0].post("c", "1", &number.to_string()).await;
    }
    let (last, only) = (nodes[0].head("a").await, nodes[0].post("b", "1", "one").await);
    a.reaches(last).await;
    b.reaches(only).await;
    assert_eq!((a.news.len(), b.news.len()), (10, 1));
}

async fn a_large_page_is_followed_and_read_like_a_small_one(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let mut follower = nodes[1].follow("a").await;
    let cursor = nodes[0].publish("a", posts(10_000, "one of many")).await;
    follower.reaches(cursor).await;
    let page = nodes[1].page("a").await;
    assert_eq!(page.posts().count(), 10_000);
    assert_eq!(Picture::of(&page), Picture::of(&follower.page));
    let edited = nodes[1].post("a", "post-5000", "edited").await;
    follower.reaches(edited).await;
    let emptied = nodes[1].publish("a", live_core::Update::replace([])).await;
    follower.reaches(emptied).await;
    assert_eq!(nodes[0].page("a").await.posts().count(), 0);
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] = bus_cases![
    every_subscriber_on_every_node_sees_one_order,
    a_snapshot_and_what_follows_join_without_a_gap_or_a_double,
    a_publish_that_has_returned_is_in_every_snapshot_on_every_node,
    what_a_publish_returns_is_the_cursor_that_subscribers_see,
    an_update_reaches_the_subscribers_of_its_page_alone,
    a_large_page_is_followed_and_read_like_a_small_one,
];
