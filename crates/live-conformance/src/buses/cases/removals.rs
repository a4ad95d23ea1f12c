//! Removals, and how long they are remembered.

use live_core::{Config, page::Standing};

use crate::buses::{
    BusCase,
    store::{Node, TestStore, gone, ids, patient, posts, removals},
};

async fn a_removed_post_is_gone_on_every_node_and_remembered_as_such(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let mut follower = nodes[1].follow("a").await;
    nodes[0].publish("a", posts(3, "x")).await;
    // Of a post that Live never had, readers may have it in their HTML.
    let cursor = nodes[0].publish("a", removals(&["post-1", "never seen"])).await;
    follower.reaches(cursor).await;
    for page in [follower.page, nodes[0].page("a").await, nodes[1].page("a").await] {
        assert_eq!(ids(&page), ["post-0", "post-2"]);
        assert_eq!(gone(&page), ["never seen", "post-1"]);
    }
}

async fn a_post_that_is_created_again_is_a_new_one(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    nodes[0].publish("a", posts(3, "x")).await;
    nodes[0].publish("a", removals(&["post-1"])).await;
    let cursor = nodes[1].post("a", "post-1", "again").await;
    let page = nodes[0].page("a").await;
    assert_eq!(ids(&page), ["post-0", "post-2", "post-1"], "on top");
    assert_eq!(page.post("post-1").unwrap().version(), cursor.version);
    assert!(gone(&page).is_empty());
}

async fn whoever_is_older_than_the_removals_that_are_remembered_is_dead(store: TestStore) {
    let config = Config { max_tombstones: 5, ..patient() };
    let nodes: [Node; 2] = store.nodes(&config).await;
    let mut cursors = vec![nodes[0].publish("a", posts(20, "x")).await];
    for number in 0..12 {
        cursors.push(nodes[number % 2].publish("a", removals(&[&format!("post-{number}")])).await);
    }
    // The removals up to the seventh are forgotten: whoever lacks one of them cannot be told.
    for node in &nodes {
        for (removed, cursor) in cursors.iter().enumerate() {
            let expected = if removed < 7 { Standing::Dead } else { Standing::At(cursor.version) };
            assert_eq!(node.standing("a", *cursor).await, expected, "after {removed} removals");
        }
        let page = node.page("a").await;
        assert_eq!(page.horizon(), cursors[7].version);
        assert_eq!(gone(&page), ["post-10", "post-11", "post-7", "post-8", "post-9"]);
    }
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] = bus_cases![
    a_removed_post_is_gone_on_every_node_and_remembered_as_such,
    a_post_that_is_created_again_is_a_new_one,
    whoever_is_older_than_the_removals_that_are_remembered_is_dead,
];
