//! What is done with a connection: whether the server is fit, which pages it is told of, what is fetched.

use std::{collections::HashMap, pin::Pin, sync::Arc, time::Duration};

use redis::RedisError;
use tokio::{sync::Notify, time::MissedTickBehavior};

use super::{
    connection::{Connection, load},
    names::Names,
    script::{Layout, Script, ScriptLimits},
    server::Server,
    topics::{Heard, Topics},
    url::{Evicting, Place},
};
use crate::{
    bus::redis::keeper::{Keep, Loss, is_refusal},
    config::Config,
    cursor::Epoch,
    id::ChannelId,
};

/// Keeps the connection.
pub(super) struct Keeper {
    place: Place,
    names: Names,
    topics: Arc<Topics>,
    script: ScriptLimits,
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
    /// How often pages are looked through for those that nobody is subscribed to any more.
    sweep: Duration,
}

const SHORTEST_PERIOD: Duration = Duration::from_millis(5);
/// Pages in one command, or asked for at a time: enough for a few round trips after an outage, and few enough for a ping between them.
const BATCH: usize = 1_000;
/// Below these versions a log cannot be trimmed by age, and a cluster cannot announce within a slot.
const OLDEST: (u32, u32) = (6, 2);
const OLDEST_CLUSTER: (u32, u32) = (7, 0);

impl Keep for Keeper {
    type Connection = Connection;

    fn address(&self) -> String {
        self.place.servers.address()
    }

    async fn connect(&self) -> Result<Arc<Connection>, Loss> {
        // In a box: with the handshake in it the future is large.
        let connecting: Pin<Box<dyn Future<Output = Result<Connection, Loss>> + Send + '_>> = Box::pin(self.prepare());
        let connection = tokio::time::timeout(self.timing.deadline, connecting).await.map_err(|_| Loss::Silent)??;
        Ok(Arc::new(connection))
    }

    async fn attend(&self, connection: &Connection) -> Loss {
        let Err(loss) = self.work(connection).await;
        loss
    }

    fn end(connection: &Connection) {
        connection.topics.handle_loss();
    }
}

impl Keeper {
    pub(super) fn new(place: Place, topics: Arc<Topics>, config: &Config) -> Self {
        let timing = Timing {
            deadline: config.bus_deadline,
            ping: (config.compare_interval / 2).max(SHORTEST_PERIOD),
            sweep: (config.linger / 8).clamp(SHORTEST_PERIOD, Duration::from_secs(1)),
        };
        Self { names: Names::new(&place.prefix), place, topics, script: ScriptLimits::new(config), timing }
    }

    async fn prepare(&self) -> Result<Connection, Loss> {
        let (id, disconnected) = (self.topics.begin_connection(), Arc::new(Notify::new()));
        // Handled where it is read, so that there is no queue: what is not taken in time stays with Redis, which then closes the
        // connection, and that is noticed.
        let handle = || {
            let (topics, over) = (Arc::clone(&self.topics), Arc::clone(&disconnected));
            move |push| {
                if topics.handle(id, &push) == Heard::Over {
                    over.notify_one();
                }
            }
        };
        let mut server = self.place.servers.connect(self.timing.deadline, handle()).await?;
        self.check_fitness(&mut server).await?;
        let mut subscriber = self.place.servers.connect(self.timing.deadline, handle()).await?;
        self.check_fitness(&mut subscriber).await?;
        let script = Script::new(&self.script, &self.layout(&mut server).await?);
        let sha = load(&mut server, &script).await?;
        // For publishers without Live. Redis 6 has no libraries, and access rules may forbid them.
        let library = redis::cmd("FUNCTION").arg("LOAD").arg("REPLACE").arg(&script.library).to_owned();
        if let Err(error) = library.exec_async(&mut server).await {
            tracing::debug!(%error, "Redis takes no library; publishers without Live have to bring the script");
        }
        let (names, topics) = (self.names.clone(), Arc::clone(&self.topics));
        Ok(Connection { id, server, subscriber, names, script, sha, topics, doubted: Notify::new(), disconnected })
    }

    /// Refuses a Redis on which a promise of this bus could not be kept.
    async fn check_fitness(&self, server: &mut Server) -> Result<(), Loss> {
        let oldest = if server.is_cluster() { OLDEST_CLUSTER } else { OLDEST };
        for info in server.info().await? {
            let is_master = check_role(&info, server.is_cluster())?;
            let version = info.get("redis_version").map(String::as_str).unwrap_or_default();
            if number_of(version) < oldest {
                let (major, minor) = oldest;
                return Err(Loss::Unfit(format!("Redis is version {version}; use {major}.{minor} or newer")));
            }
            let field = |name: &str| info.get(name).map(String::as_str).unwrap_or_default();
            let evicts = field("maxmemory") != "0" && !matches!(field("maxmemory_policy"), "" | "noeviction");
            if is_master && evicts && self.place.evicting == Evicting::Refuse {
                return Err(Loss::Unfit(format!(
                    "Redis throws pages away when its memory is full (maxmemory-policy {}); set noeviction, or add evicting=allow to the URL",
                    field("maxmemory_policy")
                )));
            }
        }
        Ok(())
    }

