//! Buses number, store and announce updates, between processes or within one.

mod idempotency;
mod log;
mod memory;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::{fmt, pin::Pin, sync::Arc};

#[cfg(feature = "redis")]
pub use self::redis::{RedisBus, RedisChannelsBus, RedisPubSubBus};
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteBus;
pub use self::{
    idempotency::{Digest, IdempotencyKey, InvalidKey, Keys, Known, digest},
    log::{Log, Outcome},
    memory::{MemoryBus, TAIL_CAPACITY},
};
use crate::{
    config::Config,
    cursor::{Cursor, Version},
    id::ChannelId,
    page::{NumberError, Numbered, Page, Standing},
    update::Update,
};

/// What carries updates from publishers to hubs; the original calls it an event bus.
///
/// A *logged* bus keeps every page with its log, so that a reader can resume anywhere. A *relayed* one keeps nothing: each node numbers
/// what it hears, cursors are good on one node for as long as it misses nothing, and whoever has another one begins anew. One bus
/// serves all pages.
pub trait EventBus: Send + Sync + 'static {
    /// Numbers, stores and then announces an update. `Ok` means that it is stored; on a relayed bus, that it was handed over.
    ///
    /// With a key, a repetition of the same update has no effect and returns the first result.
    fn publish<'a>(
        &'a self,
        channel: &'a ChannelId,
        update: Update,
        key: Option<&'a IdempotencyKey>,
    ) -> BusFuture<'a, Published>;

    /// The page as it is, and then every update that follows. Dropping the subscription unsubscribes.
    fn subscribe<'a>(&'a self, channel: &'a ChannelId) -> BusFuture<'a, Subscription>;

    /// Makes a page whole out of what a [`PageSource`](crate::PageSource) has loaded, unless its head has moved meanwhile. A relayed
    /// bus does so on this node only.
    fn seed<'a>(&'a self, channel: &'a ChannelId, seed: Update) -> BusFuture<'a, Published> {
        self.publish(channel, seed, None)
    }

    /// Whether the bus answers: what a readiness check asks.
    fn check<'a>(&'a self) -> BusFuture<'a, ()> {
        Box::pin(async move { self.heads(&[]).await.map(drop) })
    }

    /// The heads of these pages, in their order: what a hub compares its own with.
    fn heads<'a>(&'a self, channels: &'a [ChannelId]) -> BusFuture<'a, Vec<Cursor>>;

    /// What the log knows of a cursor that a hub could not place. This alone declares a cursor dead.
    fn standing<'a>(&'a self, channel: &'a ChannelId, cursor: Cursor) -> BusFuture<'a, Standing>;

    /// How many channels are subscribed to at the moment.
    fn subscriptions(&self) -> usize;

    /// Gives up what the bus holds for this process elsewhere, because the process is about to end. Nothing is subscribed to after it.
    fn leave<'a>(&'a self) -> BusFuture<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// What the methods of an [`EventBus`] return.
pub type BusFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, BusError>> + Send + 'a>>;

/// What a bus of one's own announces with, and what a subscription yields.
pub use live_sync::{Announcements, Event, Sleepers, Tail};

/// A snapshot of a page, and the numbered updates that follow it.
pub type Subscription = live_sync::Subscription<Page, Arc<Numbered>>;

/// An update that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Where the page is with it.
    pub cursor: Cursor,
    /// Whether the key had been seen before, so that nothing was done.
    pub repeated: bool,
}

impl Published {
    /// The update's number.
    pub fn version(&self) -> Version {
        self.cursor.version
    }
}

