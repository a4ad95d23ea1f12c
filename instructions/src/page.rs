//! A page with its log, and the copy of it that readers see, without a bus.

use anyhow::{Context, Result};
use live_core::{
    Config, Epoch, PostId, Render, Update,
    page::{Numbered, Page, View, ViewLimits},
};

/// Updates are numbered by it; the copies are brought up to date by hand.
pub(crate) struct Log {
    pub(crate) page: Page,
    config: Config,
    now: u64,
}

/// A post of a few sentences.
pub(crate) const POST_BYTES: usize = 500;

impl Log {
    /// A page with this many posts.
    pub(crate) fn new(posts: usize) -> Result<Self> {
        let config = Config::default();
        let page = Page::new(Epoch::from_bits(1), config.max_tombstones);
        // Microseconds since the Unix epoch, with as many digits as they have today.
        let mut log = Self { page, config, now: 1_800_000_000_000_000 };
        let posts = (0..posts).map(|post| render(post, POST_BYTES)).collect::<Result<Vec<_>>>()?;
        log.publish(Update::replace(posts))?;
        Ok(log)
    }

    /// The copy that readers see, with no frames yet.
    pub(crate) fn view(&self) -> View {
        let limits = ViewLimits {
            ring_frames: self.config.ring_frames,
            ring_bytes: self.config.ring_bytes,
            conflated_bytes: self.config.conflated_bytes,
            conflate_after: self.config.conflate_after,
            grace: self.config.grace.as_micros() as u64,
        };
        View::new(self.page.clone(), limits)
    }

    /// What a publish of the update is announced as. The page stays as it is.
    pub(crate) fn number(&self, update: Update) -> Result<Numbered> {
        let numbered = self.page.number(update, self.now, Epoch::from_bits(2), &self.config.page)?;
        numbered.context("the update changes nothing")
    }

    pub(crate) fn publish(&mut self, update: Update) -> Result<Numbered> {
        self.now += 1_000_000;
        let numbered = self.number(update)?;
        self.page.apply(&numbered)?;
        Ok(numbered)
    }

    /// Publishes a post, new or edited.
    pub(crate) fn edit(&mut self, post: usize, bytes: usize) -> Result<Numbered> {
        self.publish(Update::new().render(render(post, bytes)?))
    }
}

/// A post with so many bytes of HTML, some of which are escaped in JSON.
pub(crate) fn render(post: usize, bytes: usize) -> Result<Render> {
    let id = PostId::new(format!("post-{post}"))?;
    let text = "<p class=\"text\">Nothing new.</p>\n".repeat(bytes.div_ceil(33));
    Ok(Render::new(id, &text[..bytes]))
}
