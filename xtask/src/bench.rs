//! `cargo xtask bench`: what a reader costs, against a bare loop of `write` calls over as many sockets in the same run.
//!
//! The program that measures is the package `live-bench`, optimised; its own tests run it small.

use std::process::{Command, ExitCode};

use anyhow::{Result, ensure};

use crate::workspace::Workspace;

pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let mut args = args.to_vec();
    // Only figures that are all of one run, and of the usual size, are worth a page.
    if !args.iter().any(|arg| ["--only", "--readers", "--updates", "--into"].contains(&arg.as_str())) {
        args.extend(["--into".to_owned(), "docs".to_owned()]);
    }
    run_program("table", &args)
}

/// Builds the program and runs one of its commands.
pub(crate) fn run_program(command: &str, args: &[String]) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let build = ["build", "--release", "--package", "live-bench"];
    let status = Command::new("cargo").args(build).current_dir(&workspace.root).status()?;
    ensure!(status.success(), "live-bench does not build");
    let program = workspace.target.join("release/live-bench");
    let status = Command::new(program).arg(command).args(args).current_dir(&workspace.root).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
