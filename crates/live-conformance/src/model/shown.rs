//! The posts of a page.

use std::collections::BTreeMap;

use crate::server::{TestServer, channel_id};

/// What a page shows: post id to post.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) posts: BTreeMap<String, Post>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Post {
    pub(crate) show: bool,
    pub(crate) content: String,
    /// `None` where the server does not hold the whole page and so does not place it.
    pub(crate) sort: Option<u64>,
}

impl Shown {
    /// The page as the server has it.
    pub(crate) async fn by(server: &TestServer, channel: &str) -> Self {
        let page = server.hub.page(&channel_id(channel)).await.unwrap();
        let post = |post: live_core::page::Post<'_>| {
            let (show, content) = (post.html().is_some(), post.content().into_owned());
            (post.id.to_string(), Post { show, content, sort: Some(post.sort().number()) })
        };
        Self { posts: page.posts().map(post).collect() }
    }

    /// The posts by name and content, for readers that are not told the places.
    pub(crate) fn contents(&self) -> BTreeMap<&str, &str> {
        self.posts.iter().map(|(id, post)| (id.as_str(), post.content.as_str())).collect()
    }

    pub(crate) fn ids(&self) -> Vec<&str> {
        self.posts.keys().map(String::as_str).collect()
    }
}
