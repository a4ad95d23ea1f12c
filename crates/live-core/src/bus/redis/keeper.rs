//! A connection to Redis: kept, made anew for ever, and never mended.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use redis::RedisError;
use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
    task::JoinHandle,
};

use crate::{bus::BusError, config::Config};

/// What there is of a connection.
#[derive(Debug)]
enum Link<C> {
    /// For the first time, or for the first time after a loss: whoever needs it may wait.
    Connecting,
    Up(Arc<C>),
    /// An attempt has failed; others follow.
    Down(Arc<Loss>),
}

/// How one kind of connection is made and used.
pub(super) trait Keep: Send + Sync {
    type Connection: Send + Sync;

    /// Where it leads to, without secrets, for the log.
    fn address(&self) -> String;

    fn connect(&self) -> impl Future<Output = Result<Arc<Self::Connection>, Loss>> + Send;

    /// Returns when the connection is over. What it returns before `link` says that it is over must be known to all who used it.
    fn attend(&self, connection: &Self::Connection) -> impl Future<Output = Loss> + Send;

    /// The connection is over, however that came about: also when the task is dropped.
    fn end(connection: &Self::Connection);
}

/// Why a connection is given up, or not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum Loss {
    #[error("Redis closed the connection")]
    Closed,
    #[error("Redis does not answer")]
    Silent,
    /// It is there, and something is lost all the same.
    #[error("{0}")]
    Missed(&'static str),
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("Redis is a read-only replica; name its master, or let sentinels do so")]
    ReadOnly,
    /// It cannot keep what the bus promises; the text says why, and what to do.
    #[error("{0}")]
    Unfit(String),
}

/// Who needs the connection, and has it tried at once.
#[derive(Debug)]
pub(super) struct Access<C> {
    link: watch::Receiver<Link<C>>,
    /// Somebody needs a connection that is down.
    needed: Arc<Notify>,
}

/// How long somebody waits for the attempt that it asked for: one that fails does so at once, unless Redis hangs.
const PATIENCE: Duration = Duration::from_millis(200);

impl<C> Access<C> {
    /// The connection. One that is just being made is waited for. One that is down is tried at once, unless that has just been done.
    pub(super) async fn connection(&self) -> Result<Arc<C>, BusError> {
        let mut link = self.link.clone();
        if matches!(&*link.borrow_and_update(), Link::Down(_)) {
            self.needed.notify_one();
            // Up or down again, or it takes too long.
            let _ = tokio::time::timeout(PATIENCE, link.changed()).await;
        }
        let link = link.wait_for(|link| !matches!(link, Link::Connecting)).await.map_err(|_| BusError::Unavailable)?;
        match &*link {
            Link::Up(connection) => Ok(Arc::clone(connection)),
            Link::Connecting => Err(BusError::Unavailable),
            Link::Down(loss) => match &**loss {
                Loss::Unfit(reason) => Err(BusError::Unfit { reason: reason.clone() }),
                loss => Err(BusError::Down { reason: loss.to_string() }),
            },
        }
    }

    /// Returns once the bus has given this connection up. Whoever waits for an answer over it would keep it from ending.
    pub(super) async fn over(&self, connection: &Arc<C>) {
        let is_over = |link: &Link<C>| !matches!(link, Link::Up(present) if Arc::ptr_eq(present, connection));
        // Without the bus it is over as well.
        let _ = self.link.clone().wait_for(is_over).await;
    }

    /// The connection, if there is one at the moment.
    pub(super) fn present(&self) -> Option<Arc<C>> {
        match &*self.link.borrow() {
            Link::Up(connection) => Some(Arc::clone(connection)),
            Link::Connecting | Link::Down(_) => None,
        }
    }
}

impl<C> Clone for Access<C> {
    fn clone(&self) -> Self {
        Self { link: self.link.clone(), needed: Arc::clone(&self.needed) }
    }
}

