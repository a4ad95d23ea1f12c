//! What the file looks like, how it is told from other files, and how SQLite has to treat it.

use rusqlite::Connection;

use super::open::OpenError;

/// "Live" in ASCII: in the header of every file of ours.
pub(super) const APPLICATION_ID: i32 = 0x4c69_7665;
/// The schema that this code writes, in `PRAGMA user_version`. A change of the tables raises it and brings the older ones up to it.
pub(super) const SCHEMA: i32 = 1;

/// Epochs are text (16 hexadecimal digits); versions and places are below 2^53, so that INTEGER and every tool hold them exactly.
/// A `rev` of 2^63 or more is stored as the negative number with the same bits; only this code compares revs.
const TABLES: &str = "
    -- The bus epoch, made with the file.
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    -- Each opening of the file forks every page in it: see opening.rs.
    CREATE TABLE openings (number INTEGER PRIMARY KEY, salt BLOB NOT NULL) STRICT;
    CREATE TABLE pages (
        id INTEGER PRIMARY KEY,
        channel TEXT NOT NULL UNIQUE,
        epoch TEXT NOT NULL,      -- as of `opening`
        head INTEGER NOT NULL,
        horizon INTEGER NOT NULL,
        whole INTEGER NOT NULL,
        opening INTEGER NOT NULL, -- the one in which the page was last published to
        touched INTEGER NOT NULL  -- the last publish, in microseconds since 1970
    ) STRICT;
    CREATE TABLE posts (
        page INTEGER NOT NULL REFERENCES pages ON DELETE CASCADE,
        id TEXT NOT NULL,
        html TEXT,                -- NULL: hidden
        sort INTEGER NOT NULL,
        placed INTEGER NOT NULL,
        rev INTEGER,
        version INTEGER NOT NULL, -- the last change,
        place INTEGER NOT NULL,   -- and its position in that update
        PRIMARY KEY (page, id)
    ) STRICT;
    CREATE TABLE removals (
        page INTEGER NOT NULL REFERENCES pages ON DELETE CASCADE,
        id TEXT NOT NULL,
        rev INTEGER,
        version INTEGER NOT NULL,
        place INTEGER NOT NULL,
        PRIMARY KEY (page, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX removals_by_age ON removals (page, version, place);
    -- Former epochs, oldest first, each with the last version that it is good for.
    CREATE TABLE forks (
        page INTEGER NOT NULL REFERENCES pages ON DELETE CASCADE,
        place INTEGER NOT NULL,
        epoch TEXT NOT NULL,
        head INTEGER NOT NULL,
        PRIMARY KEY (page, place)
    ) STRICT, WITHOUT ROWID;
    -- Idempotency keys, in the order in which they came.
    CREATE TABLE keys (
        page INTEGER NOT NULL REFERENCES pages ON DELETE CASCADE,
        place INTEGER NOT NULL,
        key TEXT NOT NULL,
        digest BLOB NOT NULL,
        epoch TEXT NOT NULL,
        version INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (page, place)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX keys_by_time ON keys (at);
";

/// Whether the file is one of ours or still empty. Changes nothing, so that a file that is not ours stays as it is.
pub(super) fn recognise(connection: &Connection) -> Result<bool, OpenError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (pragma("application_id")?, pragma("user_version")?) {
        (0, 0) if tables == 0 => Ok(false),
        (APPLICATION_ID, SCHEMA) => Ok(true),
        (APPLICATION_ID, schema) if schema > SCHEMA => Err(OpenError::Newer { schema }),
        _ => Err(OpenError::Foreign),
    }
}

/// Locks the file for as long as the connection lives. Comes before anything else is done with it.
pub(super) fn lock(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(std::time::Duration::ZERO)?;
    // Taken with the first access. In this mode SQLite needs no shared memory file either.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")
}

/// Chooses durability over speed; group commit wins the speed back.
pub(super) fn configure(connection: &Connection) -> Result<(), OpenError> {
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(OpenError::NoWal { mode });
    }
    // FULL syncs the WAL at every commit. On macOS a sync reaches the disk only with F_FULLFSYNC.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What was hidden, edited or removed does not stay readable in free space.
    connection.pragma_update(None, "secure_delete", true)?;
    // More than there are different statements.
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Creates the tables, within the caller's transaction.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(TABLES)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", SCHEMA)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Folder, open};

    /// No test can cut the power.
    #[test]
    fn every_commit_is_synced_and_what_is_deleted_is_overwritten() {
        let folder = Folder::new();
        let writer = open(&folder.file());
        for (pragma, value) in [("synchronous", 2), ("fullfsync", 1), ("foreign_keys", 1), ("secure_delete", 1)] {
            let set: i64 = writer.store.connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
            assert_eq!(set, value, "{pragma}");
        }
        assert!(folder.file().with_extension("db-wal").exists());
        assert!(!folder.file().with_extension("db-shm").exists());
    }
}
