//! The newsroom's own database: the posts, and the outbox of what Live has yet to be told.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use live_core::Update;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::post;

/// A SQLite file with the posts and the outbox.
#[derive(Clone)]
pub(crate) struct Store {
    // One connection: SQLite has one writer at a time, and the reads here take less than a millisecond.
    connection: Arc<Mutex<Connection>>,
}

/// An update that was committed together with the posts it tells of, and that Live may not have yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// Ascending in the order of the commits, and never used twice.
    pub(crate) id: i64,
    /// The update in the wire's own JSON.
    pub(crate) body: String,
    /// The same each time that this row is sent: Live stores the update once.
    pub(crate) idempotency_key: String,
}

impl Store {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// The file cannot be opened, or is not a database of ours.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.execute_batch(post::SCHEMA)?;
        connection.execute_batch(SCHEMA)?;
        let name = format!("{:016x}", getrandom::u64()?);
        connection.execute("INSERT OR IGNORE INTO settings (name, value) VALUES ('store', ?1)", [name])?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Runs one transaction on a thread where blocking is allowed. It is rolled back if `work` fails.
    pub(crate) async fn transaction<T, E>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<anyhow::Error> + Send + 'static,
    {
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || store.transaction_blocking(work)).await;
        done.context("the database's thread ended").map_err(E::from)?
    }

    fn transaction_blocking<T, E: From<anyhow::Error>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.lock();
        // Immediate: a transaction that begins by reading and then writes would fail where another process wrote in between.
        let begun =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).context("the database is busy");
        let tx = begun.map_err(E::from)?;
        let value = work(&tx)?;
        tx.commit().context("the database did not commit").map_err(E::from)?;
        Ok(value)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic inside a transaction has rolled it back, so the connection is as good as before.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest update that Live may not have yet.
    pub(crate) async fn next_outgoing(&self) -> anyhow::Result<Option<Outgoing>> {
        self.transaction(|tx| {
            let sql = "SELECT outbox.id, body, value || '-' || outbox.id FROM outbox, settings
                       WHERE settings.name = 'store' AND error IS NULL ORDER BY outbox.id LIMIT 1";
            let row = |row: &rusqlite::Row<'_>| {
                Ok(Outgoing { id: row.get(0)?, body: row.get(1)?, idempotency_key: row.get(2)? })
            };
            tx.prepare_cached(sql)?.query_row([], row).optional().map_err(anyhow::Error::from)
        })
        .await
    }

    /// Live has stored the update.
    pub(crate) async fn published(&self, id: i64) -> anyhow::Result<()> {
        self.transaction(move |tx| {
            tx.execute("DELETE FROM outbox WHERE id = ?1", [id]).map(drop).map_err(anyhow::Error::from)
        })
        .await
    }

    /// Live will never take the update as it is. The row stays, with the reason, until the next start tries it again.
    pub(crate) async fn refused(&self, id: i64, reason: String) -> anyhow::Result<()> {
        self.transaction(move |tx| {
            tx.execute("UPDATE outbox SET error = ?2 WHERE id = ?1", params![id, reason])
                .map(drop)
                .map_err(anyhow::Error::from)
        })
        .await
    }

    /// Why Live refused the update, if it did.
    pub(crate) async fn refusal(&self, id: i64) -> anyhow::Result<Option<String>> {
        self.transaction(move |tx| {
            let reason = tx.query_row("SELECT error FROM outbox WHERE id = ?1", [id], |row| row.get(0)).optional()?;
            Ok(reason.flatten())
        })
        .await
    }

    /// Makes what was refused before wait for another try.
    pub(crate) async fn retry_refused(&self) -> anyhow::Result<()> {
        self.transaction(|tx| tx.execute("UPDATE outbox SET error = NULL", []).map(drop).map_err(anyhow::Error::from))
            .await
    }

    /// Whether Live was once given all posts of this database.
    pub(crate) async fn is_seeded(&self) -> anyhow::Result<bool> {
        self.transaction(|tx| {
            Ok(tx.query_row("SELECT 1 FROM settings WHERE name = 'seeded'", [], |_| Ok(())).optional()?.is_some())
        })
        .await
    }

    /// Remembers that it was.
    pub(crate) async fn set_seeded(&self) -> anyhow::Result<()> {
        self.transaction(|tx| {
            tx.execute("INSERT OR REPLACE INTO settings (name, value) VALUES ('seeded', '1')", [])
                .map(drop)
                .map_err(anyhow::Error::from)
        })
        .await
    }
}

