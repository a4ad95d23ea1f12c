//! The relay of a relayed bus fails: whoever may have missed something is told so.

use live_core::{BusError, Cursor, page::Standing};

use crate::buses::{
    BusCase, BusFault,
    store::{Follower, Node, TestStore, brisk, ids, patient, post, until},
};

/// Two nodes that follow a page, and a cursor of each from before.
struct Site {
    nodes: [Node; 2],
    followers: [Follower; 2],
    cursors: [Cursor; 2],
}

impl Site {
    async fn open(nodes: [Node; 2]) -> Self {
        let followers = [nodes[0].follow("a").await, nodes[1].follow("a").await];
        let cursors = [nodes[0].post("a", "1", "one").await, nodes[1].post("a", "2", "two").await];
        Self { nodes, followers, cursors }
    }

    /// Everybody who followed begins anew, and hears what is published then.
    async fn begins_anew(mut self) {
        for follower in &mut self.followers {
            follower.loses().await;
        }
        for node in &self.nodes {
            until("ready again", async || node.0.check().await.is_ok()).await;
        }
        let mut followers = [self.nodes[0].follow("a").await, self.nodes[1].follow("a").await];
        for (node, cursor) in self.nodes.iter().zip(self.cursors) {
            assert_eq!(node.standing("a", cursor).await, Standing::Dead);
        }
        self.nodes[0].post("a", "3", "afterwards").await;
        for follower in &mut followers {
            assert!(follower.next().await.is_some());
            assert_eq!(ids(&follower.page), ["3"]);
        }
    }
}

async fn whoever_followed_over_a_cut_connection_begins_anew(store: TestStore) {
    // No comparison of heads helps here.
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let site = Site::open(nodes).await;
    store.begin(BusFault::Cut);
    store.end();
    site.begins_anew().await;
}

async fn is_away(store: TestStore, fault: BusFault) {
    let nodes: [Node; 2] = store.nodes(&brisk()).await;
    let mut site = Site::open(nodes).await;
    store.begin(fault);
    until("not ready", async || site.nodes[0].0.check().await.is_err()).await;
    let failed = site.nodes[0].try_publish("a", post("in between", "x"), Some("key")).await;
    assert!(matches!(failed, Err(BusError::Unavailable | BusError::Down { .. } | BusError::Store(_))), "{failed:?}");
    // They are told at once, and not when it is over.
    for follower in &mut site.followers {
        follower.loses().await;
    }
    assert_eq!(site.nodes[0].0.subscriptions(), 0);
    store.end();
    site.begins_anew().await;
}

async fn a_relay_that_hangs_is_noticed_and_overcome(store: TestStore) {
    is_away(store, BusFault::Hang).await;
}

async fn a_relay_that_is_killed_is_waited_for(store: TestStore) {
    is_away(store, BusFault::Wipe).await;
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] = bus_cases![
    whoever_followed_over_a_cut_connection_begins_anew + relayed + cut,
    a_relay_that_hangs_is_noticed_and_overcome + relayed + hang,
    a_relay_that_is_killed_is_waited_for + relayed + wipe,
];
