//! What the machine is.

use std::{fs, process::Command, thread};

use anyhow::{Context, Result};

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
        version("rustc", "--version")?
    ))
}

/// What a program says its version is.
pub(crate) fn version(program: &str, option: &str) -> Result<String> {
    let output = Command::new(program).arg(option).output().with_context(|| format!("{program} is not installed"))?;
    // nginx says it on standard error.
    let said = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    Ok(String::from_utf8_lossy(&said).lines().next().unwrap_or("").trim().to_owned())
}

fn memory(field: &'static str) -> Result<f64> {
    let text = fs::read_to_string("/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).context(field)?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0)
}
