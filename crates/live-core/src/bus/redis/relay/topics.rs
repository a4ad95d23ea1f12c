//! The channels that are followed over one connection: each with its page, which this node numbers as the messages come.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use live_sync::{Announcements, Tail};
use tokio::sync::{Notify, watch};

use super::{
    message::MessageError,
    topic::{self, Arrival, Phase, Topic},
};
use crate::{
    bus::{BusError, Published, memory::TAIL_CAPACITY},
    config::{Clock, Config},
    cursor::{Cursor, Epoch},
    id::ChannelId,
    page::{Numbered, Page, PageLimits, Standing},
    sync::lock,
    update::Update,
};

/// What a page may come to.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The epoch of the cursors of pages that are not followed here.
    pub(crate) origin: Epoch,
    pub(crate) limits: PageLimits,
    pub(crate) max_tombstones: usize,
    pub(crate) max_message_bytes: usize,
    pub(crate) clock: Clock,
}

impl Rules {
    pub(crate) fn new(config: &Config) -> Result<Self, BusError> {
        Ok(Self {
            origin: Epoch::random()?,
            limits: config.page,
            max_tombstones: config.max_tombstones,
            max_message_bytes: config.max_publish_bytes,
            clock: config.clock.clone(),
        })
    }
}

/// The topics of one connection. When it ends they end, because nobody knows what was published meanwhile.
#[derive(Debug)]
pub(crate) struct Topics {
    rules: Arc<Rules>,
    /// Held for the time of a message, so that all subscribers see one order. Never across an await, and never while somebody is
    /// woken, be it by the end of a topic: that may run or drop a task, which may come back here.
    state: Mutex<State>,
    /// There is something to subscribe to.
    pub(crate) wanted: Notify,
}

#[derive(Debug, Default)]
struct State {
    topics: HashMap<ChannelId, Topic>,
    /// That of the last topic.
    number: u64,
    ended: bool,
}

/// A topic as Redis is told of it. The number is used once on a connection: whoever follows the channel again has another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Followed {
    pub(crate) channel: ChannelId,
    pub(crate) number: u64,
}

/// A topic as Redis names it. Without a number it is the one that there is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'a> {
    pub(crate) channel: &'a str,
    pub(crate) number: Option<u64>,
}

impl<'a> From<&'a Followed> for Named<'a> {
    fn from(followed: &'a Followed) -> Self {
        Self { channel: followed.channel.as_str(), number: Some(followed.number) }
    }
}

/// What Redis is to be told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(crate) join: Vec<Followed>,
    pub(crate) leave: Vec<Followed>,
}

impl Topics {
    pub(crate) fn new(rules: Arc<Rules>) -> Self {
        Self { rules, state: Mutex::default(), wanted: Notify::new() }
    }

    /// Begins a tail of a channel. Its snapshot may be read once the channel is joined.
    pub(crate) fn enter(&self, channel: &ChannelId) -> Result<(Tail<Arc<Numbered>>, watch::Receiver<Phase>), BusError> {
        let mut state = lock(&self.state);
        if state.ended {
            return Err(BusError::Unavailable);
        }
        if !state.topics.contains_key(channel) {
            state.number += 1;
            let topic = Topic::new(Announcements::new(TAIL_CAPACITY), self.rules.max_tombstones, state.number)?;
            state.topics.insert(channel.clone(), topic);
            self.wanted.notify_one();
        }
        let topic = state.topics.get(channel).ok_or(BusError::Unavailable)?;
        Ok((topic.announcements.subscribe(), topic.phase.subscribe()))
    }

    pub(crate) fn page(&self, channel: &ChannelId) -> Option<Page> {
        joined(&lock(&self.state), channel).map(|topic| topic.page.clone())
    }

    /// The head of a page. Of one that is not followed here nothing is known: its cursor is good for nothing but to be told so.
    pub(crate) fn head(&self, channel: &ChannelId) -> Cursor {
        let state = lock(&self.state);
        let unknown = Page::new(self.rules.origin, 0).cursor();
        joined(&state, channel).map_or(unknown, |topic| topic.page.cursor())
    }

    pub(crate) fn standing(&self, channel: &ChannelId, cursor: Cursor) -> Standing {
        let state = lock(&self.state);
        match joined(&state, channel).map(|topic| topic.page.standing(cursor)) {
            // Whoever numbers the page knows every cursor that is good on this node.
            Some(Standing::Unknown) | None => Standing::Dead,
            Some(known) => known,
        }
    }

    /// Makes a page whole, on this node only.
    pub(crate) fn seed(&self, channel: &ChannelId, seed: Update) -> Result<Published, BusError> {
        let mut state = lock(&self.state);
        let topic = state.topics.get_mut(channel).filter(|topic| topic.is_joined()).ok_or(BusError::Unavailable)?;
        let sleepers = topic.take(seed, &self.rules)?;
        let cursor = topic.page.cursor();
        drop(state);
        sleepers.wake();
        Ok(Published { cursor, repeated: false })
    }

