//! The connection: what it tells Redis of the channels that come and go, what it hears, and that it is still there.

use std::{pin::Pin, sync::Arc};

use redis::{AsyncConnectionConfig, Client, PushInfo, PushKind, RedisError, Value, aio::MultiplexedConnection};
use tokio::{sync::Notify, time::MissedTickBehavior};

use super::{
    super::{
        super::keeper::{Keep, Loss, Timing, bus_error, is_refusal},
        Carry,
        topics::{Followed, Named, Rules, Topics},
    },
    Wire,
};
use crate::{bus::BusError, config::Config};

/// One connection, and what was subscribed to over it.
#[derive(Debug)]
pub(in crate::bus::redis) struct Connection {
    pub(super) redis: MultiplexedConnection,
    pushed: Arc<Pushed>,
}

/// What Redis says of its own accord goes here.
#[derive(Debug)]
struct Pushed {
    topics: Topics,
    wire: Arc<dyn Wire>,
    max_message_bytes: usize,
    /// The connection has ended.
    disconnected: Notify,
}

/// Keeps the connection.
pub(in crate::bus::redis) struct Keeper {
    client: Client,
    wire: Arc<dyn Wire>,
    rules: Arc<Rules>,
    timing: Timing,
}

/// Channels in one command: enough for a few round trips after an outage, and few enough for a ping between them.
const BATCH: usize = 1_000;

impl Keep for Keeper {
    type Connection = Connection;

    fn address(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }

    async fn connect(&self) -> Result<Arc<Connection>, Loss> {
        let topics = Topics::new(Arc::clone(&self.rules));
        let (wire, max_message_bytes) = (Arc::clone(&self.wire), self.rules.max_message_bytes);
        let pushed = Arc::new(Pushed { topics, wire, max_message_bytes, disconnected: Notify::new() });
        let receiver = Arc::clone(&pushed);
        // Handled where it is read, so that there is no queue: what is not taken in time stays with Redis, which then closes the
        // connection, and that is noticed.
        let handle = move |push: PushInfo| {
            receiver.handle(&push);
            Ok::<(), redis::aio::SendError>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timing.deadline))
            // Each caller has a deadline of its own.
            .set_response_timeout(None)
            .set_push_sender(handle);
        // In a box: with the handshake in it the future is large.
        let connecting: Pin<Box<dyn Future<Output = _> + Send + '_>> =
            Box::pin(self.client.get_multiplexed_async_connection_with_config(&config));
        let redis = tokio::time::timeout(self.timing.deadline, connecting).await.map_err(|_| Loss::Silent)??;
        Ok(Arc::new(Connection { redis, pushed }))
    }

    async fn attend(&self, connection: &Connection) -> Loss {
        let Err(loss) = self.work(connection).await;
        loss
    }

    fn end(connection: &Connection) {
        connection.topics().end();
    }
}

impl Keeper {
    pub(super) fn new(client: Client, wire: Arc<dyn Wire>, rules: Arc<Rules>, config: &Config) -> Self {
        Self { client, wire, rules, timing: Timing::new(config) }
    }

    async fn work(&self, connection: &Connection) -> Result<std::convert::Infallible, Loss> {
        let mut pings = tokio::time::interval(self.timing.ping);
        let mut sweeps = tokio::time::interval(self.timing.sweep);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = connection.pushed.disconnected.notified() => return Err(Loss::Closed),
                () = connection.topics().wanted.notified() => self.subscribe(connection).await?,
                _ = sweeps.tick() => self.subscribe(connection).await?,
                _ = pings.tick() => drop(self.answered(connection.ping()).await?),
            }
        }
    }

    /// Tells Redis which channels have come and gone. Nobody else does, so one command follows the other.
    async fn subscribe(&self, connection: &Connection) -> Result<(), Loss> {
        let changes = connection.topics().changes();
        let mut redis = connection.redis.clone();
        for batch in changes.leave.chunks(BATCH) {
            let groups: Vec<_> = batch.iter().map(|followed| self.wire.name(&followed.channel)).collect();
            match self.answered(redis.unsubscribe(&groups)).await {
                // What Redis goes on sending is for nobody here.
                Err(Loss::Redis(error)) if is_refusal(&error) => {
                    tracing::debug!(%error, "Redis refuses to unsubscribe")
                }
                answer => answer?,
            }
        }
        for batch in changes.join.chunks(BATCH) {
            let groups: Vec<_> = batch.iter().map(|followed| self.wire.name(&followed.channel)).collect();
            match self.answered(redis.subscribe(&groups)).await {
                Err(Loss::Redis(error)) if is_refusal(&error) => self.subscribe_singly(connection, batch).await?,
                answer => answer?,
            }
        }
        Ok(())
    }

    /// Redis refuses the whole command for one channel that its access rules keep from us.
    async fn subscribe_singly(&self, connection: &Connection, channels: &[Followed]) -> Result<(), Loss> {
        let mut redis = connection.redis.clone();
        for followed in channels {
            let channel = &followed.channel;
            match self.answered(redis.subscribe(self.wire.name(channel))).await {
                Err(Loss::Redis(error)) if is_refusal(&error) => {
                    tracing::warn!(%channel, %error, "Redis refuses the subscription");
                    connection.topics().refuse(followed);
                }
                answer => answer?,
            }
        }
        Ok(())
    }

    async fn answered<T>(&self, answer: impl Future<Output = Result<T, RedisError>>) -> Result<T, Loss> {
        Ok(tokio::time::timeout(self.timing.deadline, answer).await.map_err(|_| Loss::Silent)??)
    }
}

impl Carry for Connection {
    fn topics(&self) -> &Topics {
        &self.pushed.topics
    }

    async fn confirm(&self) -> Result<(), BusError> {
        self.ping().await.map_err(bus_error)?.map_err(bus_error)
    }
}

impl Connection {
    /// Once it is answered, everything that was published before has arrived. A refusal (of a Redis that is loading or busy, or of
    /// a replica without its master) is an answer in the same order: the outer error alone is a loss.
    pub(super) async fn ping(&self) -> Result<Result<(), RedisError>, RedisError> {
        match redis::cmd("PING").exec_async(&mut self.redis.clone()).await {
            Err(error) if !is_refusal(&error) => Err(error),
            answer => Ok(answer),
        }
    }
}

impl Pushed {
    /// What Redis says, in its order.
    fn handle(&self, push: &PushInfo) {
        let (group, rest) = match push.data.as_slice() {
            [Value::BulkString(group), rest @ ..] => (group.as_slice(), rest),
            _ => (&[][..], &[][..]),
        };
        if push.kind == PushKind::Disconnection {
            return self.disconnected.notify_one();
        }
        let Some(channel) = self.wire.channel_of(group) else { return };
        let named = Named { channel, number: None };
        match (&push.kind, rest) {
            // Parsed before the topics are locked: that is most of the work.
            (PushKind::Message, [Value::BulkString(message)]) => {
                self.topics.take(named, message, self.wire.decode(message, self.max_message_bytes));
            }
            (PushKind::Subscribe, _) => self.topics.join(named),
            (PushKind::Unsubscribe, _) => self.topics.lose(named),
            _ => {}
        }
    }
}
