//! Updates that replace the whole page.

use live_core::{
    BusError, Update,
    page::{NumberError, Standing},
};
use tokio::task::JoinSet;

use crate::{
    buses::{
        BusCase,
        picture::Picture,
        store::{Node, TestStore, gone, ids, patient, post},
    },
    server::{channel_id, render},
};

fn seed(ids: &[&str]) -> Update {
    Update::replace(ids.iter().map(|id| render(id, &format!("{id} as seeded"))))
}

async fn the_first_seed_makes_the_page_whole_and_ends_what_was_before(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let mut follower = nodes[1].follow("a").await;
    let origin = nodes[0].head("a").await;
    let before = nodes[0].post("a", "1", "one").await;
    assert!(!nodes[1].page("a").await.is_whole());
    let seeded = nodes[0].publish("a", seed(&["2", "3"])).await;
    follower.reaches(seeded).await;
    assert!(follower.news.last().unwrap().reset);
    for node in &nodes {
        let page = node.page("a").await;
        assert_eq!(Picture::of(&page), Picture::of(&follower.page));
        assert_eq!((page.is_whole(), ids(&page), page.horizon()), (true, vec!["2".into(), "3".into()], seeded.version));
        assert_eq!(gone(&page), ["1"]);
        assert_eq!(node.standing("a", origin).await, Standing::Dead);
        assert_eq!(node.standing("a", before).await, Standing::Dead);
        assert_eq!(node.standing("a", seeded).await, Standing::At(seeded.version));
    }
}

async fn a_seed_without_posts_makes_a_page_whole_as_well(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let mut follower = nodes[1].follow("a").await;
    let seeded = nodes[0].publish("a", Update::replace([])).await;
    follower.reaches(seeded).await;
    assert!(follower.page.is_whole() && follower.page.has_log());
    assert!(nodes[1].page("a").await.is_whole());
}

async fn a_later_seed_is_an_update_of_what_differs(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let first = nodes[0].publish("a", seed(&["1", "2", "3"])).await;
    let mut follower = nodes[1].follow("a").await;
    assert_eq!(nodes[1].publish("a", seed(&["1", "2", "3"])).await, first, "nothing differs");
    let again = Update::replace([render("2", "edited"), render("3", "3 as seeded"), render("4", "new")]);
    let second = nodes[1].publish("a", again).await;
    follower.reaches(second).await;
    let update = follower.news.last().unwrap();
    let mut changed: Vec<_> = update.changes.iter().map(|change| change.id().as_str()).collect();
    changed.sort_unstable();
    assert_eq!((update.reset, changed), (false, vec!["1", "2", "4"]));
    assert_eq!(nodes[0].standing("a", first).await, Standing::At(first.version));
    assert_eq!(ids(&nodes[0].page("a").await), ["2", "3", "4"]);
}

async fn what_was_loaded_before_a_publish_does_not_undo_it(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let page = channel_id("a");
    let loaded_at = nodes[0].head("a").await;
    let head = nodes[1].post("a", "1", "one").await;
    for node in &nodes {
        let refused = node.0.seed(&page, seed(&["2"]).if_head_is(loaded_at)).await;
        assert!(
            matches!(refused, Err(BusError::Refused(NumberError::HeadMoved { head: moved })) if moved == head),
            "{refused:?}"
        );
    }
    assert_eq!(ids(&nodes[1].page("a").await), ["1"]);
    let seeded = nodes[0].0.seed(&page, seed(&["2"]).if_head_is(head)).await.unwrap().cursor;
    assert_eq!((nodes[1].head("a").await, ids(&nodes[1].page("a").await)), (seeded, vec!["2".to_owned()]));
}

async fn of_many_nodes_that_load_a_page_at_once_one_seeds_it(store: TestStore) {
    let nodes: [Node; 3] = store.nodes(&patient()).await;
    let origin = nodes[0].head("a").await;
    let mut loads = JoinSet::new();
    for load in 0..9 {
        let node = nodes[load % 3].clone();
        loads.spawn(async move {
            node.0.seed(&channel_id("a"), seed(&["1", &format!("of-{load}")]).if_head_is(origin)).await
        });
    }
    let seeded: Vec<_> = loads.join_all().await.into_iter().filter_map(Result::ok).collect();
    assert_eq!(seeded.len(), 1);
    assert_eq!(nodes[1].head("a").await, seeded[0].cursor);
    assert_eq!(ids(&nodes[1].page("a").await).len(), 2);
}

async fn a_whole_page_stays_whole(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    nodes[0].publish("a", seed(&["1"])).await;
    let cursor = nodes[1].publish("a", post("2", "two")).await;
    for node in &nodes {
        let page = node.page("a").await;
        assert_eq!((page.is_whole(), page.cursor()), (true, cursor));
    }
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] = bus_cases![
    the_first_seed_makes_the_page_whole_and_ends_what_was_before,
    a_seed_without_posts_makes_a_page_whole_as_well,
    a_later_seed_is_an_update_of_what_differs,
    what_was_loaded_before_a_publish_does_not_undo_it,
    of_many_nodes_that_load_a_page_at_once_one_seeds_it,
    a_whole_page_stays_whole,
];
