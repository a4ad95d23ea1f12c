//! `cargo xtask cluster`: nodes of different adapters on one Redis, killed while readers hop between them, at full size.

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::workspace::Workspace;

pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let mut args = args.iter();
    let mut command = Command::new("cargo");
    // As `test-all` builds it, so that nothing is built twice.
    command.args(["test", "--workspace", "--test", "cluster", "--", "--nocapture", "play::"]);
    command.env("LIVE_TEST_SIZE", "long");
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--short" => command.env("LIVE_TEST_SIZE", "short"),
            "--messages" => {
                command.env("LIVE_MESSAGES", std::path::absolute(args.next().context("--messages needs a file")?)?)
            }
            other => bail!("unknown option {other}; there are --short and --messages FILE"),
        };
    }
    let status = command.current_dir(&Workspace::load()?.root).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
