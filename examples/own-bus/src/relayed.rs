//! A bus on a message library without a log. Each node numbers what it hears, and says when it may have missed something.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use live_core::{
    BusError, ChannelId, Config, Cursor, Epoch, EventBus, IdempotencyKey, Published, Update, Version,
    bus::{BusFuture, Keys, Known, Subscription, digest},
    page::Standing,
};
use tokio::sync::{oneshot, watch};

use crate::{
    AbortOnDrop, Relay, lock,
    relay::Message,
    topic::{Rules, Topic},
};

/// One node's bus.
pub struct RelayedBus {
    relay: Arc<Relay>,
    node: Arc<Node>,
    deadline: Duration,
    _reader: AbortOnDrop,
}

struct Node {
    rules: Rules,
    max_pages: usize,
    /// Never held across an await.
    state: Mutex<State>,
    /// Whether everything that is sent arrives here. It changes under the lock of the state.
    is_connected: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    /// The pages that somebody follows here.
    topics: HashMap<ChannelId, Topic>,
    /// Of what this node has published: nobody else knows them.
    keys: HashMap<ChannelId, Keys>,
    /// Publishers whose message has not come back yet, by its name.
    waiting: HashMap<Epoch, oneshot::Sender<Cursor>>,
}

impl RelayedBus {
    /// A node on this relay. Open it inside a tokio runtime.
    ///
    /// # Errors
    /// [`BusError::Randomness`] if the operating system has none.
    pub fn open(relay: Arc<Relay>, config: &Config) -> Result<Self, BusError> {
        let (rules, is_connected) = (Rules::new(config)?, watch::Sender::new(false));
        let node = Arc::new(Node { rules, max_pages: config.max_pages, state: Mutex::default(), is_connected });
        let reader = AbortOnDrop(tokio::spawn(read(Arc::clone(&relay), Arc::clone(&node))));
        Ok(Self { relay, node, deadline: config.bus_deadline, _reader: reader })
    }

    async fn publish_now(
        &self,
        channel: &ChannelId,
        update: Update,
        key: Option<&IdempotencyKey>,
    ) -> Result<Published, BusError> {
        update.check_size(&self.node.rules.limits)?;
        let (digest, now, name) = (digest(&update), self.node.rules.clock.now(), Epoch::random()?);
        let payload = serde_json::to_string(&update).map_err(|error| BusError::Store(Box::new(error)))?;
        let arrival = {
            let mut state = self.node.connected().await?;
            if let Some(key) = key
                && let Some(published) = state.keys(channel, self.node.max_pages).find(key, &digest, now)?
            {
                return Ok(published);
            }
            // Still under the lock, so that nobody sends under the same key, and the message is expected before it can come back.
            if !self.relay.send(Message { channel: channel.clone(), name, payload: payload.into() }) {
                return Err(BusError::Unavailable);
            }
            if let Some(key) = key {
                let cursor = self.node.head(&state, channel);
                state.keys(channel, self.node.max_pages).insert(key.clone(), Known { digest, cursor, at: now });
            }
            state.expect(name)
        };
        // Without an arrival it was handed over all the same, and whoever followed here begins anew.
        let arrived = arrival.await;
        let mut state = lock(&self.node.state);
        let cursor = arrived.unwrap_or_else(|_| self.node.head(&state, channel));
        if let Some(key) = key {
            state.keys(channel, self.node.max_pages).insert(key.clone(), Known { digest, cursor, at: now });
        }
        Ok(Published { cursor, repeated: false })
    }

    fn in_time<'a, T: 'a>(&self, answer: impl Future<Output = Result<T, BusError>> + Send + 'a) -> BusFuture<'a, T> {
        let answer = tokio::time::timeout(self.deadline, answer);
        Box::pin(async move { answer.await.unwrap_or(Err(BusError::Unavailable)) })
    }
}

/// Connects again for ever. A connection that ends or falls behind may have missed something, and the relay cannot say what.
async fn read(relay: Arc<Relay>, node: Arc<Node>) {
    loop {
        let mut connection = relay.connect().await;
        node.begin();
        while let Ok(message) = connection.recv().await {
            node.take(&message);
        }
        node.lose();
    }
}

impl Node {
    fn begin(&self) {
        let _state = lock(&self.state);
        self.is_connected.send_replace(true);
    }

    /// Ends all topics, and with them every cursor that this node has given.
    fn lose(&self) {
        let mut state = lock(&self.state);
        self.is_connected.send_replace(false);
        let (topics, waiting) = (std::mem::take(&mut state.topics), std::mem::take(&mut state.waiting));
        // Whoever is woken may come back for the lock.
        drop(state);
        topics.values().for_each(|topic| topic.announcements.lose());
        drop(waiting);
    }

