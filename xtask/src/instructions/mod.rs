//! `cargo xtask instructions`: how many instructions the parts of Live take that run for every reader and every update, counted by
//! callgrind and compared with the stored counts.
//!
//! A count is the same on a busy machine and on an idle one, so a small rise is seen that no clock would show.

mod counts;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use self::counts::{Compiler, Counts, Finding, Stored};
use crate::workspace::Workspace;

pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let is_blessing = match args {
        [] => false,
        [option] if option == "--bless" => true,
        _ => bail!("unknown options {}; there is --bless", args.join(" ")),
    };
    let workspace = Workspace::load()?;
    let began = Instant::now();
    build(&workspace)?;
    let (built, compiler) = (began.elapsed(), Compiler::find(&workspace.root)?);
    let counts = count_all(&workspace)?;
    let file = workspace.root.join(STORED);
    let counted = began.elapsed() - built;
    println!("{compiler}; built in {:.0} s, counted in {:.0} s\n", built.as_secs_f64(), counted.as_secs_f64());
    let stored = Stored::load(&file);
    println!("{}", table(&counts, stored.as_ref().map_or(&Counts::new(), |stored| &stored.counts)));
    if is_blessing {
        Stored { compiler, counts }.save(&file)?;
        println!("stored in {STORED}");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(judge(&stored?, &compiler, &counts))
}

/// Under a profile of its own, so that no other build is done anew for it.
fn build(workspace: &Workspace) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--profile", PROFILE, "--package", "live-instructions", "--bin", PROGRAM]);
    let status = cargo.current_dir(&workspace.root).status()?;
    ensure!(status.success(), "live-instructions does not build");
    Ok(())
}

fn count_all(workspace: &Workspace) -> Result<Counts> {
    let program = workspace.target.join(PROFILE).join(PROGRAM);
    let folder = workspace.target.join("callgrind");
    fs::create_dir_all(&folder)?;
    let names = output(&mut Command::new(&program))?;
    names.lines().map(|name| Ok((name.to_owned(), count(&program, name, &folder)?))).collect()
}

/// Instructions for doing it once. What callgrind saw stays in the folder, for `callgrind_annotate`.
fn count(program: &Path, name: &str, folder: &Path) -> Result<u64> {
    let file = folder.join(format!("{name}.out"));
    let mut callgrind = Command::new("valgrind");
    callgrind.args(["--quiet", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*run_counted*"]);
    callgrind.arg(format!("--callgrind-out-file={}", file.display())).arg(program).arg(name);
    let times: u64 = output(&mut callgrind)?.trim().parse().context("a scenario prints how often it ran")?;
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let total = total(&text).with_context(|| format!("{} has no summary", file.display()))?;
    ensure!(total > 0, "callgrind has seen nothing of {name}: the function that it looks into has gone");
    Ok(total.div_ceil(times.max(1)))
}

fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot start `{program}`; is it installed and in PATH?"))?;
    ensure!(output.status.success(), "`{program}` failed: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// The line `summary: 12018000` of callgrind's file.
fn total(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("summary:"))?.trim().parse().ok()
}

fn table(counts: &Counts, stored: &Counts) -> String {
    let mut lines = vec![format!("{:<12}{:>14}{:>12}{:>10}", "", "instructions", "stored", "change")];
    for (name, count) in counts {
        lines.push(match stored.get(name) {
            Some(&stored) => format!("{name:<12}{count:>14}{stored:>12}{:>+9.1}%", counts::percent(*count, stored)),
            None => format!("{name:<12}{count:>14}"),
        });
    }
    lines.join("\n") + "\n"
}

fn judge(stored: &Stored, compiler: &Compiler, counts: &Counts) -> ExitCode {
    let tolerance = stored.tolerance(compiler);
    println!("{}", tolerance.explain(&stored.compiler));
    let findings = tolerance.compare(&stored.counts, counts);
    findings.iter().for_each(|finding| println!("{finding}"));
    if findings.iter().any(Finding::is_for_the_worse) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

const STORED: &str = "instructions/expected.json";

const PROGRAM: &str = "live-scenario";

const PROFILE: &str = "instructions";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_read_from_what_callgrind_writes() {
        assert_eq!(total("version: 1\nevents: Ir\nsummary: 12018000\n\nfn=(1) main\n"), Some(12_018_000));
        assert_eq!(total("version: 1\n"), None);
    }

    #[test]
    fn the_stored_counts_are_of_one_compiler_and_of_something() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let stored = Stored::load(&root.join(STORED)).unwrap();
        assert!(stored.compiler.version.starts_with("rustc 1."), "{}", stored.compiler);
        assert!(stored.counts.len() >= 8 && stored.counts.values().all(|count| *count > 0));
    }
}
