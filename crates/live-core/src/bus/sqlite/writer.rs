//! The one thread that owns the file.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::{
    super::BusError,
    Command, QUEUE,
    cache::{Cache, CachedPage},
    publish::Publish,
    read::Read,
    store::{Store, integer},
    subscribers::Subscribers,
};
use crate::{
    config::{Clock, Config},
    id::ChannelId,
    page::{Numbered, PageLimits},
};

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) store: Store,
    pub(super) cache: Cache,
    pub(super) subscribers: Arc<Subscribers>,
    pub(super) clock: Clock,
    pub(super) limits: PageLimits,
    pub(super) max_pages: usize,
    tidy_every: Duration,
}

/// Soon enough for what was erased to leave FILE-wal, seldom enough to cost nothing. A shorter retention is kept to its eighth.
const TIDY_EVERY: Duration = Duration::from_secs(10);
const TIDY_AT_MOST: Duration = Duration::from_millis(50);
/// Rows deleted in one go, for publishers not to wait long. Pages have many rows.
const TIDY_PAGES: usize = 16;
const TIDY_KEYS: usize = 10_000;

impl Writer {
    pub(super) fn open(file: &Path, config: &Config) -> Result<Self, BusError> {
        Ok(Self {
            store: Store::open(file, config)?,
            cache: Cache::default(),
            subscribers: Arc::default(),
            clock: config.clock.clone(),
            limits: config.page,
            max_pages: config.max_pages,
            tidy_every: (config.page_retention / 8).clamp(TIDY_AT_MOST, TIDY_EVERY),
        })
    }

