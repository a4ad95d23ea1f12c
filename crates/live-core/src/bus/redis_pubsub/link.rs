//! The connection to Redis: kept, watched, and made anew for ever.

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use redis::{AsyncConnectionConfig, Client, PushInfo, RedisError, aio::MultiplexedConnection};
use tokio::{sync::watch, time::MissedTickBehavior};

use super::{
    message,
    topics::{Rules, Topics},
};
use crate::{config::Config, id::ChannelId};

/// What there is of a connection.
#[derive(Debug, Clone)]
pub(super) enum Link {
    /// For the first time, or for the first time after a loss: whoever needs it may wait.
    Connecting,
    Up(Arc<Connection>),
    /// An attempt has failed; others follow.
    Down,
}

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
    link: watch::Sender<Link>,
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

/// An outage is retried for ever, from this delay up to that one.
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(1);
const SHORTEST_PERIOD: Duration = Duration::from_millis(5);
/// Channels in one command: enough for a few round trips after an outage, and few enough for a ping between them.
const BATCH: usize = 1_000;

/// Why a connection is given up.
#[derive(Debug, thiserror::Error)]
enum Loss {
    #[error("Redis closed the connection")]
    Closed,
    #[error("Redis does not answer")]
    Silent,
    #[error(transparent)]
    Redis(#[from] RedisError),
}

impl Keeper {
    pub(super) fn new(client: Client, rules: Arc<Rules>, config: &Config) -> (Self, watch::Receiver<Link>) {
        let (link, links) = watch::channel(Link::Connecting);
        let timing = Timing {
            deadline: config.bus_deadline,
            ping: (config.compare_interval / 2).max(SHORTEST_PERIOD),
            sweep: (config.linger / 8).clamp(SHORTEST_PERIOD, Duration::from_secs(1)),
        };
        (Self { client, rules, link, timing }, links)
    }

    /// Ends only with the bus.
    pub(super) async fn run(self) {
        let address = self.client.get_connection_info().addr().to_string();
        let mut failures: u32 = 0;
        loop {
            match self.connect().await {
                Ok(connection) => {
                    tracing::info!(address, "connected to Redis");
                    let began = Instant::now();
                    let loss = self.keep(connection).await;
                    tracing::warn!(address, %loss, "Redis lost, reconnecting");
                    // A connection that breaks at once is no reason to hurry.
                    failures = if began.elapsed() >= LAST_RETRY { 0 } else { failures + 1 };
                }
                Err(loss) => {
                    self.link.send_replace(Link::Down);
                    failures += 1;
                    match failures {
                        1 => tracing::warn!(address, %loss, "Redis cannot be reached, trying for ever"),
                        _ => tracing::debug!(address, %loss, failures, "Redis cannot be reached"),
                    }
                }
            }
            tokio::time::sleep(retry_delay(failures)).await;
        }
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

    /// Returns when the connection is over and everybody knows.
    async fn keep(&self, connection: Arc<Connection>) -> Loss {
        let ending = EndOnDrop(Arc::clone(&connection.topics));
        self.link.send_replace(Link::Up(Arc::clone(&connection)));
        let Err(loss) = self.attend(&connection).await;
        self.link.send_replace(Link::Connecting);
        drop(ending);
        loss
    }

    async fn attend(&self, connection: &Connection) -> Result<std::convert::Infallible, Loss> {
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

/// Whether Redis has answered, and said no.
pub(super) fn is_refusal(error: &RedisError) -> bool {
    error.code().is_some() && !error.is_unrecoverable_error()
}

/// Also when the keeper's task is dropped.
struct EndOnDrop(Arc<Topics>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Doubled each time, and half of it random, so that many nodes do not come back as one.
fn retry_delay(failures: u32) -> Duration {
    let longest = (FIRST_RETRY * 2u32.saturating_pow(failures.min(8))).min(LAST_RETRY);
    let part = getrandom::u32().map_or(1.0, |random| f64::from(random) / f64::from(u32::MAX));
    longest.mul_f64(0.5 + part / 2.0)
}
