//! What every `Cargo.toml` says.

use serde_json::Value;

use crate::tidy::TrackedFile;
use crate::workspace::Package;

/// A reader of the registry's page learns what the crate is.
pub(crate) fn published_crates_describe_themselves(packages: &[Package]) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in packages.iter().filter(|package| package.is_published_crate()) {
        for &field in FIELDS {
            if is_empty(&package.fields[field]) {
                let key = field.replace('_', "-");
                complaints
                    .push(format!("{}/Cargo.toml: no `{key}`; every crate under crates/ has one", package.folder));
            }
        }
    }
    complaints
}

/// A member that does not inherit them is a member without them.
pub(crate) fn members_inherit_the_lints(packages: &[Package], files: &[TrackedFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in packages {
        let path = format!("{}/Cargo.toml", package.folder);
        let manifest = files.iter().find(|file| file.path == path);
        if manifest.is_some_and(|file| !file.text.contains("[lints]\nworkspace = true")) {
            complaints.push(format!("{path}: add `[lints]` with `workspace = true`"));
        }
    }
    complaints
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    }
}

/// As `cargo metadata` spells them.
const FIELDS: &[&str] = &["description", "keywords", "categories", "readme", "rust_version", "license"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::file;
    use serde_json::json;

    fn package(folder: &str, fields: Value) -> Package {
        Package { name: "live-core".to_owned(), folder: folder.to_owned(), dependencies: Vec::new(), fields }
    }

    #[test]
    fn a_crate_without_a_field_is_found() {
        let complete = json!({
            "description": "The core", "keywords": ["live"], "categories": ["asynchronous"],
            "readme": "README.md", "rust_version": "1.89", "license": "MIT OR Apache-2.0",
        });
        let check =
            |folder: &str, fields: &Value| published_crates_describe_themselves(&[package(folder, fields.clone())]);
        assert!(check("crates/live-core", &complete).is_empty());
        for field in FIELDS {
            let mut fields = complete.clone();
            fields[field] = json!(null);
            assert_eq!(check("crates/live-core", &fields).len(), 1, "{field}");
        }
        assert!(check("examples/axum", &json!({})).is_empty());
    }

    #[test]
    fn a_member_without_the_lints_is_found() {
        let packages = [package("crates/live-core", json!({}))];
        let check = |text: &str| {
            let files = [file("crates/live-core/Cargo.toml", text)];
            members_inherit_the_lints(&packages, &files).len()
        };
        assert_eq!(check("[package]\nname = \"live-core\"\n"), 1);
        assert_eq!(check("[lints]\nworkspace = true\n"), 0);
    }
}
