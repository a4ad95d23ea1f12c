//! A post as the newsroom's own table keeps it.

use anyhow::Context;
use live_core::{PostId, Sort};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Serialize;

/// One row of the table; the newsroom's JSON has the same fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Post {
    /// What readers find the post by.
    pub(crate) id: PostId,
    /// Plain text: blank lines part paragraphs, web addresses become links.
    pub(crate) text: String,
    /// Who says it.
    pub(crate) author: Option<String>,
    /// Where they say it from (a replayed transcript has the spacecraft here).
    pub(crate) vehicle: Option<String>,
    /// Seconds on the clock of what is reported, where it has one.
    pub(crate) elapsed: Option<u64>,
    /// Milliseconds since the Unix epoch.
    pub(crate) created: i64,
    /// Milliseconds since the Unix epoch, of the last change of the text or the author.
    pub(crate) edited: Option<i64>,
    /// The rank among the pinned posts; the greatest is on top.
    pub(crate) pinned: Option<u32>,
    /// Kept, and shown to nobody but the newsroom.
    pub(crate) hidden: bool,
    /// The row stays, so that an undo brings the post back and a replay does not.
    pub(crate) deleted: bool,
    /// Grows with every change. It is seeded by the clock, so that it also grows when somebody deletes the database and starts again.
    pub(crate) revision: u64,
    /// The post's own place on the page, which an unpin restores.
    pub(crate) sort: u64,
}

impl Post {
    /// The place on the page, pinned or not.
    pub(crate) fn place(&self) -> anyhow::Result<Sort> {
        match self.pinned {
            Some(rank) => Ok(Sort::pinned(rank)),
            None => Ok(Sort::new(self.sort)?),
        }
    }

    /// Whether readers see it.
    pub(crate) fn is_shown(&self) -> bool {
        !self.hidden && !self.deleted
    }
}

/// What a new post starts from, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    /// Given by whoever must be able to repeat the same post without doubling it; else the table makes one.
    pub(crate) id: Option<PostId>,
    pub(crate) text: String,
    pub(crate) author: Option<String>,
    pub(crate) vehicle: Option<String>,
    pub(crate) elapsed: Option<u64>,
}

/// The table of the posts.
pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS posts (
    id TEXT PRIMARY KEY, text TEXT NOT NULL, author TEXT, vehicle TEXT, elapsed INTEGER,
    created INTEGER NOT NULL, edited INTEGER, pinned INTEGER,
    hidden INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL, sort INTEGER NOT NULL UNIQUE
) STRICT;
-- The page's order, read backwards: SQLite holds NULL for the smallest value, so pinned posts come first.
CREATE INDEX IF NOT EXISTS posts_in_order ON posts (pinned, sort, hidden, deleted);
";

/// Adds a post on top of those that are not pinned.
///
/// A post with the same id, deleted ones included, is left as it is and returned: the second value says whether the post is new.
pub(crate) fn insert(tx: &Transaction<'_>, draft: Draft, now_micros: u64) -> anyhow::Result<(Post, bool)> {
    if let Some(id) = &draft.id
        && let Some(existing) = get(tx, id.as_str())?
    {
        return Ok((existing, false));
    }
    let greatest: Option<u64> = tx.query_row("SELECT max(sort) FROM posts", [], |row| row.get(0))?;
    // The clock only seeds the order: two posts of one microsecond, or of a clock set back, keep theirs.
    let sort = greatest.map_or(now_micros, |greatest| now_micros.max(greatest + 1));
    let post = Post {
        id: draft.id.map_or_else(|| PostId::new(sort.to_string()), Ok)?,
        text: draft.text,
        author: draft.author,
        vehicle: draft.vehicle,
        elapsed: draft.elapsed,
        created: i64::try_from(now_micros / 1000)?,
        edited: None,
        pinned: None,
        hidden: false,
        deleted: false,
        revision: now_micros,
        sort,
    };
    save(tx, &post)?;
    Ok((post, true))
}

/// Writes every column of a post.
pub(crate) fn save(tx: &Transaction<'_>, post: &Post) -> anyhow::Result<()> {
    tx.prepare_cached(
        "INSERT INTO posts (id, text, author, vehicle, elapsed, created, edited, pinned, hidden, deleted, revision, sort)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (id) DO UPDATE SET text = ?2, author = ?3, edited = ?7, pinned = ?8, hidden = ?9, deleted = ?10, revision = ?11",
    )?
    .execute(params![
        post.id.as_str(), post.text, post.author, post.vehicle, post.elapsed, post.created,
        post.edited, post.pinned, post.hidden, post.deleted, post.revision, post.sort
    ])
    .with_context(|| format!("post {} cannot be written", post.id))?;
    Ok(())
}

/// The post with this id, deleted ones included.
pub(crate) fn get(tx: &Transaction<'_>, id: &str) -> anyhow::Result<Option<Post>> {
    let mut statement = tx.prepare_cached("SELECT * FROM posts WHERE id = ?1")?;
    Ok(statement.query_row([id], from_row).optional()?)
}

