//! What two copies of a page have to agree in, whoever numbered them: everything but the numbers that a clock gave.

use std::collections::BTreeSet;

use live_core::page::Page;

/// A page without its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    /// In the order of their places.
    posts: Vec<PostPicture>,
    removed: BTreeSet<String>,
    whole: bool,
    has_log: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct PostPicture {
    id: String,
    html: Option<String>,
    /// Where the publisher chose it.
    sort: Option<u64>,
    rev: Option<u64>,
}

impl Picture {
    pub(crate) fn of(page: &Page) -> Self {
        let posts = page.posts().map(|post| PostPicture {
            id: post.id.to_string(),
            html: post.html().map(str::to_owned),
            sort: post.is_placed().then(|| post.sort().number()),
            rev: post.rev(),
        });
        Self {
            posts: posts.collect(),
            removed: page.removed().map(ToString::to_string).collect(),
            whole: page.is_whole(),
            has_log: page.has_log(),
        }
    }
}
