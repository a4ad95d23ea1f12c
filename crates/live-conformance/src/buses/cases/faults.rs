//! The store of a logged bus fails, and comes back.

use std::{sync::Arc, time::Duration};

use live_core::{BusError, Cursor, Hub, Update, Version, page::Standing};
use tokio::task::JoinHandle;

use crate::{
    buses::{
        BusCase, BusFault,
        reader::HubReader,
        store::{Node, TestStore, brisk, ids, post, until},
    },
    client::within,
    server::{channel_id, is_long, render},
};

/// Publishes post by post under keys, each again until it is acknowledged, as `live publish` and an outbox do.
fn publish_doggedly(node: &Node, posts: usize) -> JoinHandle<Vec<Cursor>> {
    let node = node.clone();
    tokio::spawn(async move {
        let mut cursors = Vec::new();
        while cursors.len() < posts {
            let id = cursors.len().to_string();
            match node.try_publish("a", post(&id, "x"), Some(&id)).await {
                Ok(published) => cursors.push(published.cursor),
                Err(BusError::Unavailable | BusError::Down { .. } | BusError::Store(_)) => {
                    tokio::time::sleep(Duration::from_millis(20)).await
                }
                Err(error) => panic!("{error}"),
            }
        }
        cursors
    })
}

/// Two nodes with readers on each, and a whole page.
struct Site {
    nodes: [Node; 2],
    readers: Vec<HubReader>,
    seeded: Cursor,
}

impl Site {
    async fn open(store: &TestStore) -> Self {
        let nodes: [Node; 2] = store.nodes(&brisk()).await;
        let seeded = nodes[0].publish("a", Update::replace([render("seeded", "x")])).await;
        let mut readers = Vec::new();
        for node in &nodes {
            let hub = Hub::new(Arc::clone(&node.0), brisk()).unwrap();
            readers.push(HubReader::open(&hub, "a").await);
        }
        Self { nodes, readers, seeded }
    }

    /// While the store is away whoever asks is told so in time.
    async fn is_unavailable(&self) {
        let (node, page) = (&self.nodes[0], channel_id("a"));
        until("not ready", async || node.0.check().await.is_err()).await;
        let (published, heads, standing, subscription) = tokio::join!(
            node.try_publish("a", post("in between", "x"), Some("in-between")),
            within("no heads", node.0.heads(std::slice::from_ref(&page))),
            within("no standing", node.0.standing(&page, self.seeded)),
            within("no subscription", node.0.subscribe(&page)),
        );
        assert!(
            matches!(published, Err(BusError::Unavailable | BusError::Down { .. } | BusError::Store(_))),
            "{published:?}"
        );
        assert!(heads.is_err() && standing.is_err() && subscription.is_err());
    }

    async fn is_ready(&self) {
        for node in &self.nodes {
            until("ready again", async || node.0.check().await.is_ok()).await;
        }
    }

    async fn readers_settle(&mut self) {
        for (reader, node) in self.readers.iter_mut().zip(&self.nodes) {
            reader.settles(node).await;
        }
    }

    /// Each post was published once: a second time would have been an edit with a version of its own.
    async fn has_each_post_once(&self, cursors: &[Cursor]) {
        let page = self.nodes[1].page("a").await;
        for (id, cursor) in cursors.iter().enumerate() {
            assert_eq!(page.post(&id.to_string()).map(|post| post.version()), Some(cursor.version), "post {id}");
        }
    }
}

fn posts() -> usize {
    if is_long() { 1_000 } else { 100 }
}

async fn cut_connections_lose_nothing(store: TestStore) {
    let mut site = Site::open(&store).await;
    let publishing = publish_doggedly(&site.nodes[0], posts());
    for _ in 0..5 {
        store.begin(BusFault::Cut);
        store.end();
        site.is_ready().await;
    }
    let cursors = publishing.await.unwrap();
    site.readers_settle().await;
    site.has_each_post_once(&cursors).await;
    assert!(site.readers.iter().all(|reader| reader.reader.resets == 0), "who misses nothing is not reset");
}

