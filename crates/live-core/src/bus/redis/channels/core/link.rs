//! The connection: its memberships in groups, which it renews, and that it is still there.

use std::{convert::Infallible, sync::Arc, time::Duration};

use redis::{AsyncConnectionConfig, Client, Pipeline, RedisError, aio::MultiplexedConnection};
use tokio::time::{Instant, MissedTickBehavior};

use super::{Layer, Names, confirm::Markers, former::Former, inbox::Inbox};
use crate::{
    bus::{
        BusError,
        redis::{
            keeper::{Keep, Loss, Timing, bus_error, is_refusal},
            relay::{
                Carry,
                topics::{Followed, Rules, Topics},
            },
        },
    },
    config::Config,
};

/// Two connections to one Redis, which live and end together: the second is blocked while nothing comes.
#[derive(Debug)]
pub(in crate::bus::redis) struct Connection {
    pub(super) commands: MultiplexedConnection,
    inbox: MultiplexedConnection,
    pub(super) names: Names,
    layer: Arc<Layer>,
    topics: Topics,
    markers: Markers,
    former: Arc<Former>,
    deadline: Duration,
}

/// Keeps the connection.
#[derive(Debug)]
pub(in crate::bus::redis) struct Keeper {
    client: Client,
    place: usize,
    layer: Arc<Layer>,
    rules: Arc<Rules>,
    former: Arc<Former>,
    timing: Timing,
    /// How often memberships are renewed, and found to be there.
    renewal: Duration,
}

/// Memberships in one round trip: few enough for a ping between them.
const BATCH: usize = 1_000;

impl Keep for Keeper {
    type Connection = Connection;

    fn address(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }

    async fn connect(&self) -> Result<Arc<Connection>, Loss> {
        let names = Names::new(&self.layer, self.place).map_err(|_| Loss::Missed("there is no randomness"))?;
        let (commands, inbox) = (self.connection().await?, self.connection().await?);
        Ok(Arc::new(Connection {
            commands,
            inbox,
            names,
            layer: Arc::clone(&self.layer),
            topics: Topics::new(Arc::clone(&self.rules)),
            markers: Markers::new(),
            former: Arc::clone(&self.former),
            deadline: self.timing.deadline,
        }))
    }

    async fn attend(&self, connection: &Connection) -> Loss {
        let Err(loss) = tokio::select! {
            end = self.receive(connection) => end,
            end = self.work(connection) => end,
        };
        loss
    }

    fn end(connection: &Connection) {
        connection.abandon();
    }
}

impl Keeper {
    pub(super) fn new(client: Client, place: usize, layer: Arc<Layer>, rules: Arc<Rules>, config: &Config) -> Self {
        let timing = Timing::new(config);
        let renewal = config.compare_interval.min(layer.group_expiry / 3);
        Self { client, place, layer, rules, former: Arc::default(), timing, renewal }
    }

