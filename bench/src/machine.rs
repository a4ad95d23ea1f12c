//! What the machine is, what it has left, and what its kernel holds for sockets.

use std::{fs, path::Path, process::Command, thread};

use anyhow::{Context, Result};
use rustix::process::{Resource, getrlimit};

/// Memory and sockets of the whole machine, at a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Snapshot {
    /// Bytes that programs could still have.
    pub(crate) available: f64,
    /// Bytes of the kernel's own objects, sockets for the most part.
    pub(crate) slab: f64,
    /// Bytes that wait in sockets to be sent or read.
    pub(crate) in_sockets: f64,
}

impl Snapshot {
    pub(crate) fn take() -> Result<Self> {
        Ok(Self { available: memory("MemAvailable")?, slab: memory("Slab")?, in_sockets: in_sockets()? })
    }
}

/// One line: processors, memory, kernel, compiler.
pub(crate) fn describe() -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("", |line| line.trim_matches([':', '\t', ' ']));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (memory, kernel) = (memory("MemTotal")? / f64::from(1 << 30), kernel.trim());
    Ok(format!(
        "{cores} cores ({model}), {memory:.0} GiB of memory, Linux {kernel}, {}",
        version("rustc", &["--version"])?
    ))
}

/// What a program says its version is.
pub(crate) fn version(program: &str, arguments: &[&str]) -> Result<String> {
    let output =
        Command::new(program).args(arguments).output().with_context(|| format!("{program} is not installed"))?;
    // nginx says it on standard error.
    let said = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    Ok(String::from_utf8_lossy(&said).lines().next().unwrap_or("").trim().to_owned())
}

/// Memory that is this process's own.
pub(crate) fn own_private_bytes() -> Result<f64> {
    private_bytes(Path::new("/proc/self"))
}

/// Of a process, by its folder.
pub(crate) fn private_bytes(process: &Path) -> Result<f64> {
    let status = fs::read_to_string(process.join("status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("RssAnon")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0)
}

/// Files that a process may open, sockets among them.
pub(crate) fn files_of_a_process() -> usize {
    getrlimit(Resource::Nofile).current.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

/// Files that all processes together may still open.
pub(crate) fn files_left() -> Result<usize> {
    let numbers = fs::read_to_string("/proc/sys/fs/file-nr")?;
    let numbers: Vec<usize> = numbers.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [open, _, limit] = numbers.as_slice() else { anyhow::bail!("file-nr") };
    Ok(limit.saturating_sub(*open))
}

fn memory(field: &'static str) -> Result<f64> {
    let text = fs::read_to_string("/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).context(field)?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0)
}

fn in_sockets() -> Result<f64> {
    let text = fs::read_to_string("/proc/net/sockstat")?;
    let pages = text.lines().find(|line| line.starts_with("TCP:")).and_then(|line| line.split(" mem ").nth(1));
    let pages: f64 = pages.context("sockstat")?.trim().parse()?;
    Ok(pages * rustix::param::page_size() as f64)
}