/// A store that is away with its data.
async fn comes_back(store: TestStore, fault: BusFault) {
    let mut site = Site::open(&store).await;
    let before = site.nodes[0].post("a", "before", "x").await;
    let publishing = publish_doggedly(&site.nodes[1], posts());
    store.begin(fault);
    site.is_unavailable().await;
    tokio::time::sleep(length_of_an_outage()).await;
    store.end();
    site.is_ready().await;
    // The same key again: whatever became of the first attempt, there is one effect.
    let again = publish_until_acknowledged(&site.nodes[0]).await;
    let cursors = publishing.await.unwrap();
    site.readers_settle().await;
    site.has_each_post_once(&cursors).await;
    for node in &site.nodes {
        assert_eq!(node.standing("a", before).await, Standing::At(before.version));
        assert_eq!(node.page("a").await.post("in between").map(|post| post.version()), Some(again.version));
    }
}

async fn publish_until_acknowledged(node: &Node) -> Cursor {
    let mut acknowledged = None;
    until("an acknowledgement", async || {
        let published = node.try_publish("a", post("in between", "x"), Some("in-between")).await;
        acknowledged = published.ok().map(|published| published.cursor);
        acknowledged.is_some()
    })
    .await;
    acknowledged.unwrap()
}

fn length_of_an_outage() -> Duration {
    if is_long() { Duration::from_secs(30) } else { Duration::from_secs(2) }
}

async fn a_store_that_hangs_is_noticed_and_waited_for(store: TestStore) {
    comes_back(store, BusFault::Hang).await;
}

async fn a_store_that_is_killed_keeps_what_it_acknowledged(store: TestStore) {
    comes_back(store, BusFault::Kill).await;
}

async fn a_cursor_beyond_what_a_killed_store_kept_stays_dead(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&brisk()).await;
    let head = nodes[0].post("a", "1", "one").await;
    // As if the end of the log had been lost with the store.
    let lost = Cursor::new(head.epoch, Version::saturating(head.version.number() + 1));
    store.begin(BusFault::Kill);
    until("not ready", async || nodes[0].0.check().await.is_err()).await;
    store.end();
    for node in &nodes {
        until("ready again", async || node.0.check().await.is_ok()).await;
        assert_eq!(node.standing("a", lost).await, Standing::Dead);
    }
    nodes[1].post("a", "2", "another second update").await;
    for node in &nodes {
        assert_eq!(node.standing("a", lost).await, Standing::Dead);
        assert_eq!(node.standing("a", head).await, Standing::At(head.version));
    }
}

async fn a_store_that_comes_back_empty_begins_anew_and_nobody_stays_behind(store: TestStore) {
    let mut site = Site::open(&store).await;
    let before = site.nodes[0].publish_once("a", post("before", "x"), "before").await.cursor;
    let mut follower = site.nodes[1].follow("a").await;
    store.begin(BusFault::Wipe);
    site.is_unavailable().await;
    store.end();
    site.is_ready().await;
    follower.loses().await;
    for node in &site.nodes {
        assert_eq!(node.standing("a", before).await, Standing::Dead);
        assert_eq!(node.head("a").await.version, Version::ZERO);
        assert!(!node.page("a").await.has_log());
    }
    let again = site.nodes[0].publish_once("a", post("before", "x"), "before").await;
    assert!(!again.repeated && again.cursor.epoch != before.epoch);
    site.nodes[1].post("a", "afterwards", "x").await;
    site.readers_settle().await;
    for node in &site.nodes {
        assert_eq!(node.standing("a", before).await, Standing::Dead);
        assert_eq!(ids(&node.page("a").await), ["before", "afterwards"]);
    }
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] = bus_cases![
    cut_connections_lose_nothing + cut,
    a_store_that_hangs_is_noticed_and_waited_for + hang,
    a_store_that_is_killed_keeps_what_it_acknowledged + kill,
    a_cursor_beyond_what_a_killed_store_kept_stays_dead + kill + forking,
    a_store_that_comes_back_empty_begins_anew_and_nobody_stays_behind + wipe,
];
