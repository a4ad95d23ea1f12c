//! What the tests of these files share: a folder that goes with its test, a time that stands still, a writer without its thread.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use live_sync::Event;
use tokio::sync::oneshot;

use super::{
    Reply,
    publish::{Publish, Request},
    read::Read,
    writer::Writer,
};
use crate::{
    bus::{BusError, IdempotencyKey, Published, Subscription},
    config::{Clock, Config},
    cursor::Cursor,
    id::{ChannelId, PostId},
    page::{Numbered, Page, Standing},
    update::{Render, Update},
};

/// A folder in the system's temporary one, removed with this value.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("live-sqlite-{:016x}", getrandom::u64().unwrap()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(super) fn file(&self) -> PathBuf {
        self.0.join("live.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A time that only the test moves, in microseconds since the Unix epoch.
#[derive(Clone)]
pub(super) struct Time(Arc<AtomicU64>);

impl Time {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_795_000_000_000_000)))
    }

    pub(super) fn pass(&self, time: Duration) {
        self.0.fetch_add(time.as_micros() as u64, Ordering::Relaxed);
    }

    pub(super) fn config(&self) -> Config {
        let time = Arc::clone(&self.0);
        let clock = Clock::new(move || time.load(Ordering::Relaxed));
        Config { clock, bus_deadline: Duration::from_millis(100), ..Config::default() }
    }
}

pub(super) fn open(file: &Path) -> Writer {
    Writer::open(file, &Time::new().config()).unwrap()
}

pub(super) fn channel(name: &str) -> ChannelId {
    ChannelId::new(name).unwrap()
}

pub(super) fn key(key: &str) -> IdempotencyKey {
    IdempotencyKey::new(key).unwrap()
}

pub(super) fn post(id: &str, html: &str) -> Update {
    Update::new().render(Render::new(PostId::new(id).unwrap(), html))
}

pub(super) fn removal(id: &str) -> Update {
    Update::new().remove(PostId::new(id).unwrap())
}

pub(super) fn request(channel_name: &str, update: Update) -> Request {
    Request { channel: channel(channel_name), update, key: None }
}

pub(super) type Answer<T> = oneshot::Receiver<Result<T, BusError>>;

pub(super) fn publish_command(request: Request) -> (Publish, Answer<Published>) {
    let (reply, answer) = oneshot::channel();
    (Publish { request, reply }, answer)
}

pub(super) type Next = Poll<Option<Event<Page, Arc<Numbered>>>>;

pub(super) fn next(subscription: &mut Subscription) -> Next {
    subscription.poll_next(&mut Context::from_waker(Waker::noop()))
}

pub(super) fn is_lost(next: &Next) -> bool {
    matches!(next, Poll::Ready(Some(Event::Lost)))
}

pub(super) fn snapshot(subscription: &mut Subscription) -> Page {
    match next(subscription) {
        Poll::Ready(Some(Event::Snapshot(page))) => page,
        other => panic!("{other:?}"),
    }
}

impl Writer {
    /// Publishes these in one burst.
    pub(super) fn burst(&mut self, requests: Vec<Request>) -> Vec<Result<Published, BusError>> {
        let (commands, answers): (Vec<_>, Vec<_>) = requests.into_iter().map(publish_command).unzip();
        self.publish(commands);
        answers.into_iter().map(|mut answer| answer.try_recv().unwrap()).collect()
    }

    pub(super) fn publish_now(&mut self, channel: &str, update: Update) -> Result<Published, BusError> {
        self.burst(vec![request(channel, update)]).remove(0)
    }

    pub(super) fn publish_with_key(
        &mut self,
        channel: &str,
        update: Update,
        name: &str,
    ) -> Result<Published, BusError> {
        self.burst(vec![Request { key: Some(key(name)), ..request(channel, update) }]).remove(0)
    }

    fn ask<T>(&mut self, read: impl FnOnce(Reply<T>) -> Read) -> Result<T, BusError> {
        let (reply, mut answer) = oneshot::channel();
        self.answer(read(reply));
        answer.try_recv().unwrap()
    }

    pub(super) fn subscribe_now(&mut self, name: &str) -> Result<Subscription, BusError> {
        self.ask(|reply| Read::Subscribe { channel: channel(name), reply })
    }

    pub(super) fn head(&mut self, name: &str) -> Cursor {
        self.ask(|reply| Read::Heads { channels: vec![channel(name)], reply }).unwrap()[0]
    }

    pub(super) fn standing(&mut self, name: &str, cursor: Cursor) -> Standing {
        self.ask(|reply| Read::Standing { channel: channel(name), cursor, reply }).unwrap()
    }
}
