//! Publishing: everything that waits is stored in one transaction, with one sync, and announced after it.

use std::sync::Arc;

use super::{
    super::{BusError, IdempotencyKey, Published, log::Log},
    Reply,
    cache::CachedPage,
    store_error,
    writer::Writer,
};
use crate::{cursor::Epoch, id::ChannelId, page::Numbered, update::Update};

#[derive(Debug)]
pub(super) struct Publish {
    pub(super) request: Request,
    pub(super) reply: Reply<Published>,
}

#[derive(Debug)]
pub(super) struct Request {
    pub(super) channel: ChannelId,
    pub(super) update: Update,
    pub(super) key: Option<IdempotencyKey>,
}

impl Publish {
    pub(super) fn is_awaited(&self) -> bool {
        !self.reply.is_closed()
    }
}

/// What a publisher is told once the transaction is over.
type Stored = Result<Published, BusError>;

/// What subscribers are told once it is stored.
#[derive(Debug)]
enum Announcement {
    Update(ChannelId, Arc<Numbered>),
    /// The log ended.
    Lost(ChannelId),
}

impl Writer {
    /// Stores a burst or none of it, and then answers it.
    pub(super) fn publish(&mut self, burst: Vec<Publish>) {
        let channels: Vec<_> = burst.iter().map(|publish| publish.request.channel.clone()).collect();
        let (replies, requests): (Vec<_>, Vec<_>) =
            burst.into_iter().map(|publish| (publish.reply, publish.request)).unzip();
        let mut announcements = Vec::with_capacity(requests.len());
        match self.store_all(requests, &mut announcements) {
            Ok(results) => {
                announcements.into_iter().for_each(|announcement| self.announce(announcement));
                replies.into_iter().zip(results).for_each(|(reply, result)| drop(reply.send(result)));
            }
            Err(error) => {
                tracing::warn!(%error, publishes = replies.len(), "the store failed, nothing was published");
                // These copies may have what the file has not. They are loaded anew when they are needed.
                channels.iter().for_each(|channel| self.cache.remove(channel));
                let error = Arc::new(error);
                replies.into_iter().for_each(|reply| drop(reply.send(Err(store_error(Arc::clone(&error))))));
            }
        }
    }

    fn store_all(
        &mut self,
        requests: Vec<Request>,
        announcements: &mut Vec<Announcement>,
    ) -> rusqlite::Result<Vec<Stored>> {
        let now = self.clock.now();
        let stored = self.store.begin().and_then(|()| {
            let results = requests.into_iter().map(|request| self.publish_one(request, now, announcements));
            results.collect::<rusqlite::Result<_>>()
        });
        let stored = stored.and_then(|results| self.store.commit().map(|()| results));
        if stored.is_err() {
            self.store.roll_back();
        }
        stored
    }

    /// The outer error is the file's and ends the transaction; the inner one is this publish's own.
    fn publish_one(
        &mut self,
        request: Request,
        now: u64,
        announcements: &mut Vec<Announcement>,
    ) -> rusqlite::Result<Stored> {
        let Request { channel, update, key } = request;
        let epoch = match Epoch::random() {
            Ok(epoch) => epoch,
            Err(error) => return Ok(Err(error.into())),
        };
        let mut page = match self.take(&channel, now) {
            Ok(page) => page,
            // Nothing was written for this one yet. But some errors end the transaction.
            Err(error) if self.store.in_transaction() => return Ok(Err(store_error(error))),
            Err(error) => return Err(error),
        };
        if page.place.is_none() && !self.has_room(now, announcements)? {
            return Ok(Err(BusError::TooManyPages { max: self.max_pages }));
        }
        let outcome = page.log.publish(update, key.as_ref(), now, epoch, &self.limits);
        if !page.log.page.has_log() {
            return Ok(outcome.map(|outcome| outcome.published));
        }
        if let Ok(outcome) = &outcome
            && !outcome.published.repeated
        {
            if self.store.save(&channel, &mut page, outcome)? {
                announcements.push(Announcement::Lost(channel.clone()));
            }
            announcements
                .extend(outcome.numbered.clone().map(|numbered| Announcement::Update(channel.clone(), numbered)));
        }
        let added = outcome.as_ref().ok().and_then(|outcome| outcome.numbered.as_deref());
        self.keep(channel, page, added);
        Ok(outcome.map(|outcome| outcome.published))
    }

    /// Out of the cache, so that what fails on the way is not in it any more.
    fn take(&mut self, channel: &ChannelId, now: u64) -> rusqlite::Result<CachedPage> {
        self.drop_if_expired(channel, now);
        if let Some(cached) = self.cache.take(channel) {
            return Ok(cached);
        }
        let loaded = self.store.load(channel, now)?;
        Ok(loaded.unwrap_or_else(|| CachedPage::new(Log::new(self.store.new_page()), None, 0, 0)))
    }

    fn has_room(&mut self, now: u64, announcements: &mut Vec<Announcement>) -> rusqlite::Result<bool> {
        if self.store.pages() >= self.max_pages {
            announcements.extend(self.delete_expired(now)?.into_iter().map(Announcement::Lost));
        }
        Ok(self.store.pages() < self.max_pages)
    }

