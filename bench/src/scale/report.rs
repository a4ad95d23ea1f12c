//! What a run has shown, as lines to read.

use std::{fmt, time::Duration};

use anyhow::Result;

use super::{Cpu, Options, Run};
use crate::{latencies::Latencies, machine::Snapshot};

pub(super) struct Report {
    readers: f64,
    connecting: Duration,
    /// Bytes of one reader: of the node's own, of the reader's, of the kernel for both ends.
    of_node: f64,
    of_reader: f64,
    of_kernel: f64,
    in_sockets: f64,
    /// Bytes of all processes and the kernel, by what the machine has less.
    of_machine: f64,
    empty_node: f64,
    redis_bytes: f64,
    left: f64,
    idle: Option<(Cpu, Duration)>,
    updates: Vec<(Duration, Cpu)>,
    latencies: Latencies,
}

impl Report {
    pub(super) fn new(
        options: &Options,
        run: &Run,
        connecting: Duration,
        before: Snapshot,
        now: Snapshot,
    ) -> Result<Self> {
        let (mut nodes, mut empty, mut readers) = (0.0, 0.0, 0.0);
        for pair in &run.pairs {
            nodes += pair.node.private_bytes()?;
            empty += pair.empty_bytes;
            readers += pair.readers.private_bytes()?;
        }
        let count = options.readers as f64;
        Ok(Self {
            readers: count,
            connecting,
            of_node: (nodes - empty) / count,
            of_reader: readers / count,
            of_kernel: (now.slab - before.slab) / count,
            in_sockets: (now.in_sockets - before.in_sockets) / count,
            of_machine: (before.available - now.available) / count,
            empty_node: empty / options.nodes as f64,
            redis_bytes: run.redis.private_bytes()?,
            left: now.available,
            idle: None,
            updates: Vec::new(),
            latencies: Latencies::default(),
        })
    }

    pub(super) fn idle(&mut self, before: Cpu, after: Cpu, time: Duration) {
        self.idle = Some((after - before, time));
    }

    pub(super) fn update(&mut self, took: Duration, before: Cpu, after: Cpu) {
        self.updates.push((took, after - before));
    }

    pub(super) fn latencies(&mut self, of_the_slowest: Latencies) {
        self.latencies = of_the_slowest;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kilobytes = |bytes: f64| format!("{:.2} KB", bytes / 1e3);
        let seconds = self.connecting.as_secs_f64();
        writeln!(f, "connected in {seconds:.1} s, {:.0} a second, one node after the other", self.readers / seconds)?;
        writeln!(f, "\nmemory of one reader")?;
        writeln!(f, "  the node's own             {}", kilobytes(self.of_node))?;
        writeln!(
            f,
            "  the kernel's, both ends    {} and {} in sockets",
            kilobytes(self.of_kernel),
            kilobytes(self.in_sockets)
        )?;
        writeln!(f, "  the reading program's      {}", kilobytes(self.of_reader))?;
        writeln!(f, "  what the machine has less  {}; {:.1} GB are left", kilobytes(self.of_machine), self.left / 1e9)?;
        writeln!(
            f,
            "a node without readers has   {:.1} MB, Redis {:.1} MB",
            self.empty_node / 1e6,
            self.redis_bytes / 1e6
        )?;
        if let Some((cpu, time)) = &self.idle {
            let part = |cpu: Duration| 100.0 * cpu.as_secs_f64() / time.as_secs_f64();
            writeln!(
                f,
                "\nidle for {:.0} s, in % of a core: nodes {:.1}, readers {:.1}, Redis {:.2}",
                time.as_secs_f64(),
                part(cpu.nodes),
                part(cpu.readers),
                part(cpu.redis)
            )?;
        }
        writeln!(f, "\nupdate   to the last reader   CPU µs per delivery: nodes   readers   CPU µs of Redis")?;
        for (index, (took, cpu)) in self.updates.iter().enumerate() {
            let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / self.readers;
            let (took, redis) = (took.as_secs_f64() * 1e3, cpu.redis.as_secs_f64() * 1e6);
            writeln!(
                f,
                "{:>6} {took:>17.1} ms {:>28.2} {:>9.2} {redis:>17.0}",
                index + 1,
                each(cpu.nodes),
                each(cpu.readers)
            )?;
        }
        let [median, high, most] = [0.5, 0.99, 1.0].map(|part| self.latencies.within(part));
        writeln!(
            f,
            "from publish to a reader, of the slowest process of readers: median {median:.1} ms, p99 {high:.1} ms, last {most:.1} ms"
        )?;
        let deliveries = self.readers * self.updates.len() as f64;
        write!(f, "\nevery reader got every update: {deliveries:.0} deliveries, none missing, none twice")
    }
}

impl std::ops::Sub for Cpu {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            nodes: self.nodes.saturating_sub(before.nodes),
            readers: self.readers.saturating_sub(before.readers),
            redis: self.redis.saturating_sub(before.redis),
        }
    }
}
