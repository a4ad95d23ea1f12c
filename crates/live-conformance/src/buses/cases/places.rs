//! `sort`, and pins.

use live_core::{Sort, Update};

use crate::{
    buses::{
        BusCase,
        picture::Picture,
        store::{Node, TestStore, ids, patient, posts},
    },
    server::render,
};

async fn new_posts_go_on_top_and_edits_keep_their_place(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    nodes[0].publish("a", posts(3, "x")).await;
    nodes[1].post("a", "post-0", "edited").await;
    nodes[0].post("a", "new", "x").await;
    assert_eq!(ids(&nodes[1].page("a").await), ["post-0", "post-1", "post-2", "new"]);
}

async fn a_place_and_a_pin_are_the_publishers_on_every_node(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let mut follower = nodes[1].follow("a").await;
    let place = |sort| Sort::new(sort).unwrap();
    let update = Update::new()
        .render(render("lower pin", "x").sort(Sort::pinned(1)))
        .render(render("upper pin", "x").sort(Sort::pinned(u32::MAX)))
        .render(render("bottom", "x").sort(place(0)))
        .render(render("top", "x").sort(place((1 << 53) - 1)));
    nodes[0].publish("a", update).await;
    nodes[0].post("a", "unplaced", "x").await;
    nodes[0].post("a", "bottom", "an edit without a place keeps it").await;
    let last = nodes[1].publish("a", Update::new().render(render("lower pin", "x").sort(place(5)))).await;
    follower.reaches(last).await;
    let page = nodes[1].page("a").await;
    assert_eq!(ids(&page), ["bottom", "lower pin", "unplaced", "upper pin", "top"]);
    assert_eq!(page.post("top").unwrap().sort().number(), (1 << 53) - 1);
    assert!(page.post("bottom").unwrap().is_placed() && !page.post("unplaced").unwrap().is_placed());
    assert_eq!(Picture::of(&follower.page), Picture::of(&page));
    assert_eq!(Picture::of(&nodes[0].page("a").await), Picture::of(&page));
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] =
    bus_cases![new_posts_go_on_top_and_edits_keep_their_place, a_place_and_a_pin_are_the_publishers_on_every_node,];