/// Why a bus did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BusError {
    /// The update does not fit the page. Nothing was stored; change the update.
    #[error(transparent)]
    Refused(#[from] NumberError),
    /// The update is larger than one message may be. Nothing was stored; split the update.
    #[error("the update comes to {bytes} bytes of JSON (limit: {max})")]
    TooLarge {
        /// Bytes of its JSON.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The key came with another update before. Use a new key for a new update.
    #[error("idempotency key was used with another update")]
    KeyReused,
    /// The bus keeps as many pages as it may. Wait for old ones to expire, or raise `max_pages`.
    #[error("the bus holds {max} pages, as many as it may")]
    TooManyPages {
        /// The limit.
        max: usize,
    },
    /// The store failed. Nothing was stored; mend the store (a full disk?) and publish again.
    #[error("the store failed")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The bus cannot be reached. Nothing was stored; the text says what is wrong. It is tried for ever: publish again later.
    #[error("the bus is down: {reason}")]
    Down {
        /// What the last attempt failed with.
        reason: String,
    },
    /// The server behind the bus cannot keep what the bus promises. Nothing was stored; change the server, or the URL.
    #[error("the bus cannot be used: {reason}")]
    Unfit {
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The bus does not answer. The update may or may not be stored: publish again with the same key.
    #[error("the bus does not answer")]
    Unavailable,
    /// A publisher's service did not take the update; the source says why, and what to do. It may or may not have arrived.
    #[error("the publisher's service did not take the update")]
    Service(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The URL or the file that it names cannot be used; the text says why.
    #[error("cannot open the bus {url}: {reason}")]
    Open {
        /// The URL.
        url: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The operating system has no randomness to give.
    #[error("no randomness for an epoch")]
    Randomness(#[from] getrandom::Error),
}

/// Opens the bus that a URL names:
///
/// - `memory:`: one process, gone with it.
/// - `sqlite:FILE` or `sqlite://FILE`: one process, durable. While another process holds the file, this waits for up to
///   [`Config::bus_deadline`].
/// - `redis://USER:PASSWORD@HOST:PORT/DATABASE`, `redis+sentinel://HOST,HOST/SERVICE`, `redis+cluster://HOST,HOST`, and each with
///   `rediss` over TLS: many processes, as durable as Redis. It works without Redis until it is there.
/// - `redis+pubsub://USER:PASSWORD@HOST:PORT/DATABASE`, `rediss+pubsub://…` over TLS: many processes, nothing is kept. It is what
///   Wagtail Live publishes to, and without an address it is Wagtail Live's default one.
/// - `redis+channels://USER:PASSWORD@HOST:PORT/DATABASE?layer=core`, `rediss+channels://…` over TLS: the same over the channel layer
///   of Django Channels. [`RedisChannelsBus`] has the parameters.
///
/// # Errors
/// [`BusError::Open`] names what is wrong with the URL or the file.
pub fn from_url(url: &str, config: &Config) -> Result<Arc<dyn EventBus>, BusError> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Arc::new(MemoryBus::new(config)?)),
        #[cfg(feature = "sqlite")]
        Some(("sqlite", file)) => Ok(Arc::new(SqliteBus::open(file.strip_prefix("//").unwrap_or(file), config)?)),
        #[cfg(not(feature = "sqlite"))]
        Some(("sqlite", _)) => Err(refuse(url, "this program was built without the feature sqlite of live-core")),
        #[cfg(feature = "redis")]
        Some((scheme, _)) if redis::LOG_SCHEMES.contains(&scheme) => Ok(Arc::new(RedisBus::open(url, config)?)),
        #[cfg(feature = "redis")]
        Some(("redis+pubsub" | "rediss+pubsub", _)) => Ok(Arc::new(RedisPubSubBus::open(url, config)?)),
        #[cfg(feature = "redis")]
        Some(("redis+channels" | "rediss+channels", _)) => Ok(Arc::new(RedisChannelsBus::open(url, config)?)),
        #[cfg(not(feature = "redis"))]
        Some((scheme, _)) if scheme.starts_with("redis") => {
            Err(refuse(url, "this program was built without the feature redis of live-core"))
        }
        _ => Err(refuse(url, "write memory:, sqlite:FILE, redis://HOST, redis+pubsub://HOST or redis+channels://HOST")),
    }
}

fn refuse(url: &str, reason: impl Into<String>) -> BusError {
    BusError::Open { url: without_secrets(url), reason: reason.into() }
}

/// The URL without a password, which may be anywhere in one that cannot be read: an error ends in a log. A file has none.
fn without_secrets(url: &str) -> String {
    match url.split_once(':') {
        None | Some(("memory" | "sqlite", _)) => url.to_owned(),
        Some((scheme, _)) => format!("{scheme}:***"),
    }
}

impl fmt::Debug for dyn EventBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBus").field("subscriptions", &self.subscriptions()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_scheme_is_refused_with_the_known_ones_and_without_the_password() {
        for url in
            ["amqp://me:se@cr/et@example.org", "kafka://:se@cr/et@example.org", "redis+pubsub", "", "redis+other:cr/et"]
        {
            let error = from_url(url, &Config::default()).unwrap_err().to_string();
            assert!(
                error
                    .contains("write memory:, sqlite:FILE, redis://HOST, redis+pubsub://HOST or redis+channels://HOST"),
                "{error}"
            );
            assert!(!error.contains("cr/et"), "{error}");
        }
    }
}
