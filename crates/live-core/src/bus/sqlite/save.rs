//! Writing an update: a row per post that it changes, whatever the page's size.

use rusqlite::params;

use super::{
    super::{
        idempotency::{Known, MAX_KEYS},
        log::Outcome,
    },
    cache::{CachedPage, Place},
    store::{Store, integer},
};
use crate::{
    id::ChannelId,
    page::{Change, Numbered, Page},
};

impl Store {
    /// Writes what a publish came to, within the present transaction. Returns whether the channel's former log, which had expired,
    /// made room for this one.
    pub(super) fn save(
        &mut self,
        channel: &ChannelId,
        cached: &mut CachedPage,
        outcome: &Outcome,
    ) -> rusqlite::Result<bool> {
        let (place, replaced) = match cached.place {
            Some(place) => (self.update_head(place, cached)?, false),
            None => self.insert_head(channel, cached)?,
        };
        if let Some(numbered) = &outcome.numbered {
            self.save_changes(place.row, numbered)?;
            self.forget_removals(place.row, numbered, &cached.log.page)?;
        }
        let mut next_key = place.next_key;
        if let Some((key, known)) = &outcome.key {
            self.save_key(place, key.as_str(), known)?;
            next_key += 1;
        }
        cached.place = Some(Place { next_key, ..place });
        Ok(replaced)
    }

    fn insert_head(&mut self, channel: &ChannelId, cached: &CachedPage) -> rusqlite::Result<(Place, bool)> {
        // Only an expired log can be there still; otherwise this page would have been loaded from it.
        let deleted = self
            .connection
            .prepare_cached("DELETE FROM pages WHERE channel = ?1")?
            .execute(params![channel.as_str()])?;
        let page = &cached.log.page;
        let cursor = page.cursor();
        let opening = self.openings.present();
        self.connection
            .prepare_cached(
                "INSERT INTO pages (channel, epoch, head, horizon, whole, opening, touched) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                channel.as_str(),
                cursor.epoch.to_string(),
                integer(cursor.version.number()),
                integer(page.horizon().number()),
                page.is_whole(),
                integer(opening),
                integer(cached.log.touched),
            ])?;
        let row = self.connection.last_insert_rowid();
        self.page_added(cached.log.touched, deleted);
        Ok((Place { row, opening, next_key: 0 }, deleted > 0))
    }

    fn update_head(&self, place: Place, cached: &CachedPage) -> rusqlite::Result<Place> {
        let page = &cached.log.page;
        let cursor = page.cursor();
        let opening = self.openings.present();
        let sql = "UPDATE pages SET epoch = ?2, head = ?3, horizon = ?4, whole = ?5, opening = ?6, touched = ?7 WHERE id = ?1";
        let updated = self.connection.prepare_cached(sql)?.execute(params![
            place.row,
            cursor.epoch.to_string(),
            integer(cursor.version.number()),
            integer(page.horizon().number()),
            page.is_whole(),
            integer(opening),
            integer(cached.log.touched),
        ])?;
        if updated != 1 {
            return Err(rusqlite::Error::StatementChangedRows(updated));
        }
        if place.opening != opening {
            self.save_forks(place.row, page)?;
        }
        Ok(Place { opening, ..place })
    }

    /// The head leaves the version at which the page forked since it was last written, so that has to be written down now.
    fn save_forks(&self, row: i64, page: &Page) -> rusqlite::Result<()> {
        self.connection.prepare_cached("DELETE FROM forks WHERE page = ?1")?.execute(params![row])?;
        let sql = "INSERT INTO forks (page, place, epoch, head) VALUES (?1, ?2, ?3, ?4)";
        let mut insert = self.connection.prepare_cached(sql)?;
        for (place, fork) in (0i64..).zip(page.forks()) {
            insert.execute(params![row, place, fork.epoch.to_string(), integer(fork.head.number())])?;
        }
        Ok(())
    }

    fn save_changes(&self, row: i64, numbered: &Numbered) -> rusqlite::Result<()> {
        let version = integer(numbered.cursor.version.number());
        for (place, change) in (0i64..).zip(&numbered.changes) {
            match change {
                Change::Post { id, html, sort, placed, rev } => {
                    self.connection
                        .prepare_cached("DELETE FROM removals WHERE page = ?1 AND id = ?2")?
                        .execute(params![row, id.as_str()])?;
                    let sort = integer(sort.number());
                    let rev = rev.map(u64::cast_signed);
                    self.connection.prepare_cached(UPSERT_POST)?.execute(params![
                        row,
                        id.as_str(),
                        html.as_deref(),
                        sort,
                        placed,
                        rev,
                        version,
                        place
                    ])?;
                }
                Change::Removal { id, rev } => {
                    self.connection
                        .prepare_cached("DELETE FROM posts WHERE page = ?1 AND id = ?2")?
                        .execute(params![row, id.as_str()])?;
                    let rev = rev.map(u64::cast_signed);
                    self.connection.prepare_cached(REPLACE_REMOVAL)?.execute(params![
                        row,
                        id.as_str(),
                        rev,
                        version,
                        place
                    ])?;
                }
            }
        }
        Ok(())
    }

    /// Deletes the removals that the page forgot: those before the oldest that it remembers. Not those up to its horizon, because
    /// of the update there it may remember some, and after a reset it remembers older ones to keep late publishers off.
    fn forget_removals(&self, row: i64, numbered: &Numbered, page: &Page) -> rusqlite::Result<()> {
        if !numbered.changes.iter().any(|change| matches!(change, Change::Removal { .. })) {
            return Ok(());
        }
        match page.removed().next() {
            Some(oldest) => {
                self.connection.prepare_cached(DELETE_REMOVALS_BEFORE)?.execute(params![row, oldest.as_str()])?
            }
            None => self.connection.prepare_cached("DELETE FROM removals WHERE page = ?1")?.execute(params![row])?,
        };
        Ok(())
    }

    fn save_key(&self, place: Place, key: &str, known: &Known) -> rusqlite::Result<()> {
        let Known { digest, cursor, at } = known;
        let (epoch, version) = (cursor.epoch.to_string(), integer(cursor.version.number()));
        self.connection
            .prepare_cached(
                "INSERT INTO keys (page, place, key, digest, epoch, version, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![place.row, integer(place.next_key), key, digest, epoch, version, integer(*at)])?;
        let last_forgotten = integer(place.next_key) - integer(MAX_KEYS as u64);
        let sql = "DELETE FROM keys WHERE page = ?1 AND place <= ?2";
        self.connection.prepare_cached(sql)?.execute(params![place.row, last_forgotten])?;
        Ok(())
    }
}

