//! The connection that the bus relays over: what it tells Redis of the channels that come and go, and that it is still there.

use std::{pin::Pin, sync::Arc, time::Duration};

use redis::{AsyncConnectionConfig, Client, PushInfo, RedisError, aio::MultiplexedConnection};
use tokio::time::MissedTickBehavior;

use super::{
    super::{
        keeper::{Keep, Loss, is_refusal},
        relay::topics::{Rules, Topics},
    },
    message,
};
use crate::{config::Config, id::ChannelId};

/// One connection, and what was subscribed to over it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) redis: MultiplexedConnection,
    pub(super) topics: Arc<Topics>,
}

/// Keeps the connection.
pub(super) struct Keeper {
    client: Client,
    rules: Arc<Rules>,
    timing: Timing,
}

/// Derived from the configuration: nobody should have to think of these by themselves.
#[derive(Debug, Clone, Copy)]
struct Timing {
    /// How long Redis may take for an answer.
    deadline: Duration,
    /// How often it is asked whether it is still there, because a half-open connection says nothing. Twice in the time within
    /// which a hub compares its heads.
    ping: Duration,
    /// How often channels are looked through for those that nobody is subscribed to any more.
    sweep: Duration,
}

const SHORTEST_PERIOD: Duration = Duration::from_millis(5);
/// Channels in one command: enough for a few round trips after an outage, and few enough for a ping between them.
const BATCH: usize = 1_000;

impl Keep for Keeper {
    type Connection = Connection;

    fn address(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }

    async fn connect(&self) -> Result<Arc<Connection>, Loss> {
        let topics = Arc::new(Topics::new(Arc::clone(&self.rules)));
        let pushed = Arc::clone(&topics);
        // Handled where it is read, so that there is no queue: what is not taken in time stays with Redis, which then closes the
        // connection, and that is noticed.
        let handle = move |push: PushInfo| {
            pushed.handle(&push);
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
        Ok(Arc::new(Connection { redis, topics }))
    }

    async fn attend(&self, connection: &Connection) -> Loss {
        let Err(loss) = self.work(connection).await;
        loss
    }

    fn end(connection: &Connection) {
        connection.topics.end();
    }
}

impl Keeper {
    pub(super) fn new(client: Client, rules: Arc<Rules>, config: &Config) -> Self {
        let timing = Timing {
            deadline: config.bus_deadline,
            ping: (config.compare_interval / 2).max(SHORTEST_PERIOD),
            sweep: (config.linger / 8).clamp(SHORTEST_PERIOD, Duration::from_secs(1)),
        };
        Self { client, rules, timing }
    }

    async fn work(&self, connection: &Connection) -> Result<std::convert::Infallible, Loss> {
        let mut pings = tokio::time::interval(self.timing.ping);
        let mut sweeps = tokio::time::interval(self.timing.sweep);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = connection.topics.disconnected.notified() => return Err(Loss::Closed),
                () = connection.topics.wanted.notified() => self.subscribe(connection).await?,
                _ = sweeps.tick() => self.subscribe(connection).await?,
                _ = pings.tick() => drop(self.answered(connection.ping()).await?),
            }
        }
    }

    /// Tells Redis which channels have come and gone. Nobody else does, so one command follows the other.
    async fn subscribe(&self, connection: &Connection) -> Result<(), Loss> {
        let changes = connection.topics.changes();
        let mut redis = connection.redis.clone();
        for batch in changes.leave.chunks(BATCH) {
            let groups: Vec<_> = batch.iter().map(message::group).collect();
            match self.answered(redis.unsubscribe(&groups)).await {
                // What Redis goes on sending is for nobody here.
                Err(Loss::Redis(error)) if is_refusal(&error) => {
                    tracing::debug!(%error, "Redis refuses to unsubscribe")
                }
                answer => answer?,
            }
        }
        for batch in changes.join.chunks(BATCH) {
            let groups: Vec<_> = batch.iter().map(message::group).collect();
            match self.answered(redis.subscribe(&groups)).await {
                Err(Loss::Redis(error)) if is_refusal(&error) => self.subscribe_singly(connection, batch).await?,
                answer => answer?,
            }
        }
        Ok(())
    }

    /// Redis refuses the whole command for one channel that its access rules keep from us.
    async fn subscribe_singly(&self, connection: &Connection, channels: &[ChannelId]) -> Result<(), Loss> {
        let mut redis = connection.redis.clone();
        for channel in channels {
            match self.answered(redis.subscribe(message::group(channel))).await {
                Err(Loss::Redis(error)) if is_refusal(&error) => {
                    tracing::warn!(%channel, %error, "Redis refuses the subscription");
                    connection.topics.refuse(channel);
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
