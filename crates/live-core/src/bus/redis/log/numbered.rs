//! What Redis keeps and announces of a page, read back.

use std::sync::Arc;

use serde::Deserialize;

use crate::{
    bus::BusError,
    cursor::{Cursor, Epoch, Version},
    id::PostId,
    page::{Change, Fork, Numbered, Page, StoredPage, StoredPost, StoredRemoval},
    update::Sort,
};

/// An announcement, or an entry of the log.
#[derive(Debug)]
pub(super) enum News {
    Update(Arc<Numbered>),
    /// Only that there is one, because it is too large to be sent to everybody: it is fetched.
    Large {
        cursor: Cursor,
    },
}

impl News {
    pub(super) fn cursor(&self) -> Cursor {
        match self {
            Self::Update(update) => update.cursor,
            Self::Large { cursor } => *cursor,
        }
    }

    /// `None` for what the script has not written.
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        // Publishers that use the script by themselves may have given it anything.
        let news: NewsJson = serde_json::from_str(&String::from_utf8_lossy(json)).ok()?;
        let Some(changes) = news.changes else { return Some(Self::Large { cursor: news.cursor }) };
        let changes = changes.into_iter().map(|fields| change(&fields)).collect::<Option<_>>()?;
        Some(Self::Update(Arc::new(Numbered { prev: news.prev, cursor: news.cursor, reset: news.reset, changes })))
    }
}

#[derive(Deserialize)]
struct NewsJson {
    prev: Cursor,
    cursor: Cursor,
    #[serde(default)]
    reset: bool,
    changes: Option<Vec<Vec<String>>>,
}

fn change(fields: &[String]) -> Option<Change> {
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let (html, [id, rev, sort, placed]) = match *fields {
        ["r", id, rev] => return Some(Change::Removal { id: PostId::new(id).ok()?, rev: rev.parse().ok() }),
        ["h", id, rev, sort, placed] => (None, [id, rev, sort, placed]),
        ["p", id, rev, sort, placed, html] => (Some(html.into()), [id, rev, sort, placed]),
        _ => return None,
    };
    let sort = Sort::new(sort.parse().ok()?).ok()?;
    Some(Change::Post { id: PostId::new(id).ok()?, html, sort, placed: placed == "1", rev: rev.parse().ok() })
}

/// What is known of a page without its posts.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) cursor: Cursor,
    horizon: Version,
    whole: bool,
    origin: Epoch,
    forks: Vec<Fork>,
    /// Of the server that answered.
    server: String,
}

impl About {
    /// From what the script returns; `None` if it is not that.
    pub(super) fn parse(fields: &[String]) -> Option<Self> {
        let [epoch, head, horizon, whole, origin, forks, server] = fields else { return None };
        Some(Self {
            cursor: Cursor::new(epoch.parse().ok()?, version(head)?),
            horizon: version(horizon)?,
            whole: whole == "1",
            origin: origin.parse().ok()?,
            forks: forks.split_whitespace().map(fork).collect::<Option<_>>()?,
            server: server.clone(),
        })
    }

    /// The page without its posts: enough to place a cursor.
    pub(super) fn into_page(self) -> Page {
        Page::from_stored(self.with(Vec::new(), Vec::new()), 0)
    }

    fn with(self, posts: Vec<StoredPost>, removals: Vec<StoredRemoval>) -> StoredPage {
        StoredPage {
            origin: self.origin,
            epoch: self.cursor.epoch,
            head: self.cursor.version,
            horizon: self.horizon,
            whole: self.whole,
            forks: self.forks,
            posts,
            removals,
        }
    }
}

fn version(text: &str) -> Option<Version> {
    Version::new(text.parse().ok()?)
}

fn fork(text: &str) -> Option<Fork> {
    let Cursor { epoch, version } = text.parse().ok()?;
    Some(Fork { epoch, head: version })
}

/// The page in a hash. `about` was asked for just before it was read: it knows of a fork that is not stored yet, and of a page
/// without a log.
pub(super) fn page(about: About, hash: &[(Vec<u8>, Vec<u8>)], max_tombstones: usize) -> Result<Page, BusError> {
    if hash.is_empty() {
        return Ok(Page::new(about.origin, max_tombstones));
    }
    let (mut posts, mut removals) = (Vec::new(), Vec::new());
    let field = |name: &str| {
        let value = hash.iter().find(|(field, _)| field == name.as_bytes()).map(|(_, value)| value);
        value.map_or_else(String::new, |value| String::from_utf8_lossy(value).into_owned())
    };
    for (name, value) in hash {
        match name.get(..2) {
            Some(b"p:") => posts.extend(post(&name[2..], value)),
            Some(b"r:") => removals.extend(removal(&name[2..], value)),
            _ => {}
        }
    }
    let is_forked = field("server") != about.server;
    let stored = [
        field("epoch"),
        field("head"),
        field("horizon"),
        field("whole"),
        field("origin"),
        field("forks"),
        field("server"),
    ];
    let about = if is_forked { Some(about) } else { About::parse(&stored) };
    let about = about.ok_or_else(|| BusError::Store("the page in Redis is not one of Live's".into()))?;
    Ok(Page::from_stored(about.with(posts, removals), max_tombstones))
}

/// `None` if the id is none of a post: then readers get nothing of it either.
fn post(id: &[u8], value: &[u8]) -> Option<StoredPost> {
    let value = String::from_utf8_lossy(value);
    let mut fields = value.splitn(7, ' ');
    let mut next = || fields.next();
    let (sort, placed, rev, version_, index, shown, html) =
        (next()?, next()?, next()?, next()?, next()?, next()?, next()?);
    Some(StoredPost {
        id: PostId::new(String::from_utf8_lossy(id)).ok()?,
        html: (shown == "1").then(|| html.into()),
        sort: Sort::new(sort.parse().ok()?).ok()?,
        placed: placed == "1",
        rev: rev.parse().ok(),
        version: version(version_)?,
        index: index.parse().ok()?,
    })
}

fn removal(id: &[u8], value: &[u8]) -> Option<StoredRemoval> {
    let value = String::from_utf8_lossy(value);
    let mut fields = value.splitn(3, ' ');
    let (version_, index, rev) = (fields.next()?, fields.next()?, fields.next()?);
    Some(StoredRemoval {
        id: PostId::new(String::from_utf8_lossy(id)).ok()?,
        rev: rev.parse().ok(),
        version: version(version_)?,
        index: index.parse().ok()?,
    })
}
