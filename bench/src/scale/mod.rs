//! `live-bench scale`: very many readers of one page, on many nodes and one Redis, all on this machine.
//!
//! A process may open only so many files, so that there are many nodes, and for each a process of readers. Each update is published
//! by another node, and the next one when every reader has it.

mod options;
mod report;

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

use self::{options::Options, report::Report};
use crate::{
    addresses,
    latencies::Latencies,
    machine::{self, Snapshot},
    process::{self, Process},
};

/// A node, and the process of its readers, which is dropped first: a reader whose server goes has something to say.
struct Pair {
    readers: Process,
    node: Process,
    count: usize,
    /// Private bytes of the node before it had readers.
    empty_bytes: f64,
}

/// What processes needed between two moments.
#[derive(Debug, Clone, Copy)]
struct Cpu {
    nodes: Duration,
    readers: Duration,
    redis: Duration,
}

struct Run {
    pairs: Vec<Pair>,
    redis: Process,
    bus: String,
}

pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let options = Options::parse(arguments)?;
    options.check()?;
    println!("{}\n{}", machine::describe()?, machine::version("redis-server", &["--version"])?);
    println!("{options}\n");
    let before = Snapshot::take()?;
    let mut run = Run::start()?;
    let began = Instant::now();
    run.connect(&options)?;
    let connecting = began.elapsed();
    // The first update allocates what is made once.
    let mut number = 1;
    run.deliver(number)?;
    let mut report = Report::new(&options, &run, connecting, before, Snapshot::take()?)?;
    let (idle, from) = (run.cpu()?, Instant::now());
    thread::sleep(options.idle);
    report.idle(idle, run.cpu()?, from.elapsed());
    run.latencies()?;
    for _ in 0..options.updates {
        number += 1;
        let before = run.cpu()?;
        let took = run.deliver(number)?;
        report.update(took, before, run.cpu()?);
    }
    report.latencies(run.latencies()?);
    println!("{report}");
    Ok(())
}

impl Run {
    fn start() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder = std::env::temp_dir();
        let folder = folder.to_str().context("the folder for temporary files has a strange name")?;
        // It keeps nothing, so it leaves nothing behind.
        let arguments =
            ["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder];
        let redis = Process::keep("redis-server", &arguments, process::READERS)?;
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            ensure!(began.elapsed() < DEADLINE, "redis-server does not answer on port {port}");
            thread::sleep(Duration::from_millis(10));
        }
        Ok(Self { redis, bus: format!("redis://127.0.0.1:{port}"), pairs: Vec::new() })
    }

    /// # Errors
    /// A limit of the machine is in the way.
    fn connect(&mut self, options: &Options) -> Result<()> {
        for index in 0..options.nodes {
            let left = Snapshot::take()?.available;
            if left < options.keep_free {
                let readers: usize = self.pairs.iter().map(|pair| pair.count).sum();
                bail!("{:.1} GB of memory are left with {readers} readers; --keep-free says where to stop", left / 1e9);
            }
            let pair = self.pair(options, index).with_context(|| format!("node {index}"))?;
            self.pairs.push(pair);
            if (index + 1) % 10 == 0 {
                println!("{} nodes have their readers", index + 1);
            }
        }
        Ok(())
    }

    fn pair(&self, options: &Options, index: usize) -> Result<Pair> {
        let heartbeat = options.heartbeat.as_secs().to_string();
        let mut node = Process::start(&["live", &options.adapter, &self.bus, "1", &heartbeat], process::SERVERS)?;
        let printed = node.line(DEADLINE)?;
        let (address, prefix) = printed.split_once(' ').context("a server prints its address and prefix")?;
        let empty_bytes = node.private_bytes()?;
        let count = options.readers_of(index);
        let source = addresses::take(count).to_string();
        let mut readers = Process::start(
            &["readers", "websocket", address, prefix, &count.to_string(), "0..1", &source],
            process::READERS,
        )?;
        ensure!(readers.line(PATIENCE)? == "connected", "the readers did not connect");
        Ok(Pair { node, readers, count, empty_bytes })
    }

    /// Publishes at one of the nodes and waits until every reader has the update. Returns how long the last of them waited.
    fn deliver(&mut self, number: usize) -> Result<Duration> {
        let publisher = number % self.pairs.len();
        self.pairs[publisher].node.say(number)?;
        let mut longest = 0;
        for (index, pair) in self.pairs.iter_mut().enumerate() {
            let line = pair
                .readers
                .line(PATIENCE)
                .with_context(|| format!("update {number} at the readers of node {index}"))?;
            let (reached, nanos) = line.split_once(' ').context("readers print number and time")?;
            ensure!(reached.parse() == Ok(number), "update {reached} came in the place of {number}");
            longest = longest.max(nanos.parse()?);
        }
        Ok(Duration::from_nanos(longest))
    }

    fn cpu(&self) -> Result<Cpu> {
        let sum = |of: fn(&Pair) -> &Process| self.pairs.iter().map(|pair| of(pair).cpu()).sum::<Result<Duration>>();
        Ok(Cpu { nodes: sum(|pair| &pair.node)?, readers: sum(|pair| &pair.readers)?, redis: self.redis.cpu()? })
    }

    /// Of the deliveries since the last call, those of the slowest process of readers.
    fn latencies(&mut self) -> Result<Latencies> {
        self.pairs.iter_mut().try_fold(Latencies::default(), |worst, pair| {
            pair.readers.say("summary")?;
            Ok(worst.worst(pair.readers.line(DEADLINE)?.parse()?))
        })
    }
}

const DEADLINE: Duration = Duration::from_secs(20);

/// For what very many readers do on very few cores.
const PATIENCE: Duration = Duration::from_secs(300);
