//! The site's database: a list of posts in memory.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use askama::Template;
use own_adapter::{ChannelId, PageSource, PostId, Render, SourceFuture, Update};

/// The page that there is.
pub(crate) const CHANNEL: &str = "blog";

/// Posts by their number.
#[derive(Default)]
pub(crate) struct Posts(Mutex<BTreeMap<u64, Post>>);

/// One post: its HTML is the same in the page and in an update.
#[derive(Clone, Template)]
#[template(path = "post.html")]
pub(crate) struct Post {
    id: u64,
    text: String,
    is_shown: bool,
}

impl Posts {
    /// Does what a line says, and returns what changed; `None` if it can not be done.
    pub(crate) fn apply(&self, line: &str) -> Option<Update> {
        let mut posts = self.lock();
        let Some(command) = line.strip_prefix('/') else {
            let id = posts.keys().next_back().map_or(1, |last| last + 1);
            posts.insert(id, Post { id, text: line.to_owned(), is_shown: true });
            return Some(Update::new().render(posts.get(&id)?.render()?));
        };
        let mut words = command.splitn(3, ' ');
        let (command, id) = (words.next()?, words.next()?.parse().ok()?);
        match command {
            "edit" => posts.get_mut(&id)?.text = words.next()?.to_owned(),
            "hide" => posts.get_mut(&id)?.is_shown = false,
            "delete" => {
                posts.remove(&id)?;
                return Some(Update::new().remove(PostId::new(id.to_string()).ok()?));
            }
            _ => return None,
        }
        Some(Update::new().render(posts.get(&id)?.render()?))
    }

    /// The posts that the page shows, newest first.
    pub(crate) fn shown(&self) -> Vec<Post> {
        self.lock().values().rev().filter(|post| post.is_shown).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Post>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Post {
    fn render(&self) -> Option<Render> {
        let id = PostId::new(self.id.to_string()).ok()?;
        if !self.is_shown {
            return Some(Render::hidden(id));
        }
        Render::raw(id, Template::render(self).ok()?).ok()
    }
}

/// What Live asks for when its bus does not hold the page whole: after a restart, for example.
impl PageSource for Posts {
    fn load<'a>(&'a self, channel: &'a ChannelId) -> SourceFuture<'a> {
        Box::pin(async move {
            let posts = self.lock();
            Ok((channel.as_str() == CHANNEL).then(|| posts.values().filter_map(Post::render).collect()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_posts_and_commands_change_them() {
        let posts = Posts::default();
        let added = posts.apply("Kick-off! <b>").unwrap();
        assert_eq!(
            added.renders().next().unwrap().html(),
            Some("<article data-post-id=\"1\"><p>Kick-off! &#60;b&#62;</p></article>")
        );
        posts.apply("Goal!").unwrap();
        assert!(posts.apply("/edit 2 Goal, 1-0!").unwrap().renders().next().unwrap().html().unwrap().contains("1-0"));
        assert_eq!(posts.apply("/hide 2").unwrap().renders().next().unwrap().html(), None);
        assert_eq!(posts.apply("/delete 1").unwrap().removals().next().unwrap().as_str(), "1");
        assert!(posts.shown().is_empty());
        for line in ["/delete 1", "/edit 2", "/edit x y", "/unknown 2", "/"] {
            assert!(posts.apply(line).is_none(), "{line}");
        }
    }
}
