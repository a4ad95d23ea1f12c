//! `cargo xtask faults`: what happens to readers and publishers when something happens to their bus, at full size.

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::workspace::Workspace;

pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let (mut bus, mut case, mut size) = (String::new(), String::new(), "long");
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--short" => size = "short",
            // As modules of tests are named.
            "--bus" => bus = args.next().context("--bus needs a name")?.replace('+', "_"),
            "--case" => case = args.next().context("--case needs a name")?.clone(),
            other => bail!("unknown option {other}; there are --bus NAME, --case NAME and --short"),
        }
    }
    let filter = match (bus.as_str(), case.as_str()) {
        ("", "") => "faults::cases::".to_owned(),
        ("", case) => case.to_owned(),
        (bus, case) => format!("faults::cases::{bus}::{case}"),
    };
    let mut command = Command::new("cargo");
    // As `test-all` builds it, so that nothing is built twice. One at a time, so that the figures are its own.
    command.args(["test", "--workspace", "--test", "cluster", "--", "--nocapture", "--test-threads", "1", &filter]);
    let status = command.env("LIVE_TEST_SIZE", size).current_dir(&Workspace::load()?.root).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
