//! The steps of `test-all`, the cheap ones first: what each runs and what it needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};

use crate::install::{Program, find_python};
use crate::workspace::Workspace;

/// One line of the table that `test-all` prints.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) needs: &'static [Program],
    /// The steps whose results this one uses; they run first, also with `--only`.
    pub(crate) after: &'static [&'static str],
    pub(crate) tests: Tests,
    /// No commands: nothing to do.
    pub(crate) commands: fn(&Workspace) -> Result<Vec<Command>>,
}

/// Whether a step runs tests. Where it does, none is a failure: a green run must have tested something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tests {
    Some,
    None,
}

/// Everything, in order.
///
/// All cargo steps see the whole workspace with dev-dependencies' features, so that there are two
/// dependency trees at most, one built and one checked. Loom has a third, tiny one: its `cfg` changes every crate. And one small
/// package is built optimised, to count its instructions.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        needs: &[],
        after: &[],
        tests: Tests::None,
        commands: |_| Ok(vec![cargo("fmt --all --check")]),
    },
    Step { name: "tidy", needs: &[], after: &[], tests: Tests::None, commands: |_| Ok(vec![own_command("tidy")?]) },
    Step {
        name: "clippy",
        needs: &[Program::CCompiler],
        after: &[],
        tests: Tests::None,
        commands: |_| Ok(vec![cargo("clippy --workspace --all-targets -- -D warnings")]),
    },
    Step {
        name: "test",
        needs: &[Program::CCompiler, Program::RedisServer, Program::RedisSentinel],
        after: &[],
        tests: Tests::Some,
        commands: |_| Ok(vec![cargo("test --workspace --no-fail-fast")]),
    },
    Step { name: "loom", needs: &[], after: &[], tests: Tests::Some, commands: loom },
    Step {
        name: "instructions",
        needs: &[Program::CCompiler, Program::Valgrind],
        after: &[],
        tests: Tests::None,
        commands: |_| Ok(vec![own_command("instructions")?]),
    },
    Step { name: "doc", needs: &[Program::CCompiler], after: &[], tests: Tests::None, commands: doc },
    Step {
        name: "js-install",
        needs: &[Program::Node, Program::Npm],
        after: &[],
        tests: Tests::None,
        commands: js_install,
    },
    Step {
        name: "js-check",
        needs: &[Program::Node, Program::Npm],
        after: &["js-install"],
        tests: Tests::None,
        commands: |workspace| Ok(vec![npm(workspace, "run check")]),
    },
    Step {
        name: "js-test",
        needs: &[Program::Node, Program::Npm],
        after: &["js-install"],
        tests: Tests::Some,
        commands: |workspace| Ok(vec![npm(workspace, "test")]),
    },
    Step {
        name: "js-browser",
        needs: &[Program::Node, Program::Npm, Program::Chromium],
        after: &["js-install"],
        tests: Tests::Some,
        commands: |workspace| Ok(vec![npm(workspace, "run test:browser")]),
    },
    Step {
        name: "browser",
        needs: &[Program::CCompiler, Program::Node, Program::Npm, Program::Chromium, Program::RedisServer],
        after: &["js-install"],
        tests: Tests::Some,
        commands: browser,
    },
    Step {
        name: "balancers",
        needs: &[
            Program::CCompiler,
            Program::Node,
            Program::Npm,
            Program::Chromium,
            Program::RedisServer,
            Program::Nginx,
            Program::HaProxy,
        ],
        after: &["js-install"],
        tests: Tests::Some,
        commands: |workspace| Ok(vec![build_programs(), node_tests(workspace, &["tests/balancers"])?]),
    },
    Step {
        name: "wagtail-install",
        needs: &[Program::Python3Venv],
        after: &[],
        tests: Tests::None,
        commands: wagtail_install,
    },
    Step {
        name: "wagtail",
        needs: &[
            Program::CCompiler,
            Program::Node,
            Program::Npm,
            Program::Chromium,
            Program::RedisServer,
            Program::Nginx,
        ],
        after: &["js-install", "wagtail-install"],
        tests: Tests::Some,
        commands: wagtail,
    },
];

/// The names that `--only` takes.
pub(crate) fn names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

/// The steps called `only` with those that they come after, or all of them.
pub(crate) fn select(only: &[String]) -> Result<Vec<&'static Step>> {
    if let Some(unknown) = only.iter().find(|name| !names().contains(&name.as_str())) {
        bail!("there is no step `{unknown}`; the steps are {}", names().join(", "));
    }
    let is_chosen = |step: &Step| only.iter().any(|name| name == step.name);
    let is_needed = |step: &Step| STEPS.iter().any(|other| is_chosen(other) && other.after.contains(&step.name));
    Ok(STEPS.iter().filter(|step| only.is_empty() || is_chosen(step) || is_needed(step)).collect())
}

/// In a process of its own, so that its messages are logged as those of every other step.
fn own_command(name: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(name);
    Ok(command)
}

fn loom(workspace: &Workspace) -> Result<Vec<Command>> {
    let mut command = cargo("test -p live-sync --target-dir");
    command.arg(workspace.target.join("loom")).env("RUSTFLAGS", "--cfg loom");
    Ok(vec![command])
}

