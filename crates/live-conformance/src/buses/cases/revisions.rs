//! `rev`: a late publisher is acknowledged and ignored.

use live_core::Update;

use crate::{
    buses::{
        BusCase,
        store::{Node, TestStore, gone, patient, post},
    },
    server::{post_id, render},
};

fn revision(html: &str, rev: u64) -> Update {
    Update::new().render(render("1", html).rev(rev))
}

async fn a_late_publisher_does_not_undo_an_edit(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let mut follower = nodes[1].follow("a").await;
    let head = nodes[0].publish("a", revision("new", 7)).await;
    for late in [revision("old", 6), Update::new().remove_rev(post_id("1"), 6)] {
        assert_eq!(nodes[1].publish("a", late).await, head);
    }
    // The same revision again is no late one.
    let last = nodes[1].publish("a", revision("newer", 7)).await;
    follower.reaches(last).await;
    assert_eq!(follower.news.len(), 2);
    let page = nodes[1].page("a").await;
    let post = page.post("1").unwrap();
    assert_eq!((post.html(), post.rev()), (render("1", "newer").html(), Some(7)));
}

async fn a_late_publisher_does_not_resurrect_a_removal(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    nodes[0].publish("a", revision("one", 7)).await;
    let head = nodes[0].publish("a", Update::new().remove_rev(post_id("1"), 9)).await;
    assert_eq!(nodes[1].publish("a", revision("late", 8)).await, head);
    assert_eq!(gone(&nodes[1].page("a").await), ["1"]);
    nodes[1].publish("a", revision("created again", 10)).await;
    assert_eq!(nodes[0].page("a").await.post("1").unwrap().rev(), Some(10));
}

async fn an_edit_and_a_removal_without_a_revision_keep_the_posts(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    nodes[0].publish("a", revision("one", 7)).await;
    let edited = nodes[1].publish("a", post("1", "edited")).await;
    assert_eq!(nodes[0].publish("a", revision("late", 6)).await, edited);
    let removed = nodes[1].publish("a", Update::new().remove(post_id("1"))).await;
    assert_eq!(nodes[0].publish("a", revision("late", 6)).await, removed);
    assert_eq!(gone(&nodes[0].page("a").await), ["1"]);
}

async fn of_one_update_the_late_items_alone_are_ignored(store: TestStore) {
    let node = store.node(&patient()).await;
    node.publish("a", revision("new", 7)).await;
    node.publish("a", revision("late", 6).render(render("2", "in time"))).await;
    let page = node.page("a").await;
    assert_eq!(page.post("1").unwrap().html(), render("1", "new").html());
    assert!(page.post("2").is_some());
}

async fn the_greatest_revision_is_kept_exactly(store: TestStore) {
    let node = store.node(&patient()).await;
    for rev in [(1 << 53) + 1, u64::MAX - 1, u64::MAX] {
        let head = node.publish("a", revision("new", rev)).await;
        assert_eq!(node.publish("a", revision("late", rev - 1)).await, head, "{rev}");
        assert_eq!(node.page("a").await.post("1").unwrap().rev(), Some(rev));
    }
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] = bus_cases![
    a_late_publisher_does_not_undo_an_edit,
    a_late_publisher_does_not_resurrect_a_removal,
    an_edit_and_a_removal_without_a_revision_keep_the_posts,
    of_one_update_the_late_items_alone_are_ignored,
    the_greatest_revision_is_kept_exactly,
];
