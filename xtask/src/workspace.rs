//! What `cargo metadata` says about our own packages.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The repository as cargo sees it.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// One workspace member.
pub(crate) struct Package {
    pub(crate) name: String,
    /// Relative to the root, such as `crates/live-core`.
    pub(crate) folder: String,
    pub(crate) dependencies: Vec<Dependency>,
    /// The package as cargo prints it, for rules about single fields.
    pub(crate) fields: Value,
}

/// A line under `[dependencies]`, `[dev-dependencies]` or `[build-dependencies]`.
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: DependencyKind,
    pub(crate) features: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DependencyKind {
    /// Normal and build dependencies: both come along with the package.
    Shipped,
    Dev,
}

impl Workspace {
    /// Asks cargo, so that xtask works from any folder of the repository and with any target folder.
    pub(crate) fn load() -> Result<Workspace> {
        let output = Command::new("cargo")
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .stderr(Stdio::inherit())
            .output()
            .context("cannot start cargo")?;
        if !output.status.success() {
            bail!("cargo metadata failed: {}", output.status);
        }
        Workspace::from_metadata(&serde_json::from_slice(&output.stdout)?)
    }

    /// Reads the parsed output of `cargo metadata`.
    pub(crate) fn from_metadata(metadata: &Value) -> Result<Workspace> {
        let root = PathBuf::from(text(metadata, "workspace_root")?);
        let packages = items(metadata, "packages")
            .iter()
            .map(|fields| Package::from_fields(fields, &root))
            .collect::<Result<_>>()?;
        Ok(Workspace { target: PathBuf::from(text(metadata, "target_directory")?), root, packages })
    }
}

impl Package {
    fn from_fields(fields: &Value, root: &Path) -> Result<Package> {
        let manifest = Path::new(text(fields, "manifest_path")?);
        let folder = manifest.parent().unwrap_or(root);
        let folder = folder.strip_prefix(root).unwrap_or(folder);
        Ok(Package {
            name: text(fields, "name")?.to_owned(),
            folder: folder.to_string_lossy().into_owned(),
            dependencies: items(fields, "dependencies").iter().map(Dependency::from_fields).collect::<Result<_>>()?,
            fields: fields.clone(),
        })
    }

    pub(crate) fn is_published_crate(&self) -> bool {
        self.folder.starts_with("crates/")
    }

    pub(crate) fn is_example(&self) -> bool {
        self.folder.starts_with("examples/")
    }
}

impl Dependency {
    fn from_fields(fields: &Value) -> Result<Dependency> {
        let kind = match fields["kind"].as_str() {
            Some("dev") => DependencyKind::Dev,
            _ => DependencyKind::Shipped,
        };
        let features = items(fields, "features").iter();
        Ok(Dependency {
            name: text(fields, "name")?.to_owned(),
            kind,
            features: features.filter_map(|feature| feature.as_str().map(str::to_owned)).collect(),
        })
    }
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str> {
    value[field].as_str().with_context(|| format!("cargo metadata has no text field `{field}`"))
}

fn items<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}
