//! A process that is measured: started on a core of its own, spoken to by lines, and ended with its value.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

/// Servers have this core to themselves where the machine has two.
pub(crate) const SERVERS: usize = 0;
/// What the figures are not about.
pub(crate) const READERS: usize = 1;

/// A process of the benchmark. Its standard input is open for as long as this value lives, and it ends with it.
pub(crate) struct Process {
    child: Child,
    /// Always there; an option because it is closed first.
    input: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    /// The process that the figures are of; another one only where this one keeps it.
    measured: u32,
}

impl Process {
    /// This program again, in another role.
    pub(crate) fn start(arguments: &[&str], core: usize) -> Result<Self> {
        let mut child = pinned(core)?.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        let (tell, lines) = mpsc::channel();
        // Ends with the process. Only by a thread can the wait for a line have a deadline.
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        let measured = child.id();
        Ok(Self { child, input, lines, measured })
    }

    /// Another program, which ends when this one does.
    pub(crate) fn keep(program: &str, arguments: &[&str], core: usize) -> Result<Self> {
        Self::start_keeper(&[&["keep", program], arguments].concat(), core)
    }

    /// This program in the role of one that keeps another, which is what is measured. It says first which process that is.
    pub(crate) fn start_keeper(arguments: &[&str], core: usize) -> Result<Self> {
        let mut process = Self::start(arguments, core)?;
        process.measured = process.line(Duration::from_secs(10))?.parse()?;
        Ok(process)
    }

    pub(crate) fn say(&mut self, line: impl std::fmt::Display) -> Result<()> {
        let input = self.input.as_mut().context("no standard input")?;
        // At once, so that nobody reads half a line.
        input.write_all(format!("{line}\n").as_bytes()).context("a process of the benchmark has ended")
    }

    pub(crate) fn line(&mut self, deadline: Duration) -> Result<String> {
        match self.lines.recv_timeout(deadline) {
            Ok(line) => Ok(line),
            Err(mpsc::RecvTimeoutError::Timeout) => bail!("nothing came of it within {deadline:?}"),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                bail!("a process of the benchmark ended: {}", self.child.wait()?)
            }
        }
    }

    /// The time that its threads had a processor, in the kernel and out of it.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let mut nanos = 0;
        for process in self.measured()? {
            for task in fs::read_dir(process.join("task"))? {
                let text = fs::read_to_string(task?.path().join("schedstat"))?;
                nanos +=
                    text.split_whitespace().next().and_then(|nanos| nanos.parse::<u64>().ok()).context("schedstat")?;
            }
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Memory that is its own.
    pub(crate) fn private_bytes(&self) -> Result<f64> {
        let mut kilobytes = 0.0;
        for process in self.measured()? {
            let status = fs::read_to_string(process.join("status"))?;
            let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("RssAnon")?;
            kilobytes += line.trim().trim_end_matches(" kB").parse::<f64>()?;
        }
        Ok(kilobytes * 1024.0)
    }

    /// Of the process, and of those that it has started, such as the workers of nginx.
    fn measured(&self) -> Result<Vec<PathBuf>> {
        let id = self.measured;
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
        let ids = children.split_whitespace().map(str::to_owned).chain([id.to_string()]);
        Ok(ids.map(|id| PathBuf::from(format!("/proc/{id}"))).collect())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.input.take());
        // What keeps another process has to end that one first, which the end of its input tells it.
        if self.measured == self.child.id() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// `taskset` is part of util-linux; without it, or with one core, the figures include more of what else goes on.
fn pinned(core: usize) -> Result<Command> {
    let program = std::env::current_exe()?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if cores < 2 || Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_err() {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string()]).arg(program);
    ensure!(core < cores, "there is no core {core}");
    Ok(command)
}
