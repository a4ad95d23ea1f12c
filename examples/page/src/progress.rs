//! How far a replay is: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressStyle};

pub(crate) struct Progress {
    total: usize,
    done: usize,
    /// `None` where nobody could watch it move.
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn new(total: usize) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("replay {wide_bar} {pos}/{len} {msg}");
            ProgressBar::new(total as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { total, done: 0, bar }
    }

    /// So many posts are on the page already.
    pub(crate) fn begin(&mut self, known: usize) {
        self.done = known;
        match &self.bar {
            Some(bar) => bar.set_position(known as u64),
            None if known > 0 => eprintln!("replay: {known} of {} posts are on the page already", self.total),
            None => eprintln!("replay: {} posts", self.total),
        }
    }

    /// So many more are posted, the last of them from this second of the file.
    pub(crate) fn posted(&mut self, count: usize, at: f64) {
        let before = self.done;
        self.done += count;
        match &self.bar {
            Some(bar) => {
                bar.set_message(format!("T+{}", crate::render::clock(at as u64)));
                bar.inc(count as u64);
            }
            // One line for each tenth: a log wants milestones, not motion.
            None if self.done * 10 / self.total > before * 10 / self.total => {
                eprintln!("replay: {} of {} posts", self.done, self.total)
            }
            None => {}
        }
    }

    pub(crate) fn finished(&self) {
        match &self.bar {
            Some(bar) => bar.finish_with_message("done"),
            None => eprintln!("replay: done"),
        }
    }

    pub(crate) fn failed(&self, error: &anyhow::Error) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
        eprintln!("replay: stopped: {error:#}");
    }
}
