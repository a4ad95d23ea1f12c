//! `heads` and `check`: what a hub and a readiness check ask.

use crate::{
    buses::{
        BusCase,
        store::{Node, TestStore, patient, until},
    },
    client::within,
    server::channel_id,
};

async fn heads_come_in_the_order_of_the_question(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let names: Vec<_> = (0..300).map(|number| format!("page-{number}")).collect();
    let mut expected = Vec::new();
    for (number, name) in names.iter().enumerate() {
        // Every third page has no log.
        let is_published = number % 3 != 0;
        expected.push(if is_published { nodes[0].post(name, "1", "x").await } else { nodes[0].head(name).await });
    }
    let mut channels: Vec<_> = names.iter().map(|name| channel_id(name)).collect();
    // Backwards, and two of them more than once.
    channels.reverse();
    expected.reverse();
    for again in [1, 1, 299] {
        channels.push(channels[again].clone());
        expected.push(expected[again]);
    }
    for node in &nodes {
        assert_eq!(within("heads", node.0.heads(&channels)).await.unwrap(), expected);
        assert_eq!(within("no heads", node.0.heads(&[])).await.unwrap(), []);
    }
}

async fn a_bus_that_answers_says_so(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    for node in &nodes {
        within("the answer of check", node.0.check()).await.unwrap();
    }
    drop(nodes);
    let node = store.node(&patient()).await;
    until("a new node that is ready", async || node.0.check().await.is_ok()).await;
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] =
    bus_cases![heads_come_in_the_order_of_the_question, a_bus_that_answers_says_so + both];
