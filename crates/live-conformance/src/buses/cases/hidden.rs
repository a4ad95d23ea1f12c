//! Hidden content is absent.

use live_core::{Render, Update};

use crate::{
    buses::{
        BusCase,
        store::{Node, TestStore, patient},
    },
    server::post_id,
};

const SECRET: &str = "top-secret";

async fn the_content_of_a_hidden_post_is_neither_announced_nor_stored(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let mut follower = nodes[1].follow("a").await;
    let json = format!(r#"{{"renders": {{"1": {{"show": false, "content": "<p>{SECRET}</p>"}}}}}}"#);
    nodes[0].publish("a", Update::from_json(json.as_bytes()).unwrap()).await;
    assert!(follower.next().await.is_some());
    assert!(!format!("{:?}", follower.news).contains(SECRET));
    assert_eq!(follower.page.post("1").unwrap().html(), None);
    assert_eq!(nodes[1].page("a").await.post("1").unwrap().html(), None);
}

async fn a_post_that_is_hidden_keeps_its_place_and_loses_its_content(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    nodes[0].post("a", "1", SECRET).await;
    let sort = nodes[1].page("a").await.post("1").unwrap().sort();
    nodes[0].post("a", "2", "two").await;
    nodes[0].publish("a", Update::new().render(Render::hidden(post_id("1")))).await;
    let page = nodes[1].page("a").await;
    assert_eq!((page.post("1").unwrap().html(), page.post("1").unwrap().sort()), (None, sort));
    nodes[0].post("a", "1", "shown again").await;
    assert_eq!(nodes[1].page("a").await.post("1").unwrap().sort(), sort);
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] = bus_cases![
    the_content_of_a_hidden_post_is_neither_announced_nor_stored + both,
    a_post_that_is_hidden_keeps_its_place_and_loses_its_content,
];
