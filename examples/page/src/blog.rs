//! What a newsroom does with a live blog. Each act is one transaction; Live is told after it has committed.

use std::{
    collections::HashSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use live_core::{ChannelId, Element, Hub, PostId, Update};
use rusqlite::Transaction;

use crate::{
    post::{self, Draft, Post, Which},
    relay::Relay,
    render, seed,
    store::{self, Store},
};

/// The live blog: its posts, and the live page that shows them.
pub(crate) struct Blog {
    pub(crate) store: Store,
    hub: Hub,
    channel: ChannelId,
    readers: Readers,
    relay: Relay,
}

/// Where the page's readers are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// By this process.
    Here,
    /// By another, which each update reaches once and which knows nothing of this one's cursors.
    Elsewhere,
}

/// A post as an act left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) post: Post,
    /// Whether the act made the post.
    pub(crate) new: bool,
    /// Whether the page has it. If not, the outbox keeps it until the bus answers again.
    pub(crate) published: bool,
}

/// Why an act did not happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlogError {
    #[error("there is no post {0:?}")]
    NotFound(String),
    /// Two reporters at one post: the second is told instead of undoing the first.
    #[error("somebody else has changed this post since you opened it")]
    ChangedMeanwhile,
    #[error("another post has the id {0:?}")]
    IdTaken(String),
    #[error("it is saved, but the live page refuses it: {0}")]
    Refused(String),
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl From<rusqlite::Error> for BlogError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Blog {
    /// The blog of one channel. The first time, Live is given all posts at once; else what it missed. Where the readers are
    /// elsewhere it holds no page that could be given: who has missed something fetches the page's HTML again.
    ///
    /// # Errors
    /// The database or the bus does not answer.
    pub(crate) async fn open(store: Store, hub: Hub, channel: ChannelId, readers: Readers) -> anyhow::Result<Self> {
        if readers == Readers::Here {
            seed::seed(&store, &hub, &channel).await?;
        }
        store.retry_refused().await?;
        let relay = Relay::start(store.clone(), hub.clone(), channel.clone());
        Ok(Self { store, hub, channel, readers, relay })
    }

    /// Adds posts on top, in one transaction and one update.
    ///
    /// A post whose id the table has already, deleted ones included, is left as it is.
    ///
    /// # Errors
    /// None of them is added.
    pub(crate) async fn post_all(&self, drafts: Vec<Draft>) -> Result<Vec<Saved>, BlogError> {
        let added = move |tx: &Transaction<'_>| {
            let mut saved = Vec::with_capacity(drafts.len());
            let mut update = Update::new();
            for draft in drafts {
                let (post, new) = post::insert(tx, draft, now_micros())?;
                if new {
                    update = render::update(update, &post)?;
                }
                saved.push(Saved { post, new, published: true });
            }
            let outgoing = if update.is_empty() { None } else { Some(store::enqueue(tx, &update)?) };
            Ok::<_, BlogError>((saved, outgoing))
        };
        let (mut saved, outgoing) = self.store.transaction(added).await?;
        if let Some(outgoing) = outgoing {
            let published = self.published(outgoing).await?;
            saved.iter_mut().filter(|saved| saved.new).for_each(|saved| saved.published = published);
        }
        Ok(saved)
    }

    /// Adds one post on top. The same draft with the same id again changes nothing.
    ///
    /// # Errors
    /// [`BlogError::IdTaken`]: choose another id.
    pub(crate) async fn post(&self, draft: Draft) -> Result<Saved, BlogError> {
        let text = draft.text.clone();
        let saved = self.post_all(vec![draft]).await?.remove(0);
        if !saved.new && (saved.post.text != text || saved.post.deleted) {
            return Err(BlogError::IdTaken(saved.post.id.to_string()));
        }
        Ok(saved)
    }

    /// Changes the words of a post, if it is still the `revision` given. Without an author the post keeps its own.
    ///
    /// # Errors
    /// [`BlogError::ChangedMeanwhile`]: read the post again.
    pub(crate) async fn edit(
        &self,
        id: &str,
        text: String,
        author: Option<String>,
        revision: Option<u64>,
    ) -> Result<Saved, BlogError> {
        self.change(id, move |_, post| {
            if revision.is_some_and(|revision| revision != post.revision) {
                return Err(BlogError::ChangedMeanwhile);
            }
            let author =
                author.map_or_else(|| post.author.clone(), |author| Some(author).filter(|author| !author.is_empty()));
            if post.text != text || post.author != author {
                post.edited = Some(i64::try_from(now_micros() / 1000).map_err(anyhow::Error::from)?);
            }
            (post.text, post.author) = (text, author);
            Ok(())
        })
        .await
    }

    /// Takes a post from the page and keeps it.
    pub(crate) async fn hide(&self, id: &str) -> Result<Saved, BlogError> {
        self.set(id, |post| post.hidden = true).await
    }

    /// Puts a hidden post back where it was.
    pub(crate) async fn show(&self, id: &str) -> Result<Saved, BlogError> {
        self.set(id, |post| post.hidden = false).await
    }

    /// Puts a post above all others. One that is pinned stays where it is.
    pub(crate) async fn pin(&self, id: &str) -> Result<Saved, BlogError> {
        self.change(id, |tx, post| {
            post.pinned = Some(post.pinned.map_or_else(|| post::next_pin(tx), Ok)?);
            Ok(())
        })
        .await
    }

    /// Puts a pinned post back to its own place.
    pub(crate) async fn unpin(&self, id: &str) -> Result<Saved, BlogError> {
        self.set(id, |post| post.pinned = None).await
    }

    /// Removes a post. [`Blog::restore`] is the undo.
    pub(crate) async fn delete(&self, id: &str) -> Result<Saved, BlogError> {
        self.set(id, |post| post.deleted = true).await
    }

    /// Brings a deleted post back to its own place.
    pub(crate) async fn restore(&self, id: &str) -> Result<Saved, BlogError> {
        self.change_any(id, |_, post| {
            post.deleted = false;
            Ok(())
        })
        .await
    }

    async fn set(&self, id: &str, set: impl FnOnce(&mut Post) + Send + 'static) -> Result<Saved, BlogError> {
        self.change(id, move |_, post| {
            set(post);
            Ok(())
        })
        .await
    }

    async fn change(
        &self,
        id: &str,
        change: impl FnOnce(&Transaction<'_>, &mut Post) -> Result<(), BlogError> + Send + 'static,
    ) -> Result<Saved, BlogError> {
        self.change_any(
            id,
            |tx, post| if post.deleted { Err(BlogError::NotFound(post.id.to_string())) } else { change(tx, post) },
        )
        .await
    }

    /// Changes a post, a deleted one too. What changes nothing is not a revision, and tells nobody.
    async fn change_any(
        &self,
        id: &str,
        change: impl FnOnce(&Transaction<'_>, &mut Post) -> Result<(), BlogError> + Send + 'static,
    ) -> Result<Saved, BlogError> {
        let id = id.to_owned();
        let changed = move |tx: &Transaction<'_>| {
            let before = post::get(tx, &id)?.ok_or(BlogError::NotFound(id))?;
            let mut post = before.clone();
            change(tx, &mut post)?;
            if post == before {
                return Ok((post, None));
            }
            post.revision = now_micros().max(before.revision + 1);
            post::save(tx, &post)?;
            let outgoing = store::enqueue(tx, &render::update(Update::new(), &post)?)?;
            Ok::<_, BlogError>((post, Some(outgoing)))
        };
        let (post, outgoing) = self.store.transaction(changed).await?;
        let published = match outgoing {
            Some(outgoing) => self.published(outgoing).await?,
            None => true,
        };
        Ok(Saved { post, new: false, published })
    }

    pub(crate) async fn published(&self, outgoing: i64) -> Result<bool, BlogError> {
        if !self.relay.sent(outgoing, PUBLISH_DEADLINE).await {
            return Ok(false);
        }
        match self.store.refusal(outgoing).await? {
            Some(reason) => Err(BlogError::Refused(reason)),
            None => Ok(true),
        }
    }

    /// The `<live-page>` to put around posts that are read after this: what the HTML lacks is then newer than its cursor.
    ///
    /// Where the bus does not answer it has no cursor: the page reads all the same, and its readers are served the last minute.
    pub(crate) async fn element(&self) -> Element {
        let cursor = match self.readers {
            Readers::Here => self.hub.cursor(&self.channel).await.ok(),
            Readers::Elsewhere => None,
        };
        self.hub.element(&self.channel, cursor)
    }

    /// The first posts of the page that `which` names, at most `limit`, and how many there are.
    pub(crate) async fn list(&self, which: Which, limit: Option<u32>) -> anyhow::Result<(Vec<Post>, u64)> {
        self.store.transaction(move |tx| Ok((post::list(tx, which, limit)?, post::count(tx, which)?))).await
    }

    /// One post, deleted ones included.
    pub(crate) async fn get(&self, id: &str) -> anyhow::Result<Option<Post>> {
        let id = id.to_owned();
        self.store.transaction(move |tx| post::get(tx, &id)).await
    }

    /// Which of these ids the table has, deleted posts included.
    pub(crate) async fn known(&self, ids: Vec<PostId>) -> anyhow::Result<HashSet<PostId>> {
        let known = move |tx: &Transaction<'_>| {
            let mut known = HashSet::new();
            for id in ids {
                if post::get(tx, id.as_str())?.is_some() {
                    known.insert(id);
                }
            }
            Ok(known)
        };
        self.store.transaction(known).await
    }
}

