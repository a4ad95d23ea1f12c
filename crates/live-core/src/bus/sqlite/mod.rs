//! `sqlite:FILE`: the logs in one file, which one process holds. What was published is there after a crash.
//!
//! One thread owns the file, so that a page's updates have one order and whatever waits shares one sync to the disk.
//! `open` and `schema` make the file ours, `store` with `load` and `save` knows its rows, `opening` forks the epochs,
//! `cache` keeps pages in memory, and `writer` with `publish` and `read` is the thread.

mod cache;
mod load;
mod open;
mod opening;
mod publish;
mod read;
#[cfg(test)]
mod round_trip;
mod save;
mod schema;
mod store;
mod subscribers;
#[cfg(test)]
mod testing;
mod writer;

use std::{
    path::Path,
    sync::{Arc, Weak},
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};

use self::{
    publish::{Publish, Request},
    read::Read,
    subscribers::Subscribers,
    writer::Writer,
};
use super::{BusError, BusFuture, EventBus, IdempotencyKey, Published, Subscription};
use crate::{config::Config, cursor::Cursor, id::ChannelId, page::Standing, update::Update};

/// A bus in a file, for one process.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("live-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let file = folder.join("live.db");
/// use live_core::{ChannelId, Config, EventBus as _, PostId, Render, Update, bus::SqliteBus};
/// let bus = SqliteBus::open(&file, &Config::default())?;
/// let update = Update::new().render(Render::new(PostId::new("1")?, "<p>Hello!</p>"));
/// bus.publish(&ChannelId::new("blog")?, update, None).await?;
/// # drop(bus); std::fs::remove_dir_all(&folder)?; Ok(()) }
/// ```
///
/// An update whose publish returned `Ok` survives the end of the process, also by `kill -9`, and of the machine as far as its disk
/// keeps what it was told to sync. After an opening of the file readers resume where they were.
///
/// The content of hidden posts never reaches the file. What an edit, a hiding or a removal takes away is overwritten with zeros in
/// FILE, within 10 seconds in FILE-wal too, and in both when the bus is closed; backups and what the file system copies on its own
/// are out of reach. To back up a bus that is open, copy FILE and FILE-wal in one file system snapshot; a closed one is FILE alone.
///
/// While a bus is open no other program can read or write its file, and this one should leave it alone, too: on Unix, closing a file
/// gives up every lock that the process has on it. Do not put it on a network file system, where such locks do not hold.
///
/// Its futures need a tokio runtime with time.
#[derive(Debug)]
pub struct SqliteBus {
    /// Bounded, because each command holds an update: beyond it, publishers wait.
    queue: mpsc::Sender<Command>,
    /// Weak, so that the subscriptions end with the thread, however it ends.
    subscribers: Weak<Subscribers>,
    deadline: Duration,
    /// After `queue`: the thread ends when the queue does.
    _thread: JoinOnDrop,
}

/// What the thread is asked for.
#[derive(Debug)]
enum Command {
    Publish(Publish),
    Read(Read),
}

/// Where an answer goes. Nobody waits there any more if the caller dropped the future or its deadline has passed.
type Reply<T> = oneshot::Sender<Result<T, BusError>>;

/// Commands that wait for the thread; also the most that share one sync. With a sync of 5 ms that is 50,000 publishes a second.
const QUEUE: usize = 256;

