//! Nodes come and go, and the store stays.

use live_core::{Cursor, Render, Sort, Update, Version, page::Standing};

use crate::{
    buses::{
        BusCase,
        picture::Picture,
        store::{TestStore, patient, posts, until},
    },
    server::{post_id, render},
};

async fn a_page_is_the_same_for_the_next_node(store: TestStore) {
    let node = store.node(&patient()).await;
    node.publish("whole", Update::replace([render("1", "one"), render("2", "two")])).await;
    let update = Update::new()
        .render(render("1", "edited").rev(7))
        .render(render("pin", "x").sort(Sort::pinned(3)))
        .render(Render::hidden(post_id("hidden")).rev(u64::MAX))
        .remove_rev(post_id("2"), 9);
    node.publish("whole", update).await;
    let part = node.publish("part", posts(20, "x")).await;
    let before = [node.page("whole").await, node.page("part").await];
    drop(node);
    let node = store.node(&patient()).await;
    for (name, before) in ["whole", "part"].into_iter().zip(&before) {
        let page = node.page(name).await;
        assert_eq!(Picture::of(&page), Picture::of(before));
        assert_eq!((page.cursor().version, page.horizon()), (before.cursor().version, before.horizon()));
        for (now, then) in page.posts().zip(before.posts()) {
            assert_eq!((now.sort(), now.version()), (then.sort(), then.version()));
        }
    }
    // What was late is late.
    let head = node.head("whole").await;
    assert_eq!(node.publish("whole", Update::new().render(render("2", "late").rev(8))).await, head);
    assert!(node.post("part", "next", "x").await.version > part.version);
}

async fn readers_of_every_former_node_resume_where_they_were(store: TestStore) {
    let mut cursors: Vec<Cursor> = Vec::new();
    let mut origin = None;
    for life in 0..7 {
        let node = store.node(&patient()).await;
        assert_eq!(node.head("never published to").await, *origin.get_or_insert(node.head("never published to").await));
        for cursor in cursors.iter().chain(&origin) {
            assert_eq!(node.standing("a", *cursor).await, Standing::At(cursor.version), "life {life}");
        }
        let page = node.page("a").await;
        // What a reader of any life lacks is known exactly.
        for (index, cursor) in cursors.iter().enumerate() {
            let lacks = page.changed_since(cursor.version).len();
            assert_eq!(lacks, cursors.len() - 1 - index);
        }
        cursors.push(node.post("a", &life.to_string(), "x").await);
    }
}

async fn a_cursor_beyond_what_an_opening_found_stays_dead(store: TestStore) {
    let node = store.node(&patient()).await;
    let head = node.post("a", "1", "one").await;
    drop(node);
    // As if the end of the log had been lost with the last node.
    let lost = Cursor::new(head.epoch, Version::saturating(head.version.number() + 1));
    let node = store.node(&patient()).await;
    assert_eq!(node.standing("a", lost).await, Standing::Dead);
    node.post("a", "2", "another second update").await;
    assert_eq!(node.standing("a", lost).await, Standing::Dead);
    assert_eq!(node.standing("a", head).await, Standing::At(head.version));
}

async fn a_node_that_comes_later_is_like_the_others(store: TestStore) {
    let first = store.node(&patient()).await;
    let mut follower = first.follow("a").await;
    for number in 0..10 {
        first.post("a", &number.to_string(), "x").await;
        let late = store.node(&patient()).await;
        let cursor = late.post("a", &number.to_string(), "edited by a newcomer").await;
        follower.reaches(cursor).await;
        drop(late);
    }
    until("nobody else", async || first.0.subscriptions() == 1).await;
    assert_eq!(Picture::of(&follower.page), Picture::of(&store.node(&patient()).await.page("a").await));
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] = bus_cases![
    a_page_is_the_same_for_the_next_node + lasting,
    readers_of_every_former_node_resume_where_they_were + lasting,
    a_cursor_beyond_what_an_opening_found_stays_dead + in_turn + forking,
    a_node_that_comes_later_is_like_the_others + together,
];