pub(crate) fn now_micros() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX)
}

/// How long a reporter waits to hear that the page has the post; the post itself is safe long before.
const PUBLISH_DEADLINE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{Newsroom, channel, draft};

    #[tokio::test]
    async fn what_a_newsroom_does_is_on_the_page_at_once() {
        let newsroom = Newsroom::open().await;
        let blog = &newsroom.blog;
        for id in ["a", "b", "c"] {
            assert!(blog.post(draft(id, "text")).await.unwrap().published);
        }
        assert_eq!(newsroom.ids().await, ["c", "b", "a"]);
        blog.pin("a").await.unwrap();
        assert_eq!(newsroom.ids().await, ["a", "c", "b"]);
        blog.pin("b").await.unwrap();
        assert_eq!(newsroom.ids().await, ["b", "a", "c"]);
        blog.hide("c").await.unwrap();
        assert_eq!(newsroom.ids().await, ["b", "a"]);
        blog.delete("b").await.unwrap();
        assert_eq!(newsroom.ids().await, ["a"]);
        blog.edit("a", "other <words>".to_owned(), None, None).await.unwrap();
        assert!(newsroom.page().await[0].1.contains("<p>other &lt;words&gt;</p>"));
    }

    #[tokio::test]
    async fn a_post_comes_back_to_its_own_place() {
        let newsroom = Newsroom::open().await;
        let blog = &newsroom.blog;
        for id in ["a", "b", "c"] {
            blog.post(draft(id, "text")).await.unwrap();
        }
        let before = newsroom.page().await;
        blog.pin("b").await.unwrap();
        blog.unpin("b").await.unwrap();
        assert_eq!(newsroom.page().await, before);
        blog.hide("a").await.unwrap();
        blog.show("a").await.unwrap();
        assert_eq!(newsroom.page().await, before);
        blog.delete("c").await.unwrap();
        assert!(matches!(blog.pin("c").await, Err(BlogError::NotFound(_))));
        blog.restore("c").await.unwrap();
        assert_eq!(newsroom.page().await, before);
    }

    #[tokio::test]
    async fn every_change_is_a_revision_and_what_changes_nothing_is_none() {
        let newsroom = Newsroom::open().await;
        let first = newsroom.blog.post(draft("a", "text")).await.unwrap().post;
        let pinned = newsroom.blog.pin("a").await.unwrap().post;
        assert!(pinned.revision > first.revision);
        let cursor = newsroom.hub.cursor(&channel()).await.unwrap();
        assert_eq!(newsroom.blog.pin("a").await.unwrap().post, pinned);
        assert_eq!(newsroom.blog.edit("a", "text".to_owned(), None, None).await.unwrap().post, pinned);
        assert_eq!(newsroom.hub.cursor(&channel()).await.unwrap(), cursor);
    }

    #[tokio::test]
    async fn the_second_of_two_reporters_is_told_instead_of_undoing_the_first() {
        let newsroom = Newsroom::open().await;
        let opened = newsroom.blog.post(draft("a", "text")).await.unwrap().post.revision;
        let edit = |text: &str| newsroom.blog.edit("a", text.to_owned(), None, Some(opened));
        edit("first").await.unwrap();
        assert!(matches!(edit("second").await, Err(BlogError::ChangedMeanwhile)));
        assert!(newsroom.page().await[0].1.contains("first"));
    }

    #[tokio::test]
    async fn the_same_draft_again_is_the_same_post() {
        let newsroom = Newsroom::open().await;
        assert!(newsroom.blog.post(draft("a", "text")).await.unwrap().new);
        assert!(!newsroom.blog.post(draft("a", "text")).await.unwrap().new);
        assert!(matches!(newsroom.blog.post(draft("a", "other")).await, Err(BlogError::IdTaken(_))));
        newsroom.blog.delete("a").await.unwrap();
        assert!(matches!(newsroom.blog.post(draft("a", "text")).await, Err(BlogError::IdTaken(_))));
        assert_eq!(newsroom.ids().await, Vec::<String>::new());
    }
}
