//! Keeps another program for as long as standard input is open, so that it ends with whoever wanted it, however that one ended.

use std::{
    io::{self, Read},
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

/// Prints the id of the program's process.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.spawn().with_context(|| format!("{program} does not start; is it installed?"))?;
    println!("{}", child.id());
    let id = Pid::from_child(&child);
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock().take(u64::MAX), &mut io::sink());
        kill_process(id, Signal::KILL)
    });
    let status = child.wait()?;
    anyhow::ensure!(status.code().is_none(), "{program} ended: {status}");
    Ok(())
}
