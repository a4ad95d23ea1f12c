//! What the lock files pin.

use crate::tidy::TrackedFile;

/// One protocol engine for all adapters: a second one would be another set of limits and faults.
pub(crate) fn one_tungstenite(files: &[TrackedFile]) -> Vec<String> {
    let Some(lock) = files.iter().find(|file| file.path == "Cargo.lock") else {
        return vec!["Cargo.lock: missing; commit it, so that everyone tests the same".to_owned()];
    };
    let count = lock.text.lines().filter(|line| *line == "name = \"tungstenite\"").count();
    if count == 1 {
        return Vec::new();
    }
    vec![format!(
        "Cargo.lock: {count} versions of tungstenite instead of one; `cargo tree --invert tungstenite` says who brings them"
    )]
}

/// An address in a lock file ties the install to one registry and breaks behind a mirror.
pub(crate) fn no_hosts_in_package_locks(files: &[TrackedFile]) -> Vec<String> {
    files
        .iter()
        .filter(|file| is_package_lock(&file.path) && file.text.contains("\"resolved\": \"http"))
        .map(|file| {
            format!(
                "{}: has \"resolved\" addresses; put `omit-lockfile-registry-resolved=true` into .npmrc beside it, delete it and run `npm install`",
                file.path
            )
        })
        .collect()
}

fn is_package_lock(path: &str) -> bool {
    path.rsplit('/').next() == Some("package-lock.json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::file;

    #[test]
    fn a_second_tungstenite_is_found() {
        let one = "[[package]]\nname = \"tungstenite\"\nversion = \"0.30.0\"\n";
        let other = "[[package]]\nname = \"tokio-tungstenite\"\nversion = \"0.30.0\"\n";
        let check = |text: &str| one_tungstenite(&[file("Cargo.lock", text)]).len();
        assert_eq!(check(&[one, other].concat()), 0);
        assert_eq!(check(&[one, other, one].concat()), 1);
        assert_eq!(check(other), 1);
        assert_eq!(one_tungstenite(&[]).len(), 1);
    }

    #[test]
    fn an_address_in_a_package_lock_is_found() {
        let check = |path: &str, text: &str| no_hosts_in_package_locks(&[file(path, text)]).len();
        let address = r#""resolved": "https://example.org/a.tgz""#;
        assert_eq!(check("js/package-lock.json", address), 1);
        assert_eq!(check("js/package-lock.json", r#""integrity": "sha512-""#), 0);
        assert_eq!(check("js/notes.json", address), 0);
    }
}
