//! A connection for calls with one for announcements beside it, and the calls.

use std::{fmt, sync::Arc};

use redis::{Cmd, RedisError, RedisResult};
use tokio::sync::Notify;

use super::{
    names::Names,
    numbered::{self, About, News},
    script::Script,
    server::Server,
    topics::Topics,
};
use crate::{
    bus::{BusError, IdempotencyKey, Published, redis::keeper::bus_error},
    cursor::Cursor,
    id::ChannelId,
    page::{NumberError, Page},
    update::{Item, Replace, Update},
};

pub(super) struct Connection {
    /// What topics know the two by.
    pub(super) id: u64,
    pub(super) server: Server,
    /// Apart, because Redis ends one that is subscribed to anything when more waits for it than a few announcements: pages, for example.
    pub(super) subscriber: Server,
    pub(super) names: Names,
    pub(super) script: Script,
    /// What Redis names the script by.
    pub(super) sha: String,
    pub(super) topics: Arc<Topics>,
    /// The server has shown that it cannot be written to.
    pub(super) doubted: Notify,
    /// Redis, or the network, has ended one of the two.
    pub(super) disconnected: Arc<Notify>,
}

/// Pages that one call of the script looks at.
const PAGES_A_CALL: usize = 200;

impl Connection {
    pub(super) async fn publish(
        &self,
        channel: &ChannelId,
        words: &[Word<'_>],
        key: Option<&IdempotencyKey>,
    ) -> RedisResult<Published> {
        let mut call = self.call("publish", &[self.names.page(channel)]);
        call.arg(key.map_or("", IdempotencyKey::as_str));
        for word in words {
            call.arg(word.as_bytes());
        }
        let (cursor, repeated): (String, bool) = self.ask(&call).await?;
        let cursor = cursor.parse().map_err(|_| unexpected("the cursor is none"))?;
        Ok(Published { cursor, repeated })
    }

    /// What is known of these pages, in their order.
    pub(super) async fn about(&self, channels: &[ChannelId]) -> RedisResult<Vec<About>> {
        // A script may look at the pages of one slot only.
        let at_once = if self.server.is_cluster() { 1 } else { PAGES_A_CALL };
        let mut all = Vec::with_capacity(channels.len());
        for channels in channels.chunks(at_once) {
            let pages: Vec<_> = channels.iter().map(|channel| self.names.page(channel)).collect();
            let answers: Vec<Vec<String>> = self.ask(&self.call("about", &pages)).await?;
            all.extend(answers.iter().filter_map(|fields| About::parse(fields)));
        }
        if all.len() == channels.len() { Ok(all) } else { Err(unexpected("a page is none of Live's")) }
    }

    pub(super) async fn read(&self, channel: &ChannelId, max_tombstones: usize) -> Result<Page, BusError> {
        let about = self.about(std::slice::from_ref(channel)).await.map_err(bus_error)?.into_iter().next();
        let about = about.ok_or(BusError::Unavailable)?;
        let hash = redis::cmd("HGETALL").arg(self.names.page(channel)).to_owned();
        // One answer, so that it is the page of one moment.
        let hash: Vec<(Vec<u8>, Vec<u8>)> = hash.query_async(&mut self.server.clone()).await.map_err(bus_error)?;
        numbered::page(about, &hash, max_tombstones)
    }

    /// The updates after a cursor, or `None` if they are not all there.
    pub(super) async fn since(&self, channel: &ChannelId, cursor: Cursor) -> RedisResult<Option<Vec<News>>> {
        let mut call = self.call("since", &[self.names.page(channel)]);
        call.arg(cursor.epoch.to_string()).arg(cursor.version.number());
        let news: Option<Vec<Vec<u8>>> = self.ask(&call).await?;
        Ok(news.and_then(|news| news.iter().map(|json| News::parse(json)).collect()))
    }

    fn call(&self, command: &str, pages: &[String]) -> Cmd {
        redis::cmd("EVALSHA").arg(&self.sha).arg(pages.len()).arg(pages).arg(command).to_owned()
    }

    /// Redis forgets scripts when it is told to, and a server that has come into a cluster does not know them.
    async fn ask<T: redis::FromRedisValue>(&self, call: &Cmd) -> RedisResult<T> {
        let mut server = self.server.clone();
        match call.query_async(&mut server).await {
            Err(error) if error.code() == Some("NOSCRIPT") => {
                load(&mut server, &self.script).await?;
                call.query_async(&mut server).await
            }
            Err(error) => {
                if error.code() == Some("READONLY") {
                    self.doubted.notify_one();
                }
                Err(error)
            }
            answer => answer,
        }
    }
}

/// Gives Redis the script, and returns what it is named by.
pub(super) async fn load(server: &mut Server, script: &Script) -> RedisResult<String> {
    let sha: redis::Value = redis::cmd("SCRIPT").arg("LOAD").arg(&script.text).query_async(server).await?;
    // A cluster answers once or once for each master, and always the same.
    let first = match sha {
        redis::Value::Array(values) => values.into_iter().next().unwrap_or(redis::Value::Nil),
        redis::Value::Map(pairs) => pairs.into_iter().next().map_or(redis::Value::Nil, |(_, value)| value),
        value => value,
    };
    Ok(redis::from_redis_value(first)?)
}

fn unexpected(what: &'static str) -> RedisError {
    RedisError::from((redis::ErrorKind::UnexpectedReturnType, what))
}

/// What an update is made of, as the script takes it.
pub(super) enum Word<'a> {
    Fixed(&'static str),
    Text(&'a str),
    Number(String),
}

impl Word<'_> {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Fixed(text) => text.as_bytes(),
            Self::Text(text) => text.as_bytes(),
            Self::Number(text) => text.as_bytes(),
        }
    }
}

