//! A store with its nodes, as the cases use them.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use live_core::{
    BusError, Config, Cursor, EventBus, IdempotencyKey, Published, Update,
    bus::{Event, Subscription},
    page::{Numbered, Page, Standing},
};

use super::under_test::{BusFault, BusSharing, BusStore, BusUnderTest};
use crate::{
    client::{DEADLINE, within},
    server::{channel_id, post_id, render},
};

/// The store of one case.
pub(crate) struct TestStore {
    pub(crate) under_test: &'static dyn BusUnderTest,
    store: Box<dyn BusStore>,
}

impl TestStore {
    pub(crate) fn start(under_test: &'static dyn BusUnderTest) -> Self {
        Self { under_test, store: under_test.start() }
    }

    pub(crate) async fn node(&self, config: &Config) -> Node {
        Node(within("a node", self.store.node(config)).await.unwrap())
    }

    /// So many nodes, which are one and the same where a store has one at a time.
    pub(crate) async fn nodes<const N: usize>(&self, config: &Config) -> [Node; N] {
        let mut nodes = vec![self.node(config).await];
        while nodes.len() < N {
            let next = match self.under_test.sharing() {
                BusSharing::Together => self.node(config).await,
                BusSharing::Alone | BusSharing::InTurn => nodes[0].clone(),
            };
            nodes.push(next);
        }
        nodes.try_into().unwrap_or_else(|_| unreachable!("as many as were made"))
    }

    pub(crate) fn begin(&self, fault: BusFault) {
        self.store.begin(fault);
    }

    pub(crate) fn end(&self) {
        self.store.end();
    }
}

/// The defaults, with time for a machine that runs all tests at once.
pub(crate) fn patient() -> Config {
    Config { bus_deadline: DEADLINE / 2, publish_deadline: DEADLINE / 2, ..brisk() }
}

/// What one would have to wait for is over in a moment.
pub(crate) fn brisk() -> Config {
    Config {
        bus_deadline: Duration::from_secs(3),
        publish_deadline: Duration::from_secs(3),
        compare_interval: Duration::from_millis(200),
        poll_interval: Duration::from_millis(250),
        max_poll_interval: Duration::from_millis(250),
        linger: Duration::from_millis(750),
        ..Config::default()
    }
}

/// A node's bus.
#[derive(Clone)]
pub(crate) struct Node(pub(crate) Arc<dyn EventBus>);

impl Node {
    pub(crate) async fn publish(&self, page: &str, update: Update) -> Cursor {
        self.try_publish(page, update, None).await.unwrap().cursor
    }

    /// Adds or edits one post.
    pub(crate) async fn post(&self, page: &str, id: &str, html: &str) -> Cursor {
        self.publish(page, post(id, html)).await
    }

    pub(crate) async fn publish_once(&self, page: &str, update: Update, key: &str) -> Published {
        self.try_publish(page, update, Some(key)).await.unwrap()
    }

    pub(crate) async fn try_publish(
        &self,
        page: &str,
        update: Update,
        key: Option<&str>,
    ) -> Result<Published, BusError> {
        let key = key.map(|key| IdempotencyKey::new(key).unwrap());
        within("the end of a publish", self.0.publish(&channel_id(page), update, key.as_ref())).await
    }

    pub(crate) async fn head(&self, page: &str) -> Cursor {
        within("a head", self.0.heads(&[channel_id(page)])).await.unwrap()[0]
    }

    pub(crate) async fn standing(&self, page: &str, cursor: Cursor) -> Standing {
        within("a standing", self.0.standing(&channel_id(page), cursor)).await.unwrap()
    }

    pub(crate) async fn follow(&self, page: &str) -> Follower {
        let subscription = within("a subscription", self.0.subscribe(&channel_id(page))).await.unwrap();
        Follower::begin(subscription).await
    }

    /// The page as the bus has it.
    pub(crate) async fn page(&self, page: &str) -> Page {
        self.follow(page).await.page
    }
}

/// Who follows a page, and insists that there is no gap and no double.
pub(crate) struct Follower {
    subscription: Subscription,
    pub(crate) page: Page,
    /// What came after the snapshot.
    pub(crate) news: Vec<Arc<Numbered>>,
}

impl Follower {
    async fn begin(mut subscription: Subscription) -> Self {
        match within("a snapshot", poll_fn(|cx| subscription.poll_next(cx))).await {
            Some(Event::Snapshot(page)) => Self { subscription, page, news: Vec::new() },
            other => panic!("not a snapshot: {other:?}"),
        }
    }

    /// The next update, part of the page by now; `None` when continuity was lost or the bus has ended.
    pub(crate) async fn next(&mut self) -> Option<Arc<Numbered>> {
        let event = within("news", poll_fn(|cx| self.subscription.poll_next(cx))).await;
        self.take(event)
    }

    /// What has come already.
    pub(crate) fn poll(&mut self) -> Poll<Option<Arc<Numbered>>> {
        let event = self.subscription.poll_next(&mut Context::from_waker(Waker::noop()));
        event.map(|event| self.take(event))
    }

    fn take(&mut self, event: Option<Event<Page, Arc<Numbered>>>) -> Option<Arc<Numbered>> {
        match event {
            Some(Event::Item(update)) => {
                let before = self.page.cursor().version;
                self.page.apply(&update).unwrap_or_else(|error| panic!("{error}: {update:?}"));
                assert!(self.page.cursor().version > before, "versions rise: {update:?}");
                self.news.push(Arc::clone(&update));
                Some(update)
            }
            Some(Event::Snapshot(_)) => panic!("a second snapshot"),
            Some(Event::Lost) | None => None,
        }
    }

    /// Follows up to this cursor, which has to come by without a loss.
    pub(crate) async fn reaches(&mut self, cursor: Cursor) {
        while self.page.cursor() != cursor {
            assert!(self.next().await.is_some(), "continuity lost on the way to {cursor}");
            assert!(self.page.cursor().version <= cursor.version, "{} without {cursor}", self.page.cursor());
        }
    }

    /// Follows until continuity is lost.
    pub(crate) async fn loses(&mut self) {
        while self.next().await.is_some() {}
    }

    /// The cursors of what came after the snapshot.
    pub(crate) fn cursors(&self) -> Vec<Cursor> {
        self.news.iter().map(|update| update.cursor).collect()
    }
}

/// Waits for what the bus does by itself.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    within(what, async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// An update that adds or edits one post.
pub(crate) fn post(id: &str, html: &str) -> Update {
    Update::new().render(render(id, html))
}

/// An update with so many posts, oldest first.
pub(crate) fn posts(count: usize, html: &str) -> Update {
    (0..count).fold(Update::new(), |update, number| update.render(render(&format!("post-{number}"), html)))
}

/// An update that removes these posts.
pub(crate) fn removals(ids: &[&str]) -> Update {
    ids.iter().fold(Update::new(), |update, id| update.remove(post_id(id)))
}

/// The ids of the posts, in the order of their places, lowest first.
pub(crate) fn ids(page: &Page) -> Vec<String> {
    page.posts().map(|post| post.id.to_string()).collect()
}

/// The ids of the posts that are known to be gone, in the order of the alphabet.
pub(crate) fn gone(page: &Page) -> Vec<String> {
    let mut ids: Vec<_> = page.removed().map(ToString::to_string).collect();
    ids.sort();
    ids
}
