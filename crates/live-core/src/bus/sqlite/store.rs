//! The open file: its transactions, and what is done to all of its pages at once.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use super::{
    super::{BusError, idempotency::KEY_LIFE},
    load::{number, parsed},
    open::{self, IsNew, OpenError},
    opening::Openings,
};
use crate::{config::Config, cursor::Epoch, id::ChannelId};

#[derive(Debug)]
pub(super) struct Store {
    pub(super) connection: Connection,
    pub(super) openings: Openings,
    /// The bus epoch: that of pages without a log.
    pub(super) origin: Epoch,
    pub(super) max_tombstones: usize,
    path: PathBuf,
    /// In microseconds.
    retention: i64,
    /// Rows in `pages`.
    pages: usize,
    /// No page expires before this time, in microseconds since the Unix epoch; so nobody has to look for one.
    first_expiry: u64,
    /// Bursts of publishes, each with its sync.
    commits: u64,
}

impl Store {
    pub(super) fn open(file: &Path, config: &Config) -> Result<Self, BusError> {
        let prepare = |connection: &Connection, is_new| {
            Ok((origin(connection, is_new)?, Openings::begin(connection)?, count_pages(connection)?))
        };
        let (connection, (origin, openings, pages)) = open::open(file, config.bus_deadline, prepare)?;
        tracing::info!(file = %file.display(), opening = openings.present(), pages, "bus opened");
        Ok(Self {
            connection,
            openings,
            origin,
            max_tombstones: config.max_tombstones,
            path: file.to_owned(),
            retention: i64::try_from(config.page_retention.as_micros()).unwrap_or(i64::MAX),
            pages,
            first_expiry: 0,
            commits: 0,
        })
    }

    /// How many pages there are.
    pub(super) fn pages(&self) -> usize {
        self.pages
    }

    /// Counts a page that was written, and those deleted for it.
    pub(super) fn page_added(&mut self, touched: u64, deleted: usize) {
        self.pages = (self.pages + 1).saturating_sub(deleted);
        let expiry = integer(touched).saturating_add(self.retention).unsigned_abs();
        self.first_expiry = self.first_expiry.min(expiry);
    }

    pub(super) fn begin(&self) -> rusqlite::Result<()> {
        self.connection.execute_batch("BEGIN IMMEDIATE")
    }

    /// Whether SQLite has the transaction still open: some errors end it.
    pub(super) fn in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    /// Makes durable what was written.
    pub(super) fn commit(&mut self) -> rusqlite::Result<()> {
        self.connection.execute_batch("COMMIT")?;
        self.commits += 1;
        Ok(())
    }

    /// Undoes what was written since `begin`.
    pub(super) fn roll_back(&mut self) {
        self.first_expiry = 0;
        let undone = if self.in_transaction() { self.connection.execute_batch("ROLLBACK") } else { Ok(()) };
        match undone.and_then(|()| count_pages(&self.connection)) {
            Ok(pages) => self.pages = pages,
            Err(error) => tracing::error!(file = %self.path.display(), %error, "roll back failed"),
        }
    }

    #[cfg(test)]
    pub(super) fn commits(&self) -> u64 {
        self.commits
    }

    /// Pages whose last publish was at or before this are expired at `now`.
    pub(super) fn expired_up_to(&self, now: u64) -> i64 {
        integer(now).saturating_sub(self.retention)
    }

    /// Deletes up to `max` expired pages, and says which.
    pub(super) fn delete_expired(&mut self, now: u64, max: usize) -> rusqlite::Result<Vec<ChannelId>> {
        if now < self.first_expiry {
            return Ok(Vec::new());
        }
        let sql = "DELETE FROM pages WHERE id IN (SELECT id FROM pages WHERE touched <= ?1 LIMIT ?2) RETURNING channel";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![self.expired_up_to(now), count(max)], |row| row.get::<_, String>(0))?;
        let deleted = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        self.pages = self.pages.saturating_sub(deleted.len());
        if deleted.len() < max {
            let oldest: Option<i64> =
                self.connection.query_row("SELECT min(touched) FROM pages", [], |row| row.get(0))?;
            self.first_expiry = oldest.map_or(u64::MAX, |oldest| oldest.saturating_add(self.retention).unsigned_abs());
        }
        Ok(deleted.iter().filter_map(|channel| ChannelId::new(channel).ok()).collect())
    }

    /// Deletes up to `max` keys that are too old, and says how many.
    pub(super) fn delete_old_keys(&self, now: u64, max: usize) -> rusqlite::Result<usize> {
        let old = integer(now).saturating_sub(integer(KEY_LIFE.as_micros() as u64));
        let sql = "DELETE FROM keys WHERE (page, place) IN (SELECT page, place FROM keys WHERE at <= ?1 LIMIT ?2)";
        self.connection.prepare_cached(sql)?.execute(params![old, count(max)])
    }

    /// Moves what is in FILE-wal to FILE and empties it, so that what was erased is gone from both.
    pub(super) fn checkpoint(&self) -> rusqlite::Result<()> {
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }

    /// Closing the only connection checkpoints and deletes FILE-wal. What fails here is made good by the next opening.
    pub(super) fn close(self) {
        match self.connection.close() {
            Ok(()) => tracing::info!(file = %self.path.display(), commits = self.commits, "bus closed"),
            Err((_, error)) => tracing::warn!(file = %self.path.display(), %error, "bus closed without a checkpoint"),
        }
    }
}

fn origin(connection: &Connection, is_new: IsNew) -> Result<Epoch, OpenError> {
    if is_new == IsNew::Yes {
        let made = Epoch::random()?;
        connection.execute("INSERT INTO meta (name, value) VALUES ('epoch', ?1)", params![made.to_string()])?;
    }
    let sql = "SELECT value FROM meta WHERE name = 'epoch'";
    Ok(connection.query_row(sql, [], |row| parsed(row, 0))?)
}

fn count_pages(connection: &Connection) -> rusqlite::Result<usize> {
    let pages = connection.query_row("SELECT count(*) FROM pages", [], |row| number(row, 0))?;
    Ok(usize::try_from(pages).unwrap_or(usize::MAX))
}

/// SQLite's integers are signed; times, versions and counts are far below 2^63.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Folder, open, post, removal};
    use crate::{
        id::PostId,
        update::{Render, Update},
    };

    #[test]
    fn what_was_erased_is_not_readable_in_the_files() {
        let folder = Folder::new();
        let mut writer = open(&folder.file());
        let secrets = ["edited-secret", "removed-secret", "hidden-secret"];
        let long = |secret: &str| format!("{secret} {}", "x".repeat(20_000));
        for (id, secret) in ["1", "2", "3"].into_iter().zip(secrets) {
            writer.publish_now("a", post(id, secret)).unwrap();
            writer.publish_now("b", post(id, &long(secret))).unwrap();
        }
        for name in ["a", "b"] {
            writer.publish_now(name, post("1", "new")).unwrap();
            writer.publish_now(name, removal("2")).unwrap();
            let hidden = Update::new().render(Render::hidden(PostId::new("3").unwrap()));
            writer.publish_now(name, hidden).unwrap();
        }
        writer.tidy();
        let wal = folder.file().with_extension("db-wal");
        let bytes = [std::fs::read(folder.file()).unwrap(), std::fs::read(wal).unwrap()].concat();
        for secret in secrets {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
        }
        assert!(bytes.windows(3).any(|window| window == b"new"));
    }
}