/// The update as words for the script.
pub(super) fn words<'a>(replace: Option<Replace>, items: &'a [(crate::id::PostId, Item)]) -> Vec<Word<'a>> {
    let mut words = Vec::with_capacity(5 * items.len() + 3);
    match replace {
        None => {}
        Some(Replace::Always) => words.push(Word::Fixed("RESET")),
        Some(Replace::IfHeadIs(head)) => {
            words.extend([Word::Fixed("RESET"), Word::Fixed("HEAD"), Word::Number(head.to_string())]);
        }
    }
    let number = |number: Option<u64>| number.map_or(Word::Fixed(""), |number| Word::Number(number.to_string()));
    for (id, item) in items {
        let id = Word::Text(id.as_str());
        match item {
            Item::Removal { rev } => words.extend([Word::Fixed("REMOVE"), id, number(*rev)]),
            Item::Render(render) => {
                let (sort, rev) = (number(render.sort.map(|sort| sort.number())), number(render.rev));
                match render.html() {
                    Some(html) => words.extend([Word::Fixed("RENDER"), id, Word::Text(html), sort, rev]),
                    None => words.extend([Word::Fixed("HIDE"), id, sort, rev]),
                }
            }
        }
    }
    words
}

/// Why the script, or Redis, did not take an update.
pub(super) fn publish_error(error: RedisError) -> BusError {
    let detail = error.detail().unwrap_or_default().to_owned();
    let mut numbers = detail.split(' ').map(|number| number.parse().unwrap_or_default());
    let mut number = || numbers.next().unwrap_or_default();
    let refused = match error.code() {
        Some("LIVE_PAGE_FULL") => {
            NumberError::PageFull { posts: number(), max_posts: number(), bytes: number(), max_bytes: number() }
        }
        Some("LIVE_TOO_MANY_ITEMS") => NumberError::TooManyItems { items: number(), max: number() },
        Some("LIVE_NO_VERSION_LEFT") => NumberError::NoVersionLeft,
        Some("LIVE_HEAD_MOVED") => match detail.parse() {
            Ok(head) => NumberError::HeadMoved { head },
            Err(_) => return BusError::Store(Box::new(error)),
        },
        Some("LIVE_KEY_REUSED") => return BusError::KeyReused,
        _ => return bus_error(error),
    };
    BusError::Refused(refused)
}

/// The update with its items in their order.
pub(super) fn take_apart(update: Update) -> (Option<Replace>, Vec<(crate::id::PostId, Item)>) {
    (update.replace_mode(), update.into_items().into_iter().collect())
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("server", &self.server).finish_non_exhaustive()
    }
}
