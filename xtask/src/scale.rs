//! `cargo xtask scale`: very many readers on many nodes and one Redis, all on this machine.

use std::process::ExitCode;

use anyhow::Result;

use crate::bench;

pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    bench::run_program("scale", args)
}
