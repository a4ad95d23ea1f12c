//! Pages expire, with all that belongs to them.

use std::{sync::Arc, time::Duration};

use live_core::{Config, Hub, Version, page::Standing};

use crate::{
    buses::{
        BusCase,
        reader::HubReader,
        store::{Node, TestStore, patient, post, removals, until},
    },
    server::SetClock,
};

async fn a_page_that_nobody_publishes_to_expires_with_its_posts_its_epoch_and_its_keys(store: TestStore) {
    let config = || Config { page_retention: Duration::from_millis(1_500), ..patient() };
    let nodes: [Node; 2] = store.nodes(&config()).await;
    let origin = nodes[0].head("a").await;
    let hub = Hub::new(Arc::clone(&nodes[1].0), config()).unwrap();
    let mut reader = HubReader::open(&hub, "a").await;
    let published = nodes[0].publish_once("a", post("1", "one"), "key").await;
    nodes[0].publish("a", removals(&["2"])).await;
    for node in &nodes {
        until("the end of the page", async || node.head("a").await == origin).await;
        assert_eq!(node.standing("a", published.cursor).await, Standing::Dead);
        let page = node.page("a").await;
        assert!(!page.has_log() && page.posts().next().is_none() && page.removed().next().is_none());
    }
    // Be it that the bus says so, or that the hub compares its head.
    reader.settles(&nodes[0]).await;
    // A new page begins.
    let again = nodes[1].publish_once("a", post("1", "one"), "key").await;
    assert!(!again.repeated);
    assert_ne!(again.cursor.epoch, published.cursor.epoch);
    assert_eq!(nodes[0].standing("a", published.cursor).await, Standing::Dead);
}

async fn each_publish_prolongs_the_life_of_its_page(store: TestStore) {
    let clock = SetClock::new();
    let config = Config { page_retention: Duration::from_secs(100), clock: clock.clock(), ..patient() };
    let node = store.node(&config).await;
    let first = node.post("a", "1", "one").await;
    node.post("b", "1", "one").await;
    clock.pass(Duration::from_secs(99));
    node.post("a", "1", "two").await;
    clock.pass(Duration::from_secs(99));
    assert_eq!(node.standing("a", first).await, Standing::At(first.version));
    assert_eq!(node.head("b").await.version, Version::ZERO);
    clock.pass(Duration::from_secs(1));
    assert_eq!(node.standing("a", first).await, Standing::Dead);
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] = bus_cases![
    a_page_that_nobody_publishes_to_expires_with_its_posts_its_epoch_and_its_keys,
    each_publish_prolongs_the_life_of_its_page + clocked,
];
