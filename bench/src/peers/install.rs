//! Where peers come from: the packages of their own world, in a folder of their own.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

/// A package of npm, if `program` is not there.
pub(super) fn npm_package(folder: &Path, package: &str, program: &Path) -> Result<()> {
    if program.exists() {
        return Ok(());
    }
    run("npm", &["install", "--no-audit", "--no-fund", "--prefix", path(folder)?, package])
}

/// Python's packages in an environment of their own, if they are not there.
pub(super) fn venv(folder: &Path, packages: &[&str]) -> Result<()> {
    let (environment, done, wanted) = (folder.join("venv"), folder.join("installed"), packages.join(" "));
    if fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    run("python3", &["-m", "venv", "--clear", path(&environment)?])?;
    let pip = environment.join("bin/pip");
    run(path(&pip)?, &[&["install", "--quiet", "--disable-pip-version-check"], packages].concat())?;
    Ok(fs::write(done, wanted)?)
}

/// A small project of cargo's, optimised if this program is.
pub(super) fn build(folder: &Path) -> Result<()> {
    let (manifest, target) = (folder.join("Cargo.toml"), folder.join("target"));
    let mut arguments = vec!["build", "--quiet", "--locked", "--manifest-path", path(&manifest)?];
    arguments.extend(["--target-dir", path(&target)?]);
    arguments.extend((!cfg!(debug_assertions)).then_some("--release"));
    run("cargo", &arguments)
}

/// Of a project's dependency.
pub(super) fn locked_version(folder: &Path, package: &str) -> Result<String> {
    let lock = fs::read_to_string(folder.join("Cargo.lock"))?;
    let entry = lock.split_once(&format!("name = \"{package}\"\nversion = \"")).context("not in Cargo.lock")?;
    Ok(entry.1.split('"').next().unwrap_or_default().to_owned())
}

pub(super) fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status();
    let status = status.with_context(|| format!("{program} is not installed"))?;
    ensure!(status.success(), "{program} {}: {status}", arguments.join(" "));
    Ok(())
}

pub(super) fn path(path: &Path) -> Result<&str> {
    path.to_str().context("a folder with a strange name")
}

pub(super) const PROFILE_FOLDER: &str = if cfg!(debug_assertions) { "debug" } else { "release" };
