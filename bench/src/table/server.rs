//! A server by its name, and the readers that come to it.

use std::{ops::Range, time::Duration};

use anyhow::{Context as _, Result, ensure};

use crate::{
    addresses, peers,
    process::{self, Process},
};

pub(super) struct Server {
    pub(super) process: Process,
    /// What its readers speak.
    transport: &'static str,
    address: String,
    /// Where its routes are.
    prefix: String,
}

impl Server {
    /// With so many channels, on these cores.
    pub(super) fn start(name: &str, transport: &'static str, channels: usize, cores: &str) -> Result<Self> {
        let channels = channels.to_string();
        let peer = peers::find(name);
        let mut process = match (name, peer) {
            ("bare" | "bare-tokio", _) => Process::start(&[name, transport, &channels], cores)?,
            (peer, Some(_)) => Process::start_keeper(&["peer", peer], cores)?,
            (adapter, None) => Process::start(&["live", adapter, "memory:", &channels, NO_HEARTBEAT], cores)?,
        };
        let transport = peer.and_then(|peer| peer.speaks(transport)).unwrap_or(transport);
        let printed = process.line(DEADLINE)?;
        let (address, prefix) = printed.split_once(' ').context("a server prints its address and prefix")?;
        Ok(Self { process, transport, address: address.to_owned(), prefix: prefix.to_owned() })
    }

    /// So many readers of some of its channels, when all of them are connected.
    pub(super) fn readers(
        &self,
        count: usize,
        channels: Range<usize>,
        cursor: Option<&str>,
        cores: &str,
    ) -> Result<Process> {
        let source = addresses::take(count).to_string();
        let (count, channels) = (count.to_string(), format!("{}..{}", channels.start, channels.end));
        let mut arguments = vec!["readers", self.transport, &self.address, &self.prefix, &count, &channels, &source];
        arguments.extend(cursor);
        let mut readers = Process::start(&arguments, cores)?;
        ensure!(readers.line(PATIENCE)? == "connected", "the readers did not connect");
        Ok(readers)
    }

    /// One that reads so many bytes in a second.
    pub(super) fn slow_reader(&self, bytes: usize) -> Result<Process> {
        let mut reader = Process::start(&["slow", &self.address, &self.prefix, &bytes.to_string()], process::READERS)?;
        ensure!(reader.line(DEADLINE)? == "connected", "the slow reader did not connect");
        Ok(reader)
    }

    /// Publishes the next updates to each channel. Returns the number of the last.
    pub(super) fn publish(&mut self, number: usize, updates: usize) -> Result<usize> {
        (number + 1..=number + updates).try_for_each(|number| self.process.say(number))?;
        Ok(number + updates)
    }

    /// The server answers when it has done all that it was told before.
    pub(super) fn cursor(&mut self) -> Result<String> {
        self.process.say("cursor")?;
        self.process.line(DEADLINE)
    }
}

/// What readers print when the update of this number has reached all of them: how long the last one waited, in milliseconds.
pub(super) fn waited(line: &str, expected: usize) -> Result<f64> {
    let (number, nanos) = line.split_once(' ').context("readers print number and time")?;
    ensure!(number.parse() == Ok(expected), "update {number} came in the place of {expected}");
    Ok(nanos.parse::<f64>()? / 1e6)
}

/// Seconds; longer than all servers of a round are there. What heartbeats cost is shown by `cargo xtask scale`.
const NO_HEARTBEAT: &str = "36000";

/// For what is a matter of moments.
pub(super) const DEADLINE: Duration = Duration::from_secs(20);
/// For what very many readers do.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
