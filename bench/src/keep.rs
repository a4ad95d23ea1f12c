//! Keeps another program for as long as standard input is open, so that it ends with whoever wanted it, however that one ended.

use std::{
    io,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

/// A process that ends with this value.
pub(crate) struct Kept(Child);

impl Kept {
    pub(crate) fn new(child: Child) -> Self {
        Self(child)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Asked first, so that a program which has processes of its own ends them.
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let began = Instant::now();
        while began.elapsed() < DEADLINE && self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Prints the id of the program's process.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    let kept = Kept::new(command.spawn().with_context(|| format!("{program} does not start; is it installed?"))?);
    println!("{}", kept.0.id());
    io::copy(&mut io::stdin().lock(), &mut io::sink())?;
    Ok(())
}

/// How long it may take to end.
const DEADLINE: Duration = Duration::from_secs(5);
