//! `cargo xtask tidy`: the rules of CONTRIBUTING.md that a machine can see.
//!
//! Each check is a function from what it looks at to its complaints, and each complaint says what to do.

mod dependencies;
mod documents;
mod lock_files;
mod manifests;
mod sources;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// A file that is in git, or would be with the next `git add`.
pub(crate) struct TrackedFile {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    if let Some(arg) = args.first() {
        bail!("tidy takes no arguments, but got `{arg}`");
    }
    let workspace = Workspace::load()?;
    let files = tracked_files(&workspace.root)?;
    let complaints = check(&workspace, &files);
    for complaint in &complaints {
        println!("tidy: {complaint}");
    }
    if complaints.is_empty() {
        println!("tidy: {} files, nothing to say", files.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!("tidy: {} complaint(s)", complaints.len());
    Ok(ExitCode::FAILURE)
}

fn check(workspace: &Workspace, files: &[TrackedFile]) -> Vec<String> {
    let packages = &workspace.packages;
    [
        dependencies::directions(packages),
        dependencies::frameworks_without_their_websocket(packages),
        manifests::published_crates_describe_themselves(packages),
        manifests::members_inherit_the_lints(packages, files),
        lock_files::one_tungstenite(files),
        lock_files::no_hosts_in_package_locks(files),
        sources::no_claims_that_cannot_fail(files),
        sources::files_hold_one_idea(files),
        sources::adapters_stay_thin(files),
        sources::no_registry_hosts(files),
        documents::links_lead_somewhere(files),
        documents::quotes_are_true(files),
    ]
    .concat()
}

fn tracked_files(root: &Path) -> Result<Vec<TrackedFile>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start git, which lists the files to check")?;
    if !output.status.success() {
        bail!("git ls-files failed: {}", output.status);
    }
    let mut files = Vec::new();
    for path in String::from_utf8_lossy(&output.stdout).split_terminator('\0') {
        // git also lists a file that was deleted and not yet committed, and a submodule's folder.
        if let Ok(bytes) = fs::read(root.join(path)) {
            files.push(TrackedFile { path: path.to_owned(), text: String::from_utf8_lossy(&bytes).into_owned() });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    Ok(files)
}

/// The crates that translate between a framework and the core, and do nothing else.
pub(crate) const ADAPTERS: &[&str] = &["live-axum", "live-actix", "live-warp", "live-tungstenite"];

#[cfg(test)]
pub(crate) fn file(path: &str, text: &str) -> TrackedFile {
    TrackedFile { path: path.to_owned(), text: text.to_owned() }
}