    /// In a cluster the epoch of pages without a log is made of one for all and of the master that has the page.
    async fn layout(&self, server: &mut Server) -> Result<Layout, Loss> {
        if !server.is_cluster() {
            return Ok(Layout::One);
        }
        let key = self.names.beside("epoch");
        let epoch = Epoch::random().map_err(|error| Loss::Unfit(error.to_string()))?.to_string();
        redis::cmd("SET").arg(&key).arg(epoch).arg("NX").exec_async(server).await?;
        let epoch: String = redis::cmd("GET").arg(&key).query_async(server).await?;
        // It stands in a script.
        let epoch =
            epoch.parse::<Epoch>().map_err(|_| Loss::Unfit(format!("the key {key} in Redis is not one of Live's")))?;
        Ok(Layout::Cluster { epoch: epoch.to_string() })
    }

    async fn work(&self, connection: &Connection) -> Result<std::convert::Infallible, Loss> {
        let mut pings = tokio::time::interval(self.timing.ping);
        let mut sweeps = tokio::time::interval(self.timing.sweep);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = connection.disconnected.notified() => return Err(Loss::Closed),
                () = connection.topics.wanted.notified() => self.reconcile(connection).await?,
                _ = sweeps.tick() => self.reconcile(connection).await?,
                _ = pings.tick() => self.look(connection).await?,
                () = connection.doubted.notified() => self.look(connection).await?,
            }
        }
    }

    /// Whether the server answers, and can still be written to: a replica takes subscribers, too, and hears nothing.
    async fn look(&self, connection: &Connection) -> Result<(), Loss> {
        for mut server in [connection.server.clone(), connection.subscriber.clone()] {
            let is_cluster = server.is_cluster();
            match self.answered(server.info()).await {
                // A server that is loading or busy has answered: nothing is lost.
                Err(Loss::Redis(error)) if is_refusal(&error) => {}
                infos => infos?.iter().try_for_each(|info| check_role(info, is_cluster).map(drop))?,
            }
        }
        Ok(())
    }

    /// Tells Redis which pages have come and gone, and fetches what is missing. Nobody else does, so one command follows the other.
    async fn reconcile(&self, connection: &Connection) -> Result<(), Loss> {
        let changes = connection.topics.changes();
        let mut subscriber = connection.subscriber.clone();
        for batch in changes.leave.chunks(BATCH) {
            match self.answered(subscriber.unsubscribe(&self.pages(batch))).await {
                // What Redis goes on sending is for nobody here.
                Err(Loss::Redis(error)) if is_refusal(&error) => {
                    tracing::debug!(%error, "Redis refuses to unsubscribe")
                }
                answer => answer?,
            }
        }
        for batch in changes.join.chunks(BATCH) {
            match self.answered(subscriber.subscribe(&self.pages(batch))).await {
                Err(Loss::Redis(error)) if is_refusal(&error) => self.subscribe_singly(connection, batch).await?,
                answer => answer?,
            }
        }
        self.fetch(connection).await
    }

    /// Redis refuses the whole command for one page that its access rules keep from us.
    async fn subscribe_singly(&self, connection: &Connection, channels: &[ChannelId]) -> Result<(), Loss> {
        let mut subscriber = connection.subscriber.clone();
        for channel in channels {
            match self.answered(subscriber.subscribe(&self.pages(std::slice::from_ref(channel)))).await {
                Err(Loss::Redis(error)) if is_refusal(&error) => {
                    tracing::warn!(%channel, %error, "Redis refuses the subscription");
                    connection.topics.refuse(channel);
                }
                answer => answer?,
            }
        }
        Ok(())
    }

    async fn fetch(&self, connection: &Connection) -> Result<(), Loss> {
        for batch in connection.topics.lacking().chunks(BATCH) {
            let fetches = batch.iter().map(|(channel, cursor)| connection.since(channel, *cursor));
            let all = async { Ok(futures_util::future::join_all(fetches).await) };
            for ((channel, _), fetched) in batch.iter().zip(self.answered(all).await?) {
                match fetched {
                    Ok(fetched) => connection.topics.handle_fetched(channel, fetched),
                    // It stays behind, and is fetched with the next look through the pages.
                    Err(error) if is_refusal(&error) => {
                        tracing::debug!(%channel, %error, "Redis refuses to say what is missing")
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    fn pages(&self, channels: &[ChannelId]) -> Vec<String> {
        channels.iter().map(|channel| self.names.page(channel)).collect()
    }

    async fn answered<T>(&self, answer: impl Future<Output = Result<T, RedisError>>) -> Result<T, Loss> {
        Ok(tokio::time::timeout(self.timing.deadline, answer).await.map_err(|_| Loss::Silent)??)
    }
}

/// Whether it is a master. In a cluster replicas are asked as well, and are as they should be.
fn check_role(info: &HashMap<String, String>, is_cluster: bool) -> Result<bool, Loss> {
    let is_master = info.get("role").is_none_or(|role| role == "master");
    if is_master || is_cluster {
        return Ok(is_master);
    }
    Err(Loss::ReadOnly)
}

fn number_of(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or_default());
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}