/// Keeps a connection, which ends with the task that this starts.
pub(super) fn start<K: Keep + 'static>(keep: K, runtime: &Handle) -> (AbortOnDrop, Access<K::Connection>) {
    let (sender, link) = watch::channel(Link::Connecting);
    let needed = Arc::new(Notify::new());
    let task = AbortOnDrop(runtime.spawn(run(keep, sender, Arc::clone(&needed))));
    (task, Access { link, needed })
}

/// Derived from the configuration: nobody should have to think of these by themselves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// How long Redis may take for an answer.
    pub(super) deadline: Duration,
    /// How often it is asked whether it is still there, because a half-open connection says nothing. Twice in the time within
    /// which a hub compares its heads.
    pub(super) ping: Duration,
    /// How often channels are looked through for those that nobody is subscribed to any more.
    pub(super) sweep: Duration,
}

const SHORTEST_PERIOD: Duration = Duration::from_millis(5);

impl Timing {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            deadline: config.bus_deadline,
            ping: (config.compare_interval / 2).max(SHORTEST_PERIOD),
            sweep: (config.linger / 8).clamp(SHORTEST_PERIOD, Duration::from_secs(1)),
        }
    }
}

/// An outage is retried for ever, from this delay up to that one.
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(1);

/// Ends only with the task.
async fn run<K: Keep>(keep: K, link: watch::Sender<Link<K::Connection>>, needed: Arc<Notify>) {
    let address = keep.address();
    let mut failures: u32 = 0;
    loop {
        match keep.connect().await {
            Ok(connection) => {
                tracing::info!(address, "connected to Redis");
                let began = Instant::now();
                let loss = attend(&keep, connection, &link).await;
                tracing::warn!(address, %loss, "Redis lost, reconnecting");
                // A connection that breaks at once is no reason to hurry.
                failures = if began.elapsed() >= LAST_RETRY { 0 } else { failures + 1 };
            }
            Err(loss) => {
                let loss = Arc::new(loss);
                link.send_replace(Link::Down(Arc::clone(&loss)));
                failures += 1;
                match failures {
                    1 => tracing::warn!(address, %loss, "Redis cannot be reached, trying for ever"),
                    _ => tracing::debug!(address, %loss, failures, "Redis cannot be reached"),
                }
            }
        }
        // However many need it, no sooner than this.
        tokio::time::sleep(FIRST_RETRY / 2).await;
        let _ = tokio::time::timeout(retry_delay(failures), needed.notified()).await;
    }
}

async fn attend<K: Keep>(keep: &K, connection: Arc<K::Connection>, link: &watch::Sender<Link<K::Connection>>) -> Loss {
    let ending = EndOnDrop::<K>(Arc::clone(&connection));
    link.send_replace(Link::Up(Arc::clone(&connection)));
    let loss = keep.attend(&connection).await;
    link.send_replace(Link::Connecting);
    drop(ending);
    loss
}

struct EndOnDrop<K: Keep>(Arc<K::Connection>);

impl<K: Keep> Drop for EndOnDrop<K> {
    fn drop(&mut self) {
        K::end(&self.0);
    }
}

/// Doubled each time, and half of it random, so that many nodes do not come back as one.
fn retry_delay(failures: u32) -> Duration {
    let longest = (FIRST_RETRY * 2u32.saturating_pow(failures.min(8))).min(LAST_RETRY);
    let part = getrandom::u32().map_or(1.0, |random| f64::from(random) / f64::from(u32::MAX));
    longest.mul_f64(0.5 + part / 2.0)
}

/// Whether Redis has answered, and said no.
pub(super) fn is_refusal(error: &RedisError) -> bool {
    // One of several commands has no code of its own.
    let is_answer = error.code().is_some() || error.clone().into_server_errors().is_some();
    is_answer && !error.is_unrecoverable_error()
}

/// What Redis refuses has no effect; of what else goes wrong nobody knows whether it had one.
pub(super) fn bus_error(error: RedisError) -> BusError {
    if is_refusal(&error) { BusError::Store(Box::new(error)) } else { BusError::Unavailable }
}

/// The task ends with the bus.
#[derive(Debug)]
pub(super) struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
