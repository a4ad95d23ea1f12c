//! The project's own commands: `cargo xtask test-all`, `cargo xtask tidy`, `cargo xtask bench`, `cargo xtask scale`, `cargo xtask instructions`,
//! `cargo xtask autobahn`, `cargo xtask cluster` and `cargo xtask faults`.
//!
//! One file per command; this one only picks it. What the steps of `test-all` run is in `plan.rs`.

mod autobahn;
mod bench;
mod cluster;
mod failures;
mod faults;
mod install;
mod instructions;
mod plan;
mod process_group;
mod scale;
mod step;
mod tally;
mod test_all;
mod tidy;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    run(&args).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(args: &[String]) -> Result<ExitCode> {
    let Some((command, rest)) = args.split_first() else {
        bail!("no command given\n\n{}", usage());
    };
    if rest.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("{}", usage());
        return Ok(ExitCode::SUCCESS);
    }
    match command.as_str() {
        "test-all" => test_all::run(rest),
        "tidy" => tidy::run(rest),
        "bench" => bench::run(rest),
        "instructions" => instructions::run(rest),
        "scale" => scale::run(rest),
        "autobahn" => autobahn::run(rest),
        "cluster" => cluster::run(rest),
        "faults" => faults::run(rest),
        "help" | "--help" | "-h" => {
            println!("{}", usage());
            Ok(ExitCode::SUCCESS)
        }
        other => bail!("there is no command `{other}`\n\n{}", usage()),
    }
}

fn usage() -> String {
    format!(
        "\
cargo xtask test-all [--long] [--verbose] [--only STEP]...
    Runs every check and every test. `--long` runs the same cases at full size,
    `--verbose` shows the output of each step as it comes, `--only` picks steps of:
    {}
cargo xtask tidy
    Checks the rules of CONTRIBUTING.md that a machine can see.
cargo xtask bench [--rounds N] [--with PEER,...] [--only ROW]... [--readers N] [--updates N]
                  [--into FOLDER]
    Measures what a reader costs, against a bare loop of write calls, and writes
    docs/performance.md with its plots; with --only, --readers or --updates it prints, and
    writes only into a FOLDER. Peers (bun, nchan, starlette, websockets, naive-axum,
    socketioxide) are installed when they are asked for.
cargo xtask instructions [--bless]
    Counts the instructions of what runs for every reader and every update, and
    compares with the stored counts; `--bless` stores them. See docs/instructions.md.
cargo xtask scale [--readers N] [--nodes N] [--adapter NAME] [--updates N] [--heartbeat S]
                  [--idle S] [--keep-free GB]
    Holds a million readers of one page (or N) on nodes with one Redis, all on this machine,
    and measures what they need. It stops before --keep-free (4) GB of memory are left.
cargo xtask autobahn --wstest PATH [--adapter NAME]... [--cases 1.*,2.1,...] [--bless]
    Runs the Autobahn test suite against every adapter and compares with the stored
    result; `--bless` stores what it finds. See docs/autobahn.md.
cargo xtask cluster [--short] [--messages FILE]
    Plays messages (or the JSON lines of FILE: id, speaker, text) into three nodes of
    different adapters on one Redis, which are killed while readers hop between them.
cargo xtask faults [--bus NAME] [--case NAME] [--short]
    Makes a bus (redis, redis+pubsub, redis+channels) suffer everything that can happen to it, and prints
    what publishers and readers saw of it.",
        plan::names().join(", ")
    )
}