impl SqliteBus {
    /// Opens the file, or creates it.
    ///
    /// While another process holds it, this waits for up to [`Config::bus_deadline`], and blocks the calling thread meanwhile.
    ///
    /// # Errors
    /// [`BusError::Open`] says what is wrong with the file and what to do; [`BusError::Randomness`] if the operating system has none.
    pub fn open(file: impl AsRef<Path>, config: &Config) -> Result<Self, BusError> {
        let writer = Writer::open(file.as_ref(), config)?;
        let subscribers = Arc::downgrade(&writer.subscribers);
        let failed =
            |error: std::io::Error| open::refuse(file.as_ref(), format!("its thread does not start ({error})"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
        let (queue, commands) = mpsc::channel(QUEUE);
        let run = move || runtime.block_on(writer.run(commands)).close();
        let thread = thread::Builder::new().name("live-sqlite".to_owned()).spawn(run).map_err(failed)?;
        Ok(Self { queue, subscribers, deadline: config.bus_deadline, _thread: JoinOnDrop(Some(thread)) })
    }

    /// Asks the thread. A caller that goes away has asked for nothing if the thread has not begun with it.
    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command + Send) -> Result<T, BusError> {
        let (reply, answer) = oneshot::channel();
        let answered = async {
            self.queue.send(command(reply)).await.ok()?;
            answer.await.ok()
        };
        let answered = tokio::time::timeout(self.deadline, answered).await;
        answered.ok().flatten().unwrap_or(Err(BusError::Unavailable))
    }
}

impl EventBus for SqliteBus {
    fn publish<'a>(
        &'a self,
        channel: &'a ChannelId,
        update: Update,
        key: Option<&'a IdempotencyKey>,
    ) -> BusFuture<'a, Published> {
        let (channel, key) = (channel.clone(), key.cloned());
        Box::pin(self.ask(move |reply| Command::Publish(Publish { request: Request { channel, update, key }, reply })))
    }

    fn subscribe<'a>(&'a self, channel: &'a ChannelId) -> BusFuture<'a, Subscription> {
        let channel = channel.clone();
        Box::pin(self.ask(move |reply| Command::Read(Read::Subscribe { channel, reply })))
    }

    fn heads<'a>(&'a self, channels: &'a [ChannelId]) -> BusFuture<'a, Vec<Cursor>> {
        let channels = channels.to_vec();
        Box::pin(self.ask(move |reply| Command::Read(Read::Heads { channels, reply })))
    }

    fn standing<'a>(&'a self, channel: &'a ChannelId, cursor: Cursor) -> BusFuture<'a, Standing> {
        let channel = channel.clone();
        Box::pin(self.ask(move |reply| Command::Read(Read::Standing { channel, cursor, reply })))
    }

    fn subscriptions(&self) -> usize {
        self.subscribers.upgrade().map_or(0, |subscribers| subscribers.count())
    }
}

/// Waits for the thread, so that whoever drops the bus may open the file again at once. It takes as long as one burst and one
/// checkpoint do, and nobody waits for more: a future borrows the bus.
#[derive(Debug)]
struct JoinOnDrop(Option<JoinHandle<()>>);

impl Drop for JoinOnDrop {
    fn drop(&mut self) {
        if self.0.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the SQLite bus panicked");
        }
    }
}

fn store_error(error: impl std::error::Error + Send + Sync + 'static) -> BusError {
    BusError::Store(Box::new(error))
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::{testing::channel, *};

    #[tokio::test]
    async fn while_the_thread_is_stuck_publishers_wait_for_the_deadline_and_no_longer() {
        let (queue, commands) = mpsc::channel(QUEUE);
        let deadline = Duration::from_millis(50);
        let bus = SqliteBus { queue, subscribers: Weak::new(), deadline, _thread: JoinOnDrop(None) };
        let blog = channel("blog");
        let mut waiting: Vec<_> = (0..QUEUE).map(|_| bus.publish(&blog, Update::new(), None)).collect();
        for publish in &mut waiting {
            assert!(publish.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            // tokio lets a task poll only so often without a break.
            tokio::task::yield_now().await;
        }
        assert_eq!(commands.len(), QUEUE);
        let refused =
            tokio::time::timeout(Duration::from_secs(10), bus.publish(&blog, Update::new(), None)).await.unwrap();
        assert!(matches!(refused, Err(BusError::Unavailable)));
        assert_eq!(commands.len(), QUEUE);
        drop(commands);
        assert!(matches!(bus.publish(&blog, Update::new(), None).await, Err(BusError::Unavailable)));
    }
}