/// Which posts of the page to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// What readers see.
    Shown,
    /// What the newsroom sees: hidden ones too.
    Kept,
}

impl Which {
    fn filter(self) -> &'static str {
        match self {
            Self::Shown => "hidden = 0 AND deleted = 0",
            Self::Kept => "deleted = 0",
        }
    }
}

/// The first posts of the page, in its order.
pub(crate) fn list(tx: &Transaction<'_>, which: Which, limit: Option<u32>) -> anyhow::Result<Vec<Post>> {
    let sql = format!("SELECT * FROM posts WHERE {} ORDER BY pinned DESC, sort DESC LIMIT ?1", which.filter());
    let limit = limit.map_or(-1, i64::from);
    let posts = tx.prepare_cached(&sql)?.query_map([limit], from_row)?.collect::<Result<_, _>>()?;
    Ok(posts)
}

/// How many posts the page has.
pub(crate) fn count(tx: &Transaction<'_>, which: Which) -> anyhow::Result<u64> {
    let sql = format!("SELECT count(*) FROM posts WHERE {}", which.filter());
    Ok(tx.query_row(&sql, [], |row| row.get(0))?)
}

/// The rank that puts a post above all that are pinned.
pub(crate) fn next_pin(tx: &Transaction<'_>) -> anyhow::Result<u32> {
    Ok(tx.query_row("SELECT coalesce(max(pinned), 0) + 1 FROM posts", [], |row| row.get(0))?)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Post> {
    let id: String = row.get("id")?;
    let id = PostId::new(&id)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error)))?;
    Ok(Post {
        id,
        text: row.get("text")?,
        author: row.get("author")?,
        vehicle: row.get("vehicle")?,
        elapsed: row.get("elapsed")?,
        created: row.get("created")?,
        edited: row.get("edited")?,
        pinned: row.get("pinned")?,
        hidden: row.get("hidden")?,
        deleted: row.get("deleted")?,
        revision: row.get("revision")?,
        sort: row.get("sort")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        store::Store,
        test_support::{TemporaryFolder, draft},
    };

    async fn ids(store: &Store, which: Which, limit: Option<u32>) -> Vec<String> {
        let posts = store.transaction(move |tx| list(tx, which, limit)).await.unwrap();
        posts.iter().map(|post| post.id.to_string()).collect()
    }

    #[tokio::test]
    async fn posts_stand_newest_first_below_the_pinned_ones_even_if_the_clock_stands_still() {
        let folder = TemporaryFolder::new();
        let store = Store::open(&folder.path("blog.db")).unwrap();
        let fill = |tx: &Transaction<'_>| {
            for (id, now) in [("a", 50), ("b", 50), ("c", 20), ("d", 60), ("e", 70)] {
                insert(tx, draft(id, "text"), now)?;
            }
            for id in ["a", "c"] {
                let post = get(tx, id)?.context("no post")?;
                save(tx, &Post { pinned: Some(next_pin(tx)?), ..post })?;
            }
            let hidden = get(tx, "d")?.context("no post")?;
            save(tx, &Post { hidden: true, ..hidden })?;
            let deleted = get(tx, "e")?.context("no post")?;
            save(tx, &Post { deleted: true, ..deleted })
        };
        store.transaction(fill).await.unwrap();
        assert_eq!(ids(&store, Which::Shown, None).await, ["c", "a", "b"]);
        assert_eq!(ids(&store, Which::Kept, None).await, ["c", "a", "d", "b"]);
        assert_eq!(ids(&store, Which::Shown, Some(2)).await, ["c", "a"]);
        assert_eq!(store.transaction(|tx| count(tx, Which::Kept)).await.unwrap(), 4);
    }

    #[tokio::test]
    async fn an_id_that_is_taken_leaves_the_post_as_it_is() {
        let folder = TemporaryFolder::new();
        let store = Store::open(&folder.path("blog.db")).unwrap();
        let twice = |tx: &Transaction<'_>| {
            Ok::<_, anyhow::Error>((insert(tx, draft("a", "first"), 1)?, insert(tx, draft("a", "second"), 2)?))
        };
        let ((first, new), (second, new_again)) = store.transaction(twice).await.unwrap();
        assert_eq!((new, new_again), (true, false));
        assert_eq!(first, second);
    }

    #[tokio::test]
    async fn every_column_survives() {
        let folder = TemporaryFolder::new();
        let store = Store::open(&folder.path("blog.db")).unwrap();
        let post = Post {
            id: PostId::new("a b/ü").unwrap(),
            text: "<text>\n\n'\"".to_owned(),
            author: Some("author".to_owned()),
            vehicle: Some("EAGLE".to_owned()),
            elapsed: Some(7),
            created: 1,
            edited: Some(2),
            pinned: Some(u32::MAX),
            hidden: true,
            deleted: true,
            revision: 3,
            sort: 4,
        };
        let expected = post.clone();
        store.transaction(move |tx| save(tx, &post)).await.unwrap();
        assert_eq!(store.transaction(|tx| get(tx, "a b/ü")).await.unwrap().unwrap(), expected);
    }
}
