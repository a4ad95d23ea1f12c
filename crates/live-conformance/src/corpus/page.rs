//! What became of the page.

use super::tables::PageAfter;
use crate::{
    model::{Post, Shown},
    server::TestServer,
};

/// The page before a case.
pub(super) struct State {
    cursor: String,
    shown: Shown,
}

impl State {
    pub(super) async fn of(server: &TestServer) -> Self {
        Self { cursor: server.cursor("blog").await, shown: Shown::by(server, "blog").await }
    }

    /// The page is as it was, but for this.
    pub(super) async fn has_become(self, server: &TestServer, page: &PageAfter, status: Option<u16>) {
        let now = Shown::by(server, "blog").await;
        let mut expected = self.shown;
        for id in &page.removed {
            expected.posts.remove(id).expect("a post that was there");
        }
        let hidden = |id: &String| (id.clone(), format!("<div data-post-id=\"{id}\" hidden></div>"), false);
        let changed = page.changed.iter().map(|(id, content)| (id.clone(), content.clone(), true));
        for (id, content, show) in changed.chain(page.hidden.iter().map(hidden)) {
            // Its place is judged by `order`.
            let sort = now.posts.get(&id).and_then(|post| post.sort);
            expected.posts.insert(id, Post { show, content, sort });
        }
        assert_eq!(now, expected);
        if let Some(order) = &page.order {
            let mut ids: Vec<_> = now.posts.iter().collect();
            ids.sort_by_key(|(_, post)| std::cmp::Reverse(post.sort));
            assert_eq!(&ids.into_iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(), order);
        }
        if status != Some(200) {
            assert_eq!(server.cursor("blog").await, self.cursor, "what is refused is not numbered");
        }
    }
}