    async fn connection(&self) -> Result<MultiplexedConnection, Loss> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timing.deadline))
            // Each caller has a deadline of its own.
            .set_response_timeout(None);
        // In a box: with the handshake in it the future is large.
        let connecting = Box::pin(self.client.get_multiplexed_async_connection_with_config(&config));
        self.answered(connecting).await
    }

    async fn receive(&self, connection: &Connection) -> Result<Infallible, Loss> {
        let inbox = Inbox {
            layer: &self.layer,
            names: &connection.names,
            topics: &connection.topics,
            markers: &connection.markers,
            max_message_bytes: self.rules.max_message_bytes,
            deadline: self.timing.deadline,
            ping: self.timing.ping,
        };
        Box::pin(inbox.receive(connection.inbox.clone())).await
    }

    async fn work(&self, connection: &Connection) -> Result<Infallible, Loss> {
        self.answered(connection.former.remove(connection.commands.clone())).await?;
        let periods = [self.timing.ping, self.timing.sweep, self.renewal].map(|period| {
            let mut interval = tokio::time::interval_at(Instant::now() + period, period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        });
        let [mut pings, mut sweeps, mut renewals] = periods;
        loop {
            tokio::select! {
                () = connection.topics.wanted.notified() => self.reconcile(connection).await?,
                _ = sweeps.tick() => self.reconcile(connection).await?,
                _ = renewals.tick() => self.renew(connection).await?,
                _ = pings.tick() => self.ping(connection).await?,
            }
        }
    }

    /// A refusal is an answer.
    async fn ping(&self, connection: &Connection) -> Result<(), Loss> {
        match self.answered(redis::cmd("PING").exec_async(&mut connection.commands.clone())).await {
            Err(Loss::Redis(error)) if is_refusal(&error) => Ok(()),
            answer => answer,
        }
    }

    /// Joins the groups of channels that have come, and leaves those of channels that have gone. Nobody else does.
    async fn reconcile(&self, connection: &Connection) -> Result<(), Loss> {
        let changes = connection.topics.changes();
        if !changes.leave.is_empty() {
            // Remembered first: what is not removed because the connection is lost is removed over the next one.
            connection.former.add(changes.leave.iter().map(|followed| connection.membership(followed)), None);
            self.answered(connection.former.remove(connection.commands.clone())).await?;
        }
        for batch in changes.join.chunks(BATCH) {
            let pipe = self.pipe(connection, batch, |pipe, score, key, member| {
                pipe.cmd("ZADD").arg(key).arg(score).arg(member);
            });
            for (followed, answer) in batch.iter().zip(self.answers(connection, pipe).await?) {
                match answer {
                    Ok(_) => connection.topics.join(followed.into()),
                    Err(error) => {
                        tracing::warn!(channel = %followed.channel, %error, "Redis refuses the group");
                        connection.topics.refuse(followed);
                    }
                }
            }
        }
        Ok(())
    }

    /// A membership that is not there any more (a Redis that was flushed, or evicts keys) is a loss like any other.
    async fn renew(&self, connection: &Connection) -> Result<(), Loss> {
        let mut lost: usize = 0;
        for batch in connection.topics.joined().chunks(BATCH) {
            let pipe = self.pipe(connection, batch, |pipe, score, key, member| {
                pipe.cmd("ZADD").arg(key).arg("XX").arg(score).arg(member).ignore();
                pipe.cmd("ZSCORE").arg(key).arg(member);
            });
            let answers = self.answers(connection, pipe).await?;
            for (followed, _) in batch.iter().zip(answers).filter(|(_, answer)| matches!(answer, Ok(None))) {
                connection.topics.lose(followed.into());
                lost += 1;
            }
        }
        if lost > 0 {
            tracing::warn!(pages = lost, "groups in Redis were emptied; their pages begin anew");
        }
        Ok(())
    }

    /// One answer for each channel; the group's expiry is renewed with it, as channels_redis does.
    fn pipe(
        &self,
        connection: &Connection,
        batch: &[Followed],
        command: impl Fn(&mut Pipeline, &str, &str, &str),
    ) -> Pipeline {
        let (score, mut pipe) = (self.layer.score(), redis::pipe());
        for followed in batch {
            let (key, member) = connection.membership(followed);
            command(&mut pipe, &score, &key, &member);
            pipe.cmd("EXPIRE").arg(&key).arg(self.layer.group_expiry.as_secs()).ignore();
        }
        pipe.ignore_errors();
        pipe
    }

    async fn answers(
        &self,
        connection: &Connection,
        pipe: Pipeline,
    ) -> Result<Vec<Result<Option<f64>, RedisError>>, Loss> {
        self.answered(pipe.query_async(&mut connection.commands.clone())).await
    }

    async fn answered<T>(&self, answer: impl Future<Output = Result<T, RedisError>>) -> Result<T, Loss> {
        Ok(tokio::time::timeout(self.timing.deadline, answer).await.map_err(|_| Loss::Silent)??)
    }
}

impl Carry for Connection {
    fn topics(&self) -> &Topics {
        &self.topics
    }

    async fn confirm(&self) -> Result<(), BusError> {
        self.markers.confirm(self.commands.clone(), self.names.inbox(), self.layer.expiry.as_secs()).await
    }

    async fn leave(&self) -> Result<(), BusError> {
        self.give_up();
        self.former.remove(self.commands.clone()).await.map_err(bus_error)
    }
}

impl Connection {
    /// The sorted set of the group, and the name in it.
    fn membership(&self, followed: &Followed) -> (String, String) {
        (self.layer.group_key(&followed.channel), self.names.member(followed))
    }

    /// Ends all that is followed, and remembers what is to be removed from Redis.
    fn give_up(&self) {
        let all = self.topics.all();
        let members = all.iter().map(|followed| self.membership(followed));
        self.former.add(members, Some(self.names.inbox().to_owned()));
        self.topics.end();
        self.markers.end();
    }

    /// Leaves all groups. Where this connection can no longer do it, the next one does.
    fn abandon(&self) {
        self.give_up();
        let (former, commands, deadline) = (Arc::clone(&self.former), self.commands.clone(), self.deadline);
        // The bus may be gone with this; it is the end of a program where there is no runtime either.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(deadline, async move { former.remove(commands).await }));
        }
    }
}