/// Puts an update into the outbox, in the transaction that writes the posts it tells of: both happen, or neither.
pub(crate) fn enqueue(tx: &Transaction<'_>, update: &Update) -> anyhow::Result<i64> {
    tx.execute("INSERT INTO outbox (body) VALUES (?1)", [serde_json::to_string(update)?])?;
    Ok(tx.last_insert_rowid())
}

// AUTOINCREMENT: an id that was used for one update must never be the idempotency key of another.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, error TEXT) STRICT;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        render,
        test_support::{TemporaryFolder, draft},
    };

    async fn post(store: &Store, id: &'static str, then: anyhow::Result<()>) -> anyhow::Result<()> {
        store
            .transaction(move |tx| {
                let (post, _) = post::insert(tx, draft(id, "text"), 1_000)?;
                enqueue(tx, &render::update(Update::new(), &post)?)?;
                then
            })
            .await
    }

    #[tokio::test]
    async fn a_post_and_its_update_are_kept_together_or_not_at_all() {
        let folder = TemporaryFolder::new();
        let store = Store::open(&folder.path("blog.db")).unwrap();
        post(&store, "lost", Err(anyhow::anyhow!("a crash before the commit"))).await.unwrap_err();
        assert_eq!(store.next_outgoing().await.unwrap(), None);
        assert!(store.transaction(|tx| post::get(tx, "lost")).await.unwrap().is_none());

        post(&store, "kept", Ok(())).await.unwrap();
        drop(store);
        let reopened = Store::open(&folder.path("blog.db")).unwrap();
        assert!(reopened.transaction(|tx| post::get(tx, "kept")).await.unwrap().is_some());
        let outgoing = reopened.next_outgoing().await.unwrap().unwrap();
        let update = Update::from_json(outgoing.body.as_bytes()).unwrap();
        assert_eq!(update.renders().map(|render| render.id().as_str()).collect::<Vec<_>>(), ["kept"]);
    }

    #[tokio::test]
    async fn an_idempotency_key_is_the_same_each_time_and_never_another_updates() {
        let folder = TemporaryFolder::new();
        let store = Store::open(&folder.path("blog.db")).unwrap();
        post(&store, "a", Ok(())).await.unwrap();
        let first = store.next_outgoing().await.unwrap().unwrap();
        drop(store);
        let store = Store::open(&folder.path("blog.db")).unwrap();
        assert_eq!(store.next_outgoing().await.unwrap().unwrap(), first);
        store.published(first.id).await.unwrap();
        post(&store, "b", Ok(())).await.unwrap();
        let second = store.next_outgoing().await.unwrap().unwrap();

        // Whoever deletes the database and starts again counts from one again, beside a log that remembers.
        let other = Store::open(&folder.path("other.db")).unwrap();
        post(&other, "a", Ok(())).await.unwrap();
        let others = other.next_outgoing().await.unwrap().unwrap();
        assert_eq!(others.id, first.id);
        let keys = [&first, &second, &others].map(|outgoing| outgoing.idempotency_key.as_str());
        assert!(keys[0] != keys[1] && keys[0] != keys[2], "{keys:?}");
    }

    #[tokio::test]
    async fn what_is_refused_waits_for_the_next_start_and_holds_nothing_up() {
        let folder = TemporaryFolder::new();
        let store = Store::open(&folder.path("blog.db")).unwrap();
        post(&store, "a", Ok(())).await.unwrap();
        post(&store, "b", Ok(())).await.unwrap();
        let first = store.next_outgoing().await.unwrap().unwrap();
        store.refused(first.id, "the page is full".to_owned()).await.unwrap();
        assert_ne!(store.next_outgoing().await.unwrap().unwrap().id, first.id);
        assert_eq!(store.refusal(first.id).await.unwrap().as_deref(), Some("the page is full"));
        store.retry_refused().await.unwrap();
        assert_eq!(store.next_outgoing().await.unwrap().unwrap(), first);
    }
}
