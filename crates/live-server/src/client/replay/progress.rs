//! How far a replay is: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressStyle};

use super::super::notices::Notices;

pub(super) struct Progress {
    total: u64,
    done: u64,
    notices: Notices,
}

impl Progress {
    pub(super) fn new(total: u64, notices: Notices) -> Self {
        let notices = match notices {
            Notices::On if stderr().is_terminal() => {
                let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg}");
                let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
                Notices::Above(ProgressBar::new(total).with_style(style))
            }
            other => other,
        };
        Self { total, done: 0, notices }
    }

    pub(super) fn notices(&self) -> Notices {
        self.notices.clone()
    }

    /// So many more lines are published, the last of them from this second of the file.
    pub(super) fn published(&mut self, lines: u64, at: Option<f64>) {
        let before = self.done;
        self.done += lines;
        match &self.notices {
            Notices::Above(bar) => {
                if let Some(at) = at {
                    bar.set_message(clock(at));
                }
                bar.set_position(self.done);
            }
            // One line for each tenth: a log wants milestones, not motion.
            notices if self.done * 10 / self.total > before * 10 / self.total => {
                notices.say(format_args!("{} of {} lines", self.done, self.total));
            }
            _ => {}
        }
    }

    pub(super) fn finish(&self) {
        if let Notices::Above(bar) = &self.notices {
            bar.finish_and_clear();
        }
    }
}

fn clock(at: f64) -> String {
    // A float-to-integer `as` saturates.
    let seconds = at.abs() as u64;
    let sign = if at < 0.0 { '-' } else { '+' };
    format!("T{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_counts_from_the_files_zero() {
        assert_eq!(clock(4.0), "T+0:00:04");
        assert_eq!(clock(703_121.5), "T+195:18:41");
        assert_eq!(clock(-61.0), "T-0:01:01");
    }
}
