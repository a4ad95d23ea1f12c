//! What a change costs on a page with so many posts, without a bus and without readers.

use std::time::Instant;

use anyhow::{Context as _, Result};
use live_core::{
    Config, Epoch, PageLimits, PostId, Render, Update,
    page::{Numbered, Page, View, ViewLimits},
};

use crate::{machine, median::median};

/// Prints medians of so many updates in microseconds: of an edit's becoming part of the page, of the question of a reader who lacks this
/// one, and of the frame for the first reader who lacks a hundred; then what memory grew by in as many updates more, and in ten times as
/// many.
pub(crate) fn run(posts: usize, updates: usize) -> Result<()> {
    let mut page = LongPage::new(posts)?;
    let (mut apply, mut since, mut conflate) = (Vec::new(), Vec::new(), Vec::new());
    let mut cursors = Vec::new();
    // The conflated frames afterwards: making one leaves nothing else in the processor's caches.
    for time in 0..2 * updates.max(BEHIND) {
        let before = page.view.page().cursor();
        let numbered = page.number_an_edit()?;
        let applied = Timed::of(|| page.view.apply(&numbered));
        applied.result?;
        cursors.push(before);
        if time < updates.max(BEHIND) {
            apply.push(applied.micros);
            since.push(Timed::of(|| page.view.since(before, FEW)).micros);
        } else {
            conflate.push(Timed::of(|| page.view.since(cursors[time - BEHIND], FEW)).micros);
        }
    }
    let mut grown = Vec::new();
    let before = machine::own_private_bytes()?;
    for more in [updates, 9 * updates] {
        for _ in 0..more {
            let numbered = page.number_an_edit()?;
            page.view.apply(&numbered)?;
            for behind in FAR_BEHIND {
                page.view.since(cursors[cursors.len() - behind], FEW);
            }
            cursors.remove(0);
            cursors.push(numbered.cursor);
        }
        grown.push(machine::own_private_bytes()? - before);
    }
    let micros = [apply, since, conflate].map(|mut micros| format!("{:.4}", median(&mut micros)));
    println!("{} {:.0} {:.0}", micros.join(" "), grown[0], grown[1]);
    Ok(())
}

struct Timed<T> {
    result: T,
    micros: f64,
}

impl<T> Timed<T> {
    fn of(work: impl FnOnce() -> T) -> Self {
        let began = Instant::now();
        let result = work();
        Self { result, micros: began.elapsed().as_secs_f64() * 1e6 }
    }
}

/// The log of a page as a bus has it, and the copy that readers see.
struct LongPage {
    log: Page,
    view: View,
    limits: PageLimits,
    posts: usize,
    /// Microseconds since the Unix epoch, with as many digits as they have today.
    now: u64,
    edits: usize,
}

impl LongPage {
    fn new(posts: usize) -> Result<Self> {
        let config = Config::default();
        let limits =
            PageLimits { max_posts: posts, max_update_items: posts, max_page_bytes: usize::MAX, ..config.page };
        let view_limits = ViewLimits {
            ring_frames: config.ring_frames,
            ring_bytes: config.ring_bytes,
            conflated_bytes: config.conflated_bytes,
            conflate_after: config.conflate_after,
            grace: u64::try_from(config.grace.as_micros())?,
        };
        let log = Page::new(Epoch::from_bits(1), config.max_tombstones);
        let view = View::new(log.clone(), view_limits);
        let mut page = Self { log, view, limits, posts, now: 1_800_000_000_000_000, edits: 0 };
        let all = (0..posts).map(render).collect::<Result<Vec<_>>>()?;
        let numbered = page.number(Update::replace(all))?;
        page.view.apply(&numbered)?;
        Ok(page)
    }

    /// An edit of one post, in no order that an index could like.
    fn number_an_edit(&mut self) -> Result<Numbered> {
        self.edits += 1;
        let post = self.edits * STRIDE % self.posts;
        let edited = Render::new(PostId::new(post.to_string())?, format!("{:0600}", self.edits));
        self.number(Update::new().render(edited))
    }

    fn number(&mut self, update: Update) -> Result<Numbered> {
        self.now += 1_000;
        let numbered = self.log.number(update, self.now, Epoch::from_bits(2), &self.limits)?;
        let numbered = numbered.context("the update changes nothing")?;
        self.log.apply(&numbered)?;
        Ok(numbered)
    }
}

fn render(post: usize) -> Result<Render> {
    Ok(Render::new(PostId::new(post.to_string())?, "x".repeat(600)))
}

/// Updates that the second reader lacks.
const BEHIND: usize = 100;
/// And readers who have frames made while the memory is watched.
const FAR_BEHIND: [usize; 2] = [10, 100];
/// Frames that a reader gets one by one.
const FEW: usize = 8;
const STRIDE: usize = 7_919;
