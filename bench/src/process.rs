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

use anyhow::{Context, Result, bail};

use crate::machine;

/// Servers have this core to themselves where the machine has two.
pub(crate) const SERVERS: &str = "0";
/// What the figures are not about.
pub(crate) const READERS: &str = "1";
/// For servers that are to show what a second core is worth.
pub(crate) const TWO: &str = "0,1";

/// Where readers of a server with two cores are: on a third one, if the machine has it.
pub(crate) fn beside_two() -> &'static str {
    if cores() > 2 { "2" } else { TWO }
}

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
    pub(crate) fn start(arguments: &[&str], cores: &str) -> Result<Self> {
        let mut child = pinned(cores)?.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        let (tell, lines) = mpsc::channel();
        // Ends with the process. Only by a thread can the wait for a line have a deadline.
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        let measured = child.id();
        Ok(Self { child, input, lines, measured })
    }

    /// Another program, which ends when this one does.
    pub(crate) fn keep(program: &str, arguments: &[&str], cores: &str) -> Result<Self> {
        Self::start_keeper(&[&["keep", program], arguments].concat(), cores)
    }

    /// This program in the role of one that keeps another, which is what is measured. It says first which process that is.
    pub(crate) fn start_keeper(arguments: &[&str], cores: &str) -> Result<Self> {
        let mut process = Self::start(arguments, cores)?;
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

    /// A line that is there already.
    pub(crate) fn line_if_any(&mut self) -> Result<Option<String>> {
        match self.lines.try_recv() {
            Ok(line) => Ok(Some(line)),
            Err(mpsc::TryRecvError::Empty) => Ok(None),
            Err(mpsc::TryRecvError::Disconnected) => bail!("a process of the benchmark ended: {}", self.child.wait()?),
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
        self.measured()?.iter().map(|process| machine::private_bytes(process)).sum()
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
fn pinned(cores: &str) -> Result<Command> {
    let program = std::env::current_exe()?;
    if self::cores() < 2 || Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_err() {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", cores]).arg(program);
    Ok(command)
}

/// Of the machine.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