    fn announce(&self, announcement: Announcement) {
        match announcement {
            Announcement::Update(channel, numbered) => self.subscribers.announce(&channel, &numbered),
            Announcement::Lost(channel) => self.subscribers.lose(&channel),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use live_sync::Event;

    use super::{
        super::testing::{Folder, Time, channel, is_lost, next, open, post, request, snapshot},
        *,
    };
    use crate::{
        config::Config,
        page::{NumberError, PageLimits},
    };

    #[test]
    fn a_burst_is_one_commit() {
        let folder = Folder::new();
        let mut writer = open(&folder.file());
        let burst = (0..100).map(|number| request("a", post(&number.to_string(), "x"))).collect();
        assert!(writer.burst(burst).iter().all(Result::is_ok));
        assert_eq!(writer.store.commits(), 1);
    }

    /// Holds the file to its present size, as a full disk does.
    fn fill_disk(writer: &Writer, full: bool) {
        let pages: i64 = writer.store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        let max = if full { pages } else { 1 << 30 };
        writer.store.connection.pragma_update(None, "max_page_count", max).unwrap();
    }

    #[test]
    fn on_a_full_disk_nothing_is_half_written_and_readers_stay() {
        let folder = Folder::new();
        let mut writer = open(&folder.file());
        let head = writer.publish_now("a", post("1", "one")).unwrap().cursor;
        let mut subscription = writer.subscribe_now("a").unwrap();
        assert_eq!(snapshot(&mut subscription).cursor(), head);

        fill_disk(&writer, true);
        let large = "x".repeat(200_000);
        let burst =
            vec![request("a", post("2", "two")), request("b", post("4", &large)), request("a", post("3", &large))];
        for result in writer.burst(burst) {
            assert!(matches!(result, Err(BusError::Store(_))), "{result:?}");
        }
        assert!(next(&mut subscription).is_pending());
        assert_eq!(writer.head("a"), head);
        assert_eq!(writer.head("b").version.number(), 0);
        assert_eq!(writer.store.pages(), 1);

        fill_disk(&writer, false);
        let published = writer.publish_now("a", post("3", &large)).unwrap();
        let Poll::Ready(Some(Event::Item(numbered))) = next(&mut subscription) else { panic!("nothing announced") };
        assert_eq!((numbered.prev, numbered.cursor), (head, published.cursor));
        assert!(next(&mut subscription).is_pending());
        writer.close();
        let mut writer = open(&folder.file());
        let page = snapshot(&mut writer.subscribe_now("a").unwrap());
        assert_eq!(page.posts().map(|post| post.id.as_str().to_owned()).collect::<Vec<_>>(), ["1", "3"]);
    }

    #[test]
    fn a_damaged_page_fails_alone() {
        let folder = Folder::new();
        let mut writer = open(&folder.file());
        writer.publish_now("a", post("1", "one")).unwrap();
        writer.store.connection.execute("UPDATE pages SET epoch = 'nonsense'", []).unwrap();
        writer.cache.remove(&channel("a"));
        let results = writer.burst(vec![request("a", post("2", "two")), request("b", post("1", "one"))]);
        assert!(matches!(results[0], Err(BusError::Store(_))), "{results:?}");
        assert!(results[1].is_ok(), "{results:?}");
        assert!(matches!(writer.subscribe_now("a"), Err(BusError::Store(_))));
        assert!(writer.subscribe_now("b").is_ok());
    }

    #[test]
    fn a_refused_publish_fails_alone_and_leaves_no_page() {
        let folder = Folder::new();
        let config = Time::new().config();
        let limits = PageLimits { max_post_bytes: 100, ..config.page };
        let mut writer = Writer::open(&folder.file(), &Config { page: limits, ..config }).unwrap();
        let results = writer.burst(vec![request("a", post("1", &"x".repeat(100))), request("b", post("1", "one"))]);
        assert!(matches!(results[0], Err(BusError::Refused(NumberError::PostTooLarge { .. }))), "{results:?}");
        assert!(results[1].is_ok(), "{results:?}");
        assert_eq!(writer.store.pages(), 1);
        assert_eq!(writer.publish_now("c", Update::new()).unwrap().cursor, writer.head("c"));
        assert_eq!(writer.store.pages(), 1);
    }

    #[test]
    fn a_full_bus_takes_a_new_page_once_an_old_one_has_expired() {
        let (folder, time) = (Folder::new(), Time::new());
        let config = Config { max_pages: 1, ..time.config() };
        let retention = config.page_retention;
        let mut writer = Writer::open(&folder.file(), &config).unwrap();
        writer.publish_now("a", post("1", "one")).unwrap();
        writer.tidy();
        assert!(matches!(writer.publish_now("b", post("1", "one")), Err(BusError::TooManyPages { max: 1 })));
        let mut subscription = writer.subscribe_now("a").unwrap();
        snapshot(&mut subscription);
        time.pass(retention);
        assert!(writer.publish_now("b", post("1", "one")).is_ok());
        assert!(is_lost(&next(&mut subscription)));
        assert_eq!(writer.store.pages(), 1);
    }

    #[test]
    fn a_failed_transaction_keeps_count_of_the_pages() {
        let folder = Folder::new();
        let config = Config { max_pages: 2, ..Time::new().config() };
        let mut writer = Writer::open(&folder.file(), &config).unwrap();
        writer.publish_now("a", post("1", "one")).unwrap();
        fill_disk(&writer, true);
        let burst = vec![request("b", post("1", "one")), request("b", post("2", &"x".repeat(200_000)))];
        assert!(writer.burst(burst).iter().all(Result::is_err));
        fill_disk(&writer, false);
        assert!(writer.publish_now("b", post("1", "one")).is_ok());
        assert!(matches!(writer.publish_now("c", post("1", "one")), Err(BusError::TooManyPages { max: 2 })));
    }
}
