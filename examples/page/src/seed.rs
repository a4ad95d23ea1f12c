//! The page's first content: all posts of the database at once.

use live_core::{ChannelId, Hub, Render, Update};

use crate::{
    post::{self, Which},
    render,
    store::Store,
};

/// Gives Live the whole page where it never had it from this database, or has lost it: the page is *whole* from then on.
///
/// Not at every start: a replaced page is sent again to every reader, and a restart should cost them nothing.
pub(crate) async fn seed(store: &Store, hub: &Hub, channel: &ChannelId) -> anyhow::Result<()> {
    if hub.page(channel).await?.is_whole() && store.is_seeded().await? {
        return Ok(());
    }
    let limit = u32::try_from(hub.config().page.max_posts)?;
    let posts = store.transaction(move |tx| post::list(tx, Which::Shown, Some(limit))).await?;
    // The first render of an update is the oldest.
    let renders = posts.iter().rev().map(render::render).collect::<anyhow::Result<Vec<Render>>>()?;
    hub.publish(channel, Update::replace(renders), None).await?;
    store.set_seeded().await
}

#[cfg(test)]
mod tests {
    use rusqlite::Transaction;

    use super::*;
    use crate::{
        blog::now_micros,
        store,
        test_support::{Newsroom, channel, draft, hub, open, page},
    };

    #[tokio::test]
    async fn what_a_crash_left_in_the_outbox_is_published_at_the_next_start() {
        let Newsroom { folder, hub, blog } = Newsroom::open().await;
        blog.post(draft("a", "text")).await.unwrap();
        let store = blog.store.clone();
        drop(blog);
        let committed = |tx: &Transaction<'_>| {
            let (post, _) = post::insert(tx, draft("b", "text"), now_micros())?;
            store::enqueue(tx, &render::update(Update::new(), &post)?)
        };
        let left = store.transaction(committed).await.unwrap();
        assert_eq!(page(&hub).await.len(), 1);

        let blog = open(&folder, &hub).await;
        assert!(blog.published(left).await.unwrap());
        assert_eq!(page(&hub).await.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(store.next_outgoing().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_log_that_is_lost_is_seeded_again_and_a_restart_sends_nothing_again() {
        let Newsroom { folder, hub: first_hub, blog } = Newsroom::open().await;
        blog.post(draft("a", "text")).await.unwrap();
        blog.post(draft("b", "text")).await.unwrap();
        blog.hide("a").await.unwrap();
        drop(blog);
        let cursor = first_hub.cursor(&channel()).await.unwrap();
        drop(open(&folder, &first_hub).await);
        assert_eq!(first_hub.cursor(&channel()).await.unwrap(), cursor);

        let second_hub = hub();
        let _blog = open(&folder, &second_hub).await;
        assert_eq!(page(&second_hub).await, page(&first_hub).await);
    }
}
