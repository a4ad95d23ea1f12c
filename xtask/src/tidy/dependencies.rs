//! Who may depend on whom, as `docs/architecture.md` draws it.

use crate::tidy::ADAPTERS;
use crate::workspace::{Dependency, DependencyKind, Package};

/// The arrows between our crates point one way.
pub(crate) fn directions(packages: &[Package]) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in packages {
        for dependency in &package.dependencies {
            let target = packages.iter().find(|other| other.name == dependency.name);
            if let Some(rule) = broken_rule(package, dependency, target) {
                complaints.push(format!(
                    "{}/Cargo.toml: {} depends on {}, but {rule}",
                    package.folder, package.name, dependency.name
                ));
            }
        }
    }
    complaints
}

/// `target` is the dependency's package where it is one of ours.
fn broken_rule(package: &Package, dependency: &Dependency, target: Option<&Package>) -> Option<&'static str> {
    let name = dependency.name.as_str();
    let is_shipped = dependency.kind == DependencyKind::Shipped;
    if package.name == "live-sync" && (name == "tokio" || target.is_some()) {
        return Some(
            "loom recompiles all that live-sync uses, so it stays without tokio and without our crates; move the code that needs it to live-core",
        );
    }
    let target = target?;
    if package.is_published_crate() && !target.is_published_crate() {
        return Some("crates know nothing of the examples and of xtask; move the shared code into a crate");
    }
    if is_shipped && name == "live-conformance" && !package.is_example() {
        return Some("live-conformance is for tests; put it under [dev-dependencies]");
    }
    if package.name == "live-core" && is_shipped && name != "live-sync" {
        return Some("the core knows only live-sync among ours; move the code into live-core or call it from outside");
    }
    if !ADAPTERS.contains(&package.name.as_str()) {
        return None;
    }
    if ADAPTERS.contains(&name) {
        return Some("adapters do not know each other; move what they share into live-core");
    }
    if is_shipped && name != "live-core" {
        return Some("an adapter knows only live-core among ours; offer what it needs from there");
    }
    None
}

/// The frameworks' own WebSockets bring a second tungstenite and large buffers for each connection.
pub(crate) fn frameworks_without_their_websocket(packages: &[Package]) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in packages {
        for dependency in &package.dependencies {
            for (framework, feature) in WEBSOCKET_FEATURES {
                if dependency.name == *framework && dependency.features.iter().any(|name| name == feature) {
                    complaints.push(format!(
                        "{}/Cargo.toml: {framework} with `{feature}`; leave the feature out, Live takes the bare stream after the upgrade",
                        package.folder
                    ));
                }
            }
        }
    }
    complaints
}

const WEBSOCKET_FEATURES: &[(&str, &str)] = &[("axum", "ws"), ("warp", "websocket")];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;
    use serde_json::{Value, json};

    fn package(folder: &str, name: &str, dependencies: Value) -> Value {
        let manifest_path = format!("/repo/{folder}/Cargo.toml");
        json!({"name": name, "manifest_path": manifest_path, "dependencies": dependencies})
    }

    /// A workspace of every kind of member, in which `folder` (of `name`) has the given dependency.
    fn packages(folder: &str, name: &str, dependency: Value) -> Vec<Package> {
        let metadata = json!({
            "workspace_root": "/repo",
            "target_directory": "/repo/target",
            "packages": [
                package("crates/x-sync", "live-sync", json!([])),
                package("crates/x-core", "live-core", json!([])),
                package("crates/x-axum", "live-axum", json!([])),
                package("crates/x-server", "live-server", json!([])),
                package("crates/x-conformance", "live-conformance", json!([])),
                package("examples/x-page", "live-example-page", json!([])),
                package(folder, name, json!([dependency])),
            ],
        });
        Workspace::from_metadata(&metadata).unwrap().packages
    }

    fn complaints(folder: &str, name: &str, dependency: &str, kind: Option<&str>) -> Vec<String> {
        let dependency = json!({"name": dependency, "kind": kind, "features": []});
        directions(&packages(folder, name, dependency))
    }

    #[test]
    fn arrows_against_the_direction_are_found() {
        let wrong = [
            ("crates/live-sync", "live-sync", "tokio", None),
            ("crates/live-sync", "live-sync", "live-core", Some("dev")),
            ("crates/live-core", "live-core", "live-axum", None),
            ("crates/live-core", "live-core", "live-conformance", None),
            ("crates/live-warp", "live-warp", "live-axum", None),
            ("crates/live-warp", "live-warp", "live-axum", Some("dev")),
            ("crates/live-warp", "live-warp", "live-sync", None),
            ("crates/live-server", "live-server", "live-conformance", None),
            ("crates/live-warp", "live-warp", "live-example-page", Some("dev")),
        ];
        for (folder, name, dependency, kind) in wrong {
            let found = complaints(folder, name, dependency, kind);
            assert_eq!(found.len(), 1, "{name} on {dependency}: {found:?}");
        }
    }

    #[test]
    fn arrows_in_the_direction_pass() {
        let right = [
            ("crates/live-sync", "live-sync", "slab", None),
            ("crates/live-core", "live-core", "live-sync", None),
            ("crates/live-core", "live-core", "live-conformance", Some("dev")),
            ("crates/live-warp", "live-warp", "live-core", None),
            ("crates/live-server", "live-server", "live-axum", None),
            ("crates/live-conformance", "live-conformance", "live-core", None),
            ("examples/axum", "example-axum", "live-example-page", None),
        ];
        for (folder, name, dependency, kind) in right {
            let found = complaints(folder, name, dependency, kind);
            assert!(found.is_empty(), "{found:?}");
        }
    }

    #[test]
    fn a_framework_with_its_websocket_is_found() {
        let with = |features: Value| {
            let dependency = json!({"name": "axum", "kind": null, "features": features});
            frameworks_without_their_websocket(&packages("crates/live-axum", "live-axum", dependency))
        };
        assert_eq!(with(json!(["http1", "ws"])).len(), 1);
        assert!(with(json!(["http1"])).is_empty());
    }
}
