//! `cargo xtask bench`: what a reader costs, against a bare loop of `write` calls over as many sockets in the same run.
//!
//! The server has core 0 to itself where the machine has two, its readers core 1. CPU is the scheduler's own count, memory the
//! process's private pages. Nothing here decides whether a test passes.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::Workspace;

struct Plan {
    readers: usize,
    updates: usize,
    rounds: usize,
}

/// What one server needed.
struct Figures {
    bytes_per_reader: f64,
    micros_per_delivery: f64,
    deliveries_per_second: f64,
}

/// The limit, and Live under each adapter; actix in its two ways.
const SERVERS: [&str; 6] = ["bare", "axum", "warp", "tungstenite", "actix-lean", "actix"];

pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let plan = parse(args)?;
    let workspace = Workspace::load()?;
    let status = Command::new("cargo")
        .args(["build", "--release", "--package", "live-bench"])
        .current_dir(&workspace.root)
        .status()?;
    ensure!(status.success(), "live-bench does not build");
    let program = workspace.target.join("release/live-bench");
    println!("{} readers, {} updates, medians of {} rounds\n", plan.readers, plan.updates, plan.rounds);
    let mut figures = SERVERS.map(|_| Vec::new());
    for _ in 0..plan.rounds {
        // Interleaved, so that whatever else the machine does meets all of them.
        for (server, figures) in SERVERS.iter().zip(&mut figures) {
            figures.push(measure(&program, server, &plan)?);
        }
    }
    report(&figures);
    Ok(ExitCode::SUCCESS)
}

fn parse(args: &[String]) -> Result<Plan> {
    let mut plan = Plan { readers: 5_000, updates: 50, rounds: 3 };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let target = match arg.as_str() {
            "--readers" => &mut plan.readers,
            "--updates" => &mut plan.updates,
            "--rounds" => &mut plan.rounds,
            other => bail!("unknown option {other}; there are --readers N, --updates N and --rounds N"),
        };
        *target = args.next().context("the option needs a number")?.parse().context("the option needs a number")?;
    }
    ensure!((1..=15_000).contains(&plan.readers), "--readers is 1 to 15000: a process may open only so many files");
    ensure!(plan.updates > 0 && plan.rounds > 0, "--updates and --rounds are at least 1");
    Ok(plan)
}

fn measure(program: &Path, server: &str, plan: &Plan) -> Result<Figures> {
    let mut server = Process::start(program, &[server], 0)?;
    let printed = server.line()?;
    let (address, path) = printed.split_once(' ').context("a server prints its address and path")?;
    let before = server.private_bytes()?;
    let count = plan.readers.to_string();
    let mut readers = Process::start(program, &["readers", address, path, &count], 1)?;
    ensure!(readers.line()? == "connected", "the readers did not connect");
    // The first update allocates what is made once; its cost is not a reader's.
    deliver(&mut server, &mut readers)?;
    thread::sleep(Duration::from_secs(1));
    let bytes_per_reader = (server.private_bytes()? - before) / plan.readers as f64;
    let (cpu, began) = (server.cpu()?, Instant::now());
    for _ in 0..plan.updates {
        deliver(&mut server, &mut readers)?;
    }
    let deliveries = (plan.readers * plan.updates) as f64;
    let micros_per_delivery = (server.cpu()? - cpu).as_secs_f64() * 1e6 / deliveries;
    Ok(Figures {
        bytes_per_reader,
        micros_per_delivery,
        deliveries_per_second: deliveries / began.elapsed().as_secs_f64(),
    })
}

fn deliver(server: &mut Process, readers: &mut Process) -> Result<()> {
    server.input.write_all(b"\n")?;
    ensure!(readers.line()? == "all", "the update did not reach all readers");
    Ok(())
}

fn report(figures: &[Vec<Figures>; SERVERS.len()]) {
    let [bare, ..] = figures;
    println!(
        "{:<12} {:>20} {:>14} {:>14} {:>17}",
        "", "CPU µs per delivery", "to bare write", "deliveries/s", "bytes per reader"
    );
    for (server, figures) in SERVERS.iter().zip(figures) {
        let column = |read: fn(&Figures) -> f64| median(figures.iter().map(read).collect());
        // In the same round, because the machine is not the same in all.
        let ratio = |(own, bare): (&Figures, &Figures)| own.micros_per_delivery / bare.micros_per_delivery;
        println!(
            "{server:<12} {:>20.2} {:>14.2} {:>14.0} {:>17.0}",
            column(|figures| figures.micros_per_delivery),
            median(figures.iter().zip(bare).map(ratio).collect()),
            column(|figures| figures.deliveries_per_second),
            column(|figures| figures.bytes_per_reader),
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A process of the benchmark, ended when dropped.
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(program: &Path, args: &[&str], core: usize) -> Result<Self> {
        let mut command = pinned(program, core);
        let mut child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().context("no standard input")?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        Ok(Self { child, input, output })
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "a process of the benchmark ended");
        Ok(line.trim().to_owned())
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.child.id()))
    }

    /// The time that its threads had a processor, in the kernel and out of it.
    fn cpu(&self) -> Result<Duration> {
        let mut nanos = 0;
        for task in fs::read_dir(self.proc("task"))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            nanos += text.split_whitespace().next().and_then(|nanos| nanos.parse::<u64>().ok()).context("schedstat")?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    fn private_bytes(&self) -> Result<f64> {
        let status = fs::read_to_string(self.proc("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("RssAnon")?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes * 1024.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `taskset` is part of util-linux; without it, or with one core, the figures include more of what else goes on.
fn pinned(program: &Path, core: usize) -> Command {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if cores < 2 || Command::new("taskset").arg("--version").output().is_err() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string()]).arg(program);
    command
}
