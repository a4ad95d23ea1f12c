//! Relaying over the publish/subscribe of Redis: one connection for each host, one subscription for each channel that is followed.

mod link;

use std::{fmt, sync::Arc};

use redis::Client;

pub(super) use self::link::Connection;
use self::link::Keeper;
use super::{super::keeper::bus_error, Carry as _, Links, Relay, message::MessageError, topics::Rules};
use crate::{bus::BusError, config::Config, cursor::Cursor, id::ChannelId, update::Update};

/// What publishers and servers say to each other.
pub(in crate::bus::redis) trait Wire: fmt::Debug + Send + Sync + 'static {
    /// The name of the page's channel in Redis, which takes any text as it is.
    fn name(&self, channel: &ChannelId) -> String;

    /// The channel id in the name of a channel in Redis.
    fn channel_of<'a>(&self, name: &'a [u8]) -> Option<&'a str>;

    fn encode(&self, update: &Update) -> Vec<u8>;

    /// What is done to a message before it is sent.
    fn seal(&self, message: Vec<u8>) -> Result<Vec<u8>, BusError> {
        Ok(message)
    }

    /// Parses a message, without the content of hidden posts.
    fn decode(&self, message: &[u8], max: usize) -> Result<Update, MessageError>;

    /// Which of so many hosts has a channel.
    fn place(&self, channel: &ChannelId, hosts: usize) -> usize;
}

#[derive(Debug)]
pub(in crate::bus::redis) struct PubSub {
    clients: Vec<Client>,
    wire: Arc<dyn Wire>,
}

impl PubSub {
    pub(in crate::bus::redis) fn new(clients: Vec<Client>, wire: Arc<dyn Wire>) -> Self {
        Self { clients, wire }
    }
}

impl Relay for PubSub {
    type Connection = Connection;
    type Keeper = Keeper;

    fn keepers(&self, rules: &Arc<Rules>, config: &Config) -> Vec<Keeper> {
        let keeper = |client: &Client| Keeper::new(client.clone(), Arc::clone(&self.wire), Arc::clone(rules), config);
        self.clients.iter().map(keeper).collect()
    }

    fn place(&self, channel: &ChannelId) -> usize {
        self.wire.place(channel, self.clients.len())
    }

    fn encode(&self, update: &Update) -> Vec<u8> {
        self.wire.encode(update)
    }

    async fn send(&self, links: &Links<Connection>, channel: &ChannelId, message: Vec<u8>) -> Result<Cursor, BusError> {
        let place = self.place(channel);
        let connection = links.connection(place).await?;
        let message = self.wire.seal(message)?;
        let arrival = connection.topics().expect(channel, &message);
        let publish = redis::cmd("PUBLISH").arg(self.wire.name(channel)).arg(message).to_owned();
        let mut redis = connection.redis.clone();
        let answer = async { publish.exec_async(&mut redis).await.map_err(bus_error) };
        links.answer(place, &connection, answer).await?;
        // It comes back over the same connection, before the answer or right after it, depending on the version of Redis.
        let cursor = match arrival {
            Some(arrival) => arrival.await.ok(),
            None => None,
        };
        Ok(cursor.unwrap_or_else(|| connection.topics().head(channel)))
    }
}
