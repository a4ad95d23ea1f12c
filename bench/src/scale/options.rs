//! What is asked for, and whether the machine has it.

use std::{fmt, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};

use crate::machine::{self, Snapshot};

pub(super) struct Options {
    pub(super) readers: usize,
    pub(super) nodes: usize,
    pub(super) updates: usize,
    pub(super) adapter: String,
    pub(super) heartbeat: Duration,
    /// For how long the readers are watched with nothing to read.
    pub(super) idle: Duration,
    /// Bytes of memory that are left alone.
    pub(super) keep_free: f64,
}

impl Options {
    pub(super) fn parse(arguments: &[&str]) -> Result<Self> {
        let (mut readers, mut nodes, mut updates, mut heartbeat, mut idle, mut keep_free) =
            (1_000_000, None, 5, 25, 25, 4);
        let mut adapter = "axum".to_owned();
        let mut arguments = arguments.iter();
        while let Some(&option) = arguments.next() {
            let value = arguments.next().with_context(|| format!("{option} needs a value"))?;
            let number = || value.parse::<usize>().with_context(|| format!("{option} needs a number"));
            match option {
                "--readers" => readers = number()?,
                "--nodes" => nodes = Some(number()?),
                "--updates" => updates = number()?,
                "--adapter" => adapter = (*value).to_owned(),
                "--heartbeat" => heartbeat = number()?,
                "--idle" => idle = number()?,
                "--keep-free" => keep_free = number()?,
                other => bail!("unknown option {other}; see cargo xtask help"),
            }
        }
        let nodes = nodes.unwrap_or_else(|| readers.div_ceil(readers_of_a_process()));
        ensure!(readers >= nodes && nodes >= 1, "every node needs a reader, and there is one node at least");
        ensure!(updates >= 1 && heartbeat >= 1, "--updates and --heartbeat are at least 1");
        let seconds = |seconds: usize| Duration::from_secs(seconds as u64);
        let (heartbeat, idle, keep_free) = (seconds(heartbeat), seconds(idle), keep_free as f64 * 1e9);
        Ok(Self { readers, nodes, updates, adapter, heartbeat, idle, keep_free })
    }

    pub(super) fn readers_of(&self, node: usize) -> usize {
        self.readers / self.nodes + usize::from(node < self.readers % self.nodes)
    }

    /// # Errors
    /// Names the limit of the machine that is in the way.
    pub(super) fn check(&self) -> Result<()> {
        let (most, of_a_process) = (self.readers_of(0), readers_of_a_process());
        ensure!(
            most <= of_a_process,
            "a process may open {} files here, which are {of_a_process} readers; {} readers need {} nodes",
            machine::files_of_a_process(),
            self.readers,
            self.readers.div_ceil(of_a_process),
        );
        let (needed, left) = (2 * (self.readers + self.nodes * OTHER_FILES), machine::files_left()?);
        ensure!(needed <= left, "{needed} files are needed and {left} are left of fs.file-max; raise it with sysctl");
        let available = Snapshot::take()?.available - self.keep_free;
        let needed = self.readers as f64 * BYTES_OF_A_READER + self.nodes as f64 * BYTES_OF_A_NODE;
        ensure!(
            needed <= available,
            "{} readers need some {:.1} GB of memory, and there are {:.1} GB beside those that --keep-free leaves alone",
            self.readers,
            needed / 1e9,
            available.max(0.0) / 1e9,
        );
        Ok(())
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { readers, nodes, adapter, .. } = self;
        let each = self.readers_of(0);
        write!(
            f,
            "{readers} readers of one page over WebSocket, {nodes} nodes ({adapter}) of {each} at most, one Redis; "
        )?;
        write!(f, "{} updates, a heartbeat each {} s", self.updates, self.heartbeat.as_secs())
    }
}

fn readers_of_a_process() -> usize {
    machine::files_of_a_process().saturating_sub(OTHER_FILES).min(19_900)
}

/// What a process opens beside its readers' sockets.
const OTHER_FILES: usize = 100;

/// For the check before the start: the kernel's for both ends, the node's and the reader's own, rounded up.
const BYTES_OF_A_READER: f64 = 13e3;
/// A node without readers, and the process of its readers.
const BYTES_OF_A_NODE: f64 = 16e6;