    fn take(&self, message: &Message) {
        let update = Update::from_json(message.payload.as_bytes());
        let mut state = lock(&self.state);
        let taken = match (update, state.topics.get_mut(&message.channel)) {
            (Ok(update), Some(topic)) => topic.take(update, &self.rules).map_err(|error| error.to_string()),
            (Err(error), _) => Err(error.to_string()),
            (Ok(_), None) => Ok(live_core::bus::Sleepers::default()),
        };
        let publisher = state.waiting.remove(&message.name);
        let head = self.head(&state, &message.channel);
        drop(state);
        match taken {
            Ok(sleepers) => sleepers.wake(),
            Err(error) => tracing::warn!(channel = %message.channel, error, "message skipped"),
        }
        // A publisher may have given up.
        let _ = publisher.map(|publisher| publisher.send(head));
    }

    async fn connected(&self) -> Result<MutexGuard<'_, State>, BusError> {
        let _ = self.is_connected.subscribe().wait_for(|is_connected| *is_connected).await;
        let state = lock(&self.state);
        if *self.is_connected.borrow() { Ok(state) } else { Err(BusError::Unavailable) }
    }

    /// Of a page that nobody follows here nothing is known: its cursor is good for nothing but to be told so.
    fn head(&self, state: &State, channel: &ChannelId) -> Cursor {
        let unknown = Cursor::new(self.rules.origin, Version::ZERO);
        state.topics.get(channel).map_or(unknown, |topic| topic.page.cursor())
    }
}

impl State {
    fn keys(&mut self, channel: &ChannelId, max_pages: usize) -> &mut Keys {
        if !self.keys.contains_key(channel) && self.keys.len() >= max_pages {
            self.keys.clear();
        }
        self.keys.entry(channel.clone()).or_default()
    }

    fn expect(&mut self, name: Epoch) -> oneshot::Receiver<Cursor> {
        self.waiting.retain(|_, publisher| !publisher.is_closed());
        let (publisher, arrival) = oneshot::channel();
        self.waiting.insert(name, publisher);
        arrival
    }
}

impl EventBus for RelayedBus {
    fn publish<'a>(
        &'a self,
        channel: &'a ChannelId,
        update: Update,
        key: Option<&'a IdempotencyKey>,
    ) -> BusFuture<'a, Published> {
        self.in_time(self.publish_now(channel, update, key))
    }

    fn subscribe<'a>(&'a self, channel: &'a ChannelId) -> BusFuture<'a, Subscription> {
        self.in_time(async move {
            let mut state = self.node.connected().await?;
            state.topics.retain(|_, topic| topic.announcements.subscribers() > 0);
            if !state.topics.contains_key(channel) {
                state.topics.insert(channel.clone(), Topic::new(&self.node.rules)?);
            }
            state.topics.get(channel).map(Topic::subscribe).ok_or(BusError::Unavailable)
        })
    }

    /// On this node only: nothing is sent.
    fn seed<'a>(&'a self, channel: &'a ChannelId, seed: Update) -> BusFuture<'a, Published> {
        self.in_time(async move {
            let mut state = self.node.connected().await?;
            let topic = state.topics.get_mut(channel).ok_or(BusError::Unavailable)?;
            let sleepers = topic.take(seed, &self.node.rules)?;
            let cursor = topic.page.cursor();
            drop(state);
            sleepers.wake();
            Ok(Published { cursor, repeated: false })
        })
    }

    fn heads<'a>(&'a self, channels: &'a [ChannelId]) -> BusFuture<'a, Vec<Cursor>> {
        self.in_time(async move {
            let state = self.node.connected().await?;
            Ok(channels.iter().map(|channel| self.node.head(&state, channel)).collect())
        })
    }

    fn standing<'a>(&'a self, channel: &'a ChannelId, cursor: Cursor) -> BusFuture<'a, Standing> {
        self.in_time(async move {
            let state = self.node.connected().await?;
            // Whoever numbers the page knows every cursor that is good on this node.
            Ok(match state.topics.get(channel).map(|topic| topic.page.standing(cursor)) {
                Some(Standing::Unknown) | None => Standing::Dead,
                Some(known) => known,
            })
        })
    }

    fn subscriptions(&self) -> usize {
        lock(&self.node.state).topics.values().filter(|topic| topic.announcements.subscribers() > 0).count()
    }
}
