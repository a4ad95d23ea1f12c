//! What a command says beside its output: on standard error, past a progress bar.

use std::fmt::Display;

use indicatif::ProgressBar;

/// Where notices go.
#[derive(Debug, Clone)]
pub(crate) enum Notices {
    /// Nowhere.
    Off,
    /// To standard error, a line each.
    On,
    /// Above a bar that moves.
    Above(ProgressBar),
}

impl Notices {
    /// Says something, unless the user wants to hear nothing.
    pub(crate) fn say(&self, notice: impl Display) {
        match self {
            Self::Off => {}
            Self::On => eprintln!("live: {notice}"),
            Self::Above(bar) => bar.suspend(|| eprintln!("live: {notice}")),
        }
    }
}

/// The switch that turns notices off.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct NoticeArgs {
    /// Say nothing on standard error but what ends the command
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl From<NoticeArgs> for Notices {
    fn from(args: NoticeArgs) -> Self {
        if args.quiet { Self::Off } else { Self::On }
    }
}