    /// Works until every sender is gone and what they sent is done. It blocks: it has its thread and its runtime for itself.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> Self {
        let mut tidy_at = Instant::now();
        let mut burst = Vec::with_capacity(QUEUE);
        loop {
            if let Ok(0) = timeout_at(tidy_at, commands.recv_many(&mut burst, QUEUE)).await {
                return self;
            }
            self.work(burst.drain(..));
            if Instant::now() >= tidy_at {
                let wait = if self.tidy() { Duration::ZERO } else { self.tidy_every };
                tidy_at = Instant::now() + wait;
            }
        }
    }

    pub(super) fn close(self) {
        self.store.close();
    }

    /// Nobody has an answer yet, so all of these are concurrent, and the reads may come after the publishes.
    fn work(&mut self, burst: impl Iterator<Item = Command>) {
        let (mut publishes, mut reads) = (Vec::new(), Vec::new());
        for command in burst {
            match command {
                Command::Publish(publish) => publishes.push(publish),
                Command::Read(read) => reads.push(read),
            }
        }
        // Whoever gave up while the command was waiting gets no effect of it.
        publishes.retain(Publish::is_awaited);
        reads.retain(Read::is_awaited);
        if !publishes.is_empty() {
            self.publish(publishes);
        }
        reads.into_iter().for_each(|read| self.answer(read));
    }

    /// Puts a page into the cache, after which others may have to leave it.
    pub(super) fn keep(&mut self, channel: ChannelId, page: CachedPage, added: Option<&Numbered>) {
        self.cache.put(channel, page, added);
        self.cache.trim(|channel| self.subscribers.has(channel));
    }

    /// Deletes what is too old, and empties FILE-wal. Returns whether there is more to delete.
    pub(super) fn tidy(&mut self) -> bool {
        let now = self.clock.now();
        let tidied = self.delete_expired(now).and_then(|channels| {
            channels.iter().for_each(|channel| self.subscribers.lose(channel));
            let keys = self.store.delete_old_keys(now, TIDY_KEYS)?;
            let more = channels.len() == TIDY_PAGES || keys == TIDY_KEYS;
            if !more {
                self.store.checkpoint()?;
            }
            Ok(more)
        });
        tidied.unwrap_or_else(|error| {
            tracing::warn!(%error, "the file cannot be tidied now");
            false
        })
    }

    /// Deletes some expired pages. The caller tells their subscribers once that is stored.
    pub(super) fn delete_expired(&mut self, now: u64) -> rusqlite::Result<Vec<ChannelId>> {
        let channels = self.store.delete_expired(now, TIDY_PAGES)?;
        channels.iter().for_each(|channel| self.cache.remove(channel));
        Ok(channels)
    }

    /// An expired page is not there, also before it is deleted.
    pub(super) fn drop_if_expired(&mut self, channel: &ChannelId, now: u64) {
        let expired = self.store.expired_up_to(now);
        if self.cache.get(channel).is_some_and(|page| integer(page.log.touched) <= expired) {
            self.cache.remove(channel);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::{
        super::testing::{Folder, Time, channel, is_lost, next, open, post, publish_command, request, snapshot},
        *,
    };

    #[tokio::test]
    async fn what_waits_shares_one_sync_and_is_done_before_the_thread_ends() {
        let folder = Folder::new();
        let (sender, commands) = mpsc::channel(QUEUE);
        let mut answers = Vec::new();
        for number in 0..QUEUE {
            let (publish, answer) = publish_command(request("a", post(&number.to_string(), "x")));
            sender.try_send(Command::Publish(publish)).unwrap();
            answers.push(answer);
        }
        drop(sender);
        let writer = open(&folder.file()).run(commands).await;
        assert_eq!(writer.store.commits(), 1);
        for mut answer in answers {
            answer.try_recv().unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn who_gave_up_while_waiting_gets_no_effect() {
        let folder = Folder::new();
        let (sender, commands) = mpsc::channel(QUEUE);
        let (publish, answer) = publish_command(request("a", post("1", "x")));
        sender.try_send(Command::Publish(publish)).unwrap();
        drop(answer);
        let (reply, answer) = oneshot::channel();
        sender.try_send(Command::Read(Read::Heads { channels: vec![channel("a")], reply })).unwrap();
        drop(sender);
        open(&folder.file()).run(commands).await;
        assert_eq!(answer.await.unwrap().unwrap()[0].version.number(), 0);
    }

    #[test]
    fn a_page_without_a_publish_for_long_goes_with_all_it_has() {
        let (folder, time) = (Folder::new(), Time::new());
        let retention = time.config().page_retention;
        let mut writer = Writer::open(&folder.file(), &time.config()).unwrap();
        let none = writer.head("a");
        writer.publish_with_key("a", post("1", "one"), "k").unwrap();
        writer.tidy();
        time.pass(retention - Duration::from_micros(1));
        let kept = writer.publish_now("b", post("1", "one")).unwrap().cursor;
        assert!(!writer.tidy());
        assert_eq!(writer.store.pages(), 2);
        let mut subscription = writer.subscribe_now("a").unwrap();
        snapshot(&mut subscription);

        time.pass(Duration::from_micros(1));
        // Gone for readers at once, deleted soon.
        assert_eq!(writer.head("a"), none);
        assert!(next(&mut subscription).is_pending());
        assert!(!writer.tidy());
        assert!(is_lost(&next(&mut subscription)));
        assert_eq!(writer.head("b"), kept);
        for table in ["pages", "posts"] {
            let sql = format!("SELECT count(*) FROM {table}");
            assert_eq!(writer.store.connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap(), 1, "{table}");
        }
        assert_eq!(
            writer.store.connection.query_row("SELECT count(*) FROM keys", [], |row| row.get::<_, i64>(0)).unwrap(),
            0
        );
        assert!(!writer.publish_with_key("a", post("1", "one"), "k").unwrap().repeated);
    }

    #[test]
    fn an_expired_page_that_is_not_deleted_yet_begins_a_new_log() {
        let (folder, time) = (Folder::new(), Time::new());
        let mut writer = Writer::open(&folder.file(), &time.config()).unwrap();
        let old = writer.publish_now("a", post("1", "one")).unwrap().cursor;
        let mut subscription = writer.subscribe_now("a").unwrap();
        snapshot(&mut subscription);
        time.pass(time.config().page_retention);
        let new = writer.publish_now("a", post("2", "two")).unwrap().cursor;
        assert_ne!(old.epoch, new.epoch);
        assert!(is_lost(&next(&mut subscription)));
        assert_eq!(writer.store.pages(), 1);
        writer.cache.remove(&channel("a"));
        writer.subscribe_now("a").unwrap();
        let page = &writer.cache.get(&channel("a")).unwrap().log.page;
        assert_eq!(page.posts().map(|post| post.id.to_string()).collect::<Vec<_>>(), ["2"]);
    }

    #[test]
    fn pages_that_expired_while_the_file_was_closed_go_when_it_is_tidied() {
        let (folder, time) = (Folder::new(), Time::new());
        let mut writer = Writer::open(&folder.file(), &time.config()).unwrap();
        let burst = (0..TIDY_PAGES + 1).map(|number| request(&number.to_string(), post("1", "one"))).collect();
        assert!(writer.burst(burst).iter().all(Result::is_ok));
        writer.close();
        time.pass(time.config().page_retention);
        let mut writer = Writer::open(&folder.file(), &time.config()).unwrap();
        assert!(writer.tidy());
        assert_eq!(writer.store.pages(), 1);
        assert!(!writer.tidy());
        assert_eq!(writer.store.pages(), 0);
    }

    #[test]
    fn keys_older_than_a_day_are_deleted() {
        let (folder, time) = (Folder::new(), Time::new());
        let mut writer = Writer::open(&folder.file(), &time.config()).unwrap();
        writer.publish_with_key("a", post("1", "one"), "k").unwrap();
        let keys = |writer: &Writer| -> i64 {
            writer.store.connection.query_row("SELECT count(*) FROM keys", [], |row| row.get(0)).unwrap()
        };
        time.pass(Duration::from_secs(24 * 60 * 60) - Duration::from_micros(1));
        writer.tidy();
        assert_eq!(keys(&writer), 1);
        assert!(writer.publish_with_key("a", post("1", "one"), "k").unwrap().repeated);
        time.pass(Duration::from_micros(1));
        writer.tidy();
        assert_eq!(keys(&writer), 0);
        assert!(!writer.publish_with_key("a", post("1", "one"), "k").unwrap().repeated);
    }
}
