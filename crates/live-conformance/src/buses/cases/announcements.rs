//! Announcements that are lost, doubled or out of order on their way: the hub notices, and asks the bus.

use std::sync::Arc;

use live_core::{Hub, Update};

use crate::{
    buses::{
        BusCase,
        reader::HubReader,
        store::{Node, TestStore, patient, removals},
        tampering::{Tampering, TamperingBus},
    },
    random::Random,
    server::{is_long, render},
};

/// Readers on a bus that is tampered with, and a publisher on one that is not. Everybody ends with the page as it is.
async fn end_well(store: &TestStore, tampering: Tampering) -> usize {
    let mut resets = 0;
    for seed in 0..if is_long() { 100 } else { 3 } {
        let page = format!("page-{seed}");
        let nodes: [Node; 2] = store.nodes(&patient()).await;
        let mut random = Random::new(seed);
        nodes[0].publish(&page, Update::replace([render("1", "as seeded")])).await;
        let bus = TamperingBus::new(Arc::clone(&nodes[1].0), tampering, random.fork());
        let hub = Hub::new(Arc::new(bus), patient()).unwrap();
        let mut readers = [HubReader::open(&hub, &page).await, HubReader::open(&hub, &page).await];
        for number in 0..40 {
            let id = random.below(8).to_string();
            match random.once_in(4) {
                true => nodes[0].publish(&page, removals(&[&id])).await,
                false => nodes[0].post(&page, &id, &number.to_string()).await,
            };
            // The readers see states in between, too.
            tokio::task::yield_now().await;
        }
        for reader in &mut readers {
            reader.settles(&nodes[0]).await;
            resets += reader.reader.resets;
        }
    }
    resets
}

async fn a_lost_announcement_is_made_good_without_a_new_publish(store: TestStore) {
    assert_eq!(end_well(&store, Tampering::Loses).await, 0, "what a reader lacks is known exactly");
}

async fn an_announcement_that_comes_twice_counts_once(store: TestStore) {
    assert_eq!(end_well(&store, Tampering::Doubles).await, 0);
}

async fn announcements_out_of_order_are_put_right(store: TestStore) {
    assert_eq!(end_well(&store, Tampering::Swaps).await, 0);
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] = bus_cases![
    a_lost_announcement_is_made_good_without_a_new_publish,
    an_announcement_that_comes_twice_counts_once,
    announcements_out_of_order_are_put_right,
];