const UPSERT_POST: &str = "
    INSERT INTO posts (page, id, html, sort, placed, rev, version, place) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT (page, id) DO UPDATE SET
        html = excluded.html, sort = excluded.sort, placed = excluded.placed, rev = excluded.rev,
        version = excluded.version, place = excluded.place";

const REPLACE_REMOVAL: &str = "
    INSERT OR REPLACE INTO removals (page, id, rev, version, place) VALUES (?1, ?2, ?3, ?4, ?5)";

const DELETE_REMOVALS_BEFORE: &str = "
    DELETE FROM removals
    WHERE page = ?1 AND (version, place) < (SELECT version, place FROM removals WHERE page = ?1 AND id = ?2)";

#[cfg(test)]
mod tests {
    use super::super::{
        publish::Request,
        testing::{Folder, key, open, post, request},
    };
    use crate::{
        bus::{BusError, Published},
        id::PostId,
        update::{Render, Update},
    };

    #[test]
    fn a_key_returns_the_first_result_within_a_burst_and_across_restarts() {
        let folder = Folder::new();
        let mut writer = open(&folder.file());
        let twice = || Request { key: Some(key("k")), ..request("a", post("1", "one")) };
        let results = writer.burst(vec![twice(), twice()]);
        let first = *results[0].as_ref().unwrap();
        assert_eq!(results[1].as_ref().unwrap(), &Published { repeated: true, ..first });
        writer.publish_now("a", post("2", "two")).unwrap();
        writer.close();

        let mut writer = open(&folder.file());
        assert_eq!(writer.publish_with_key("a", post("1", "one"), "k").unwrap(), Published { repeated: true, ..first });
        assert!(matches!(writer.publish_with_key("a", post("1", "other"), "k"), Err(BusError::KeyReused)));
        assert!(!writer.publish_with_key("b", post("1", "one"), "k").unwrap().repeated);
    }

    #[test]
    fn the_last_thousand_keys_of_a_page_are_kept_in_the_file() {
        let folder = Folder::new();
        let mut writer = open(&folder.file());
        let update = |number: usize| Request {
            key: Some(key(&number.to_string())),
            ..request("a", post("1", &number.to_string()))
        };
        assert!(writer.burst((0..1_005).map(update).collect()).iter().all(Result::is_ok));
        let rows: i64 = writer.store.connection.query_row("SELECT count(*) FROM keys", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 1_000);
        writer.close();
        let mut writer = open(&folder.file());
        let results = writer.burst(vec![update(5), update(4)]);
        assert!(results[0].as_ref().unwrap().repeated);
        assert!(!results[1].as_ref().unwrap().repeated);
    }

    #[test]
    fn an_update_writes_what_it_changes_and_not_the_page() {
        let folder = Folder::new();
        let mut writer = open(&folder.file());
        let post = |id: usize| Render::new(PostId::new(id.to_string()).unwrap(), "x".repeat(1_000));
        let page = (0..2_000).map(post).fold(Update::new(), Update::render);
        writer.publish_now("a", page).unwrap();
        writer.store.checkpoint().unwrap();
        writer.publish_now("a", Update::new().render(post(7))).unwrap();
        let wal = std::fs::metadata(folder.file().with_extension("db-wal")).unwrap().len();
        assert!(wal < 64_000, "{wal} bytes");
    }
}