    /// Where the message that is about to be published arrives, if its channel is followed here.
    pub(crate) fn expect(&self, channel: &ChannelId, message: &[u8]) -> Option<Arrival> {
        let mut state = lock(&self.state);
        state.topics.get_mut(channel).filter(|topic| topic.is_joined()).map(|topic| topic.expect(message))
    }

    /// How many channels somebody is subscribed to.
    pub(crate) fn count(&self) -> usize {
        lock(&self.state).topics.values().filter(|topic| topic.announcements.subscribers() > 0).count()
    }

    /// What has changed since the last call. Channels without a subscriber go at once, so that whoever comes anew subscribes anew.
    pub(crate) fn changes(&self) -> Changes {
        let mut changes = Changes::default();
        let mut state = lock(&self.state);
        let given_up = state.topics.extract_if(|channel, topic| {
            let is_left = topic.announcements.subscribers() == 0;
            match topic.phase() {
                Phase::New if is_left => {}
                Phase::New => {
                    topic.set_asked();
                    changes.join.push(topic.followed(channel));
                }
                Phase::Joined if is_left => changes.leave.push(topic.followed(channel)),
                Phase::Asked | Phase::Joined => {}
            }
            is_left && topic.phase() != Phase::Asked
        });
        let given_up: Vec<_> = given_up.collect();
        drop(state);
        drop(given_up);
        changes
    }

    /// What Redis has acknowledged.
    pub(crate) fn joined(&self) -> Vec<Followed> {
        let state = lock(&self.state);
        let joined = state.topics.iter().filter(|(_, topic)| topic.is_joined());
        joined.map(|(channel, topic)| topic.followed(channel)).collect()
    }

    /// The channel as it is followed now, if Redis has acknowledged it.
    pub(crate) fn followed(&self, channel: &ChannelId) -> Option<Followed> {
        joined(&lock(&self.state), channel).map(|topic| topic.followed(channel))
    }

    /// Whatever Redis was told of, acknowledged or not.
    pub(crate) fn all(&self) -> Vec<Followed> {
        lock(&self.state).topics.iter().map(|(channel, topic)| topic.followed(channel)).collect()
    }

    /// Redis does not let this node subscribe to the channel. Those who wait for it are told by the end of the topic.
    pub(crate) fn refuse(&self, followed: &Followed) {
        let mut state = lock(&self.state);
        let is_this = state.topics.get(&followed.channel).is_some_and(|topic| topic.number == followed.number);
        let refused = if is_this { state.topics.remove(&followed.channel) } else { None };
        drop(state);
        drop(refused);
    }

    /// The connection is over. Its subscribers learn that they have to begin anew.
    pub(crate) fn end(&self) {
        let mut state = lock(&self.state);
        state.ended = true;
        let topics = std::mem::take(&mut state.topics);
        drop(state);
        topics.values().for_each(|topic| topic.announcements.lose());
    }

    /// From here on nothing is missed. What came before was for an earlier topic.
    pub(crate) fn join(&self, named: Named<'_>) {
        if let Some(phase) = self.with_topic(named, |_, topic| topic.phase.clone()) {
            phase.send_replace(Phase::Joined);
        }
    }

    /// A message to a topic has come, and this is what is in it.
    pub(crate) fn take(&self, named: Named<'_>, message: &[u8], update: Result<Update, MessageError>) {
        let handled = self.with_topic(named, |channel, topic| {
            if !topic.is_joined() {
                return None;
            }
            let taken = update
                .map_err(|error| error.to_string())
                .and_then(|update| topic.take(update, &self.rules).map_err(|error| topic::reason(&error).to_owned()));
            Some((channel.clone(), taken, topic.arrived(message)))
        });
        let Some((channel, taken, arrived)) = handled.flatten() else { return };
        match taken {
            Ok(sleepers) => sleepers.wake(),
            Err(reason) => tracing::warn!(%channel, reason, "message skipped"),
        }
        if let Some((publisher, cursor)) = arrived {
            // It may have given up.
            let _ = publisher.send(cursor);
        }
    }

    /// Redis has ended what nobody here gave up.
    pub(crate) fn lose(&self, named: Named<'_>) {
        let mut state = lock(&self.state);
        let is_this = find(&state, named).is_some_and(|(_, topic)| topic.is_joined());
        let ended = if is_this { state.topics.remove(named.channel) } else { None };
        drop(state);
        ended.iter().for_each(|topic| topic.announcements.lose());
    }

    fn with_topic<T>(&self, named: Named<'_>, change: impl FnOnce(&ChannelId, &mut Topic) -> T) -> Option<T> {
        let mut state = lock(&self.state);
        let channel = find(&state, named)?.0.clone();
        state.topics.get_mut(&channel).map(|topic| change(&channel, topic))
    }
}

fn find<'a>(state: &'a State, named: Named<'_>) -> Option<(&'a ChannelId, &'a Topic)> {
    let found = state.topics.get_key_value(named.channel)?;
    named.number.is_none_or(|number| number == found.1.number).then_some(found)
}

fn joined<'a>(state: &'a State, channel: &ChannelId) -> Option<&'a Topic> {
    state.topics.get(channel).filter(|topic| topic.is_joined())
}

#[cfg(test)]
mod tests;
