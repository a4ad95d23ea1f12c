//! Reading pages from the file. A value that cannot be is an error, not a panic: somebody else may have written to the file.

use std::str::FromStr;

use rusqlite::{OptionalExtension as _, Row, params, types::Type};

use super::{
    super::{
        idempotency::{IdempotencyKey, Keys, Known},
        log::Log,
    },
    cache::{CachedPage, Place},
    store::Store,
};
use crate::{
    cursor::{Cursor, Version},
    id::ChannelId,
    page::{Fork, Page, StoredPage, StoredPost, StoredRemoval},
    update::Sort,
};

/// A row of `pages` with its forks.
struct Head {
    row: i64,
    /// The opening that the epoch is of.
    opening: u64,
    touched: u64,
    page: StoredPage,
}

impl Store {
    pub(super) fn new_page(&self) -> Page {
        Page::new(self.origin, self.max_tombstones)
    }

    /// The page without its posts and removals, which is enough to place cursors.
    pub(super) fn outline(&self, channel: &ChannelId, now: u64) -> rusqlite::Result<Page> {
        let head = self.head(channel, now)?;
        Ok(head.map_or_else(|| self.new_page(), |head| self.assemble(channel, head.page, head.opening)))
    }

    /// The page, if it has a log that has not expired.
    pub(super) fn load(&self, channel: &ChannelId, now: u64) -> rusqlite::Result<Option<CachedPage>> {
        let Some(Head { row, opening, touched, page: mut stored }) = self.head(channel, now)? else { return Ok(None) };
        stored.posts = self.posts(row)?;
        stored.removals = self.removals(row)?;
        let html: usize = stored.posts.iter().filter_map(|post| post.html.as_deref()).map(str::len).sum();
        let (known, next_key) = self.keys(row)?;
        let rows = stored.posts.len() + stored.removals.len() + known.len();
        let mut keys = Keys::default();
        known.into_iter().for_each(|(key, known)| keys.insert(key, known));
        let log = Log { page: self.assemble(channel, stored, opening), keys, touched };
        let place = Some(Place { row, opening, next_key });
        Ok(Some(CachedPage::new(log, place, html, rows)))
    }

    fn assemble(&self, channel: &ChannelId, stored: StoredPage, opening: u64) -> Page {
        let mut page = Page::from_stored(stored, self.max_tombstones);
        self.openings.fork(&mut page, channel, opening);
        page
    }

    fn head(&self, channel: &ChannelId, now: u64) -> rusqlite::Result<Option<Head>> {
        let sql =
            "SELECT id, epoch, head, horizon, whole, opening, touched FROM pages WHERE channel = ?1 AND touched > ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let head = statement.query_row(params![channel.as_str(), self.expired_up_to(now)], |row| {
            let page = StoredPage {
                origin: self.origin,
                epoch: parsed(row, 1)?,
                head: version(row, 2)?,
                horizon: version(row, 3)?,
                whole: row.get(4)?,
                forks: Vec::new(),
                posts: Vec::new(),
                removals: Vec::new(),
            };
            Ok(Head { row: row.get(0)?, opening: number(row, 5)?, touched: number(row, 6)?, page })
        });
        let Some(mut head) = head.optional()? else { return Ok(None) };
        head.page.forks =
            self.rows("SELECT epoch, head FROM forks WHERE page = ?1 ORDER BY place", head.row, |row| {
                Ok(Fork { epoch: parsed(row, 0)?, head: version(row, 1)? })
            })?;
        Ok(Some(head))
    }

    fn posts(&self, page: i64) -> rusqlite::Result<Vec<StoredPost>> {
        self.rows("SELECT id, html, sort, placed, rev, version, place FROM posts WHERE page = ?1", page, |row| {
            Ok(StoredPost {
                id: parsed(row, 0)?,
                html: row.get(1)?,
                sort: Sort::new(number(row, 2)?).map_err(|error| damaged(2, Type::Integer, error))?,
                placed: row.get(3)?,
                rev: rev(row, 4)?,
                version: version(row, 5)?,
                index: row.get(6)?,
            })
        })
    }

    fn removals(&self, page: i64) -> rusqlite::Result<Vec<StoredRemoval>> {
        self.rows("SELECT id, rev, version, place FROM removals WHERE page = ?1", page, |row| {
            Ok(StoredRemoval { id: parsed(row, 0)?, rev: rev(row, 1)?, version: version(row, 2)?, index: row.get(3)? })
        })
    }

    /// The keys, and the place of the next one.
    fn keys(&self, page: i64) -> rusqlite::Result<(Vec<(IdempotencyKey, Known)>, u64)> {
        let sql = "SELECT place, key, digest, epoch, version, at FROM keys WHERE page = ?1 ORDER BY place";
        let rows = self.rows(sql, page, |row| {
            let cursor = Cursor::new(parsed(row, 3)?, version(row, 4)?);
            let known = Known { digest: row.get(2)?, cursor, at: number(row, 5)? };
            Ok((number(row, 0)?, parsed(row, 1)?, known))
        })?;
        let next = rows.last().map_or(0, |(place, ..)| place + 1);
        Ok((rows.into_iter().map(|(_, key, known)| (key, known)).collect(), next))
    }

    fn rows<T>(
        &self,
        sql: &str,
        page: i64,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        self.connection.prepare_cached(sql)?.query_map(params![page], read)?.collect()
    }
}

pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

pub(super) fn parsed<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|error| damaged(column, Type::Text, error))
}

fn version(row: &Row<'_>, column: usize) -> rusqlite::Result<Version> {
    let number: i64 = row.get(column)?;
    let version = u64::try_from(number).ok().and_then(Version::new);
    version.ok_or(rusqlite::Error::IntegralValueOutOfRange(column, number))
}

/// The other half is in `save`: a rev has all 64 bits, and SQLite's integer a sign.
fn rev(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned))
}

fn damaged(column: usize, kind: Type, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
}