/// `--examples` is for its side effect: it turns on dev-dependencies' features, and so finds the
/// dependencies that clippy has checked already.
fn doc(_: &Workspace) -> Result<Vec<Command>> {
    let mut command = cargo("doc --workspace --no-deps --lib --bins --examples");
    command.env("RUSTDOCFLAGS", "-D warnings");
    Ok(vec![command])
}

/// Nothing to do while npm's own copy of the lock file is as new as ours.
fn js_install(workspace: &Workspace) -> Result<Vec<Command>> {
    let lock = workspace.root.join("js/package-lock.json");
    let wanted = modified(&lock).with_context(|| format!("{} is missing; run `npm install` in js/", lock.display()))?;
    let installed = modified(&workspace.root.join("js/node_modules/.package-lock.json"));
    if installed.is_some_and(|installed| installed >= wanted) {
        return Ok(Vec::new());
    }
    Ok(vec![npm(workspace, "ci --no-audit --no-fund")])
}

/// The examples in a real browser.
fn browser(workspace: &Workspace) -> Result<Vec<Command>> {
    Ok(vec![build_programs(), node_tests(workspace, &["tests/browser"])?])
}

/// The unmodified Wagtail Live, of which nothing is in the repository. Nothing to do while what is installed is what is asked for.
fn wagtail_install(workspace: &Workspace) -> Result<Vec<Command>> {
    let wanted = workspace.root.join("tests/wagtail/requirements.txt");
    let folder = wagtail_folder(workspace);
    let installed = folder.join("installed.txt");
    let text = fs::read(&wanted).with_context(|| format!("cannot read {}", wanted.display()))?;
    if fs::read(&installed).is_ok_and(|installed| installed == text) {
        return Ok(Vec::new());
    }
    let mut environment = Command::new(find_python().context("there is no python3 with venv")?);
    environment.args(["-m", "venv", "--clear"]).arg(&folder);
    let mut pip = Command::new(folder.join("bin/pip"));
    // All is named, so there is nothing to resolve; and compiling what is never imported takes longer than all tests.
    pip.args(["install", "--no-deps", "--no-compile", "--disable-pip-version-check", "-r"]).arg(&wanted);
    let mut remember = Command::new("cp");
    remember.arg(&wanted).arg(&installed);
    Ok(vec![environment, pip, remember])
}

fn wagtail_folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("wagtail")
}

/// Sites with the unmodified Wagtail Live, and Live in the place of its servers. And what else needs Python's libraries.
fn wagtail(workspace: &Workspace) -> Result<Vec<Command>> {
    let mut tests = node_tests(workspace, &["tests/wagtail", "tests/redis"])?;
    tests.env("LIVE_WAGTAIL", wagtail_folder(workspace));
    Ok(vec![build_programs(), tests])
}

/// With `--tests`, or the features would differ from the test step's.
fn build_programs() -> Command {
    cargo("build --workspace --bins --tests")
}

/// All tests in some folders, which find our programs by the variable.
fn node_tests(workspace: &Workspace, folders: &[&str]) -> Result<Command> {
    let mut node = Command::new("node");
    node.arg("--test");
    for folder in folders {
        node.args(test_files(&workspace.root.join(folder))?);
    }
    node.env("LIVE_EXAMPLES", workspace.target.join("debug"));
    Ok(node)
}

/// Named one by one, because versions of node differ in what they make of a folder.
fn test_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.to_string_lossy();
        if name.ends_with(".test.js") || name.ends_with(".test.mjs") {
            files.push(path);
        }
    }
    if files.is_empty() {
        bail!("{} has no *.test.js or *.test.mjs", folder.display());
    }
    files.sort();
    Ok(files)
}

fn cargo(args: &str) -> Command {
    let mut command = Command::new("cargo");
    command.args(args.split(' '));
    command
}

fn npm(workspace: &Workspace, args: &str) -> Command {
    let mut command = Command::new("npm");
    command.args(args.split(' ')).current_dir(workspace.root.join("js"));
    command
}

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|data| data.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(only: &[&str]) -> Vec<&'static str> {
        let only: Vec<String> = only.iter().map(|&name| name.to_owned()).collect();
        let steps = select(&only).unwrap();
        steps.iter().map(|step| step.name).collect()
    }

    #[test]
    fn without_a_choice_all_steps_run() {
        assert_eq!(chosen(&[]), names());
    }

    #[test]
    fn a_step_brings_the_steps_that_it_comes_after() {
        assert_eq!(chosen(&["js-test", "fmt"]), ["fmt", "js-install", "js-test"]);
        assert_eq!(chosen(&["wagtail"]), ["js-install", "wagtail-install", "wagtail"]);
    }

    #[test]
    fn an_unknown_step_is_refused_with_the_names_of_the_known() {
        let error = select(&["clipy".to_owned()]).err().unwrap();
        assert!(error.to_string().contains("clippy"), "{error}");
    }

    #[test]
    fn a_step_comes_after_an_earlier_one() {
        for (index, step) in STEPS.iter().enumerate() {
            let earlier = &names()[..index];
            assert!(step.after.iter().all(|name| earlier.contains(name)));
        }
    }
}
