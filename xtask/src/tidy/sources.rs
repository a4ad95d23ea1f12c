//! What stands in the files themselves.

use crate::tidy::{ADAPTERS, TrackedFile};

/// A test that is skipped or asserts nothing, and code that is not there yet, look like work that is done.
pub(crate) fn no_claims_that_cannot_fail(files: &[TrackedFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in rust(files) {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(claim) = CLAIMS.iter().find(|claim| line.contains(**claim)) {
                complaints.push(format!(
                    "{}:{}: `{claim}`; let the test run and assert something, write the code, or delete it",
                    file.path,
                    index + 1
                ));
            }
        }
    }
    complaints
}

/// Long files hide a second idea.
pub(crate) fn files_hold_one_idea(files: &[TrackedFile]) -> Vec<String> {
    rust(files)
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(file, lines)| {
            format!(
                "{}: {lines} lines, at most {MAX_LINES}; look for the second idea and give it a file of its own",
                file.path
            )
        })
        .collect()
}

/// An adapter translates. What grows beyond that is policy, and belongs to all of them.
pub(crate) fn adapters_stay_thin(files: &[TrackedFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for adapter in ADAPTERS {
        let folder = format!("crates/{adapter}/src/");
        let lines: usize =
            rust(files).filter(|file| file.path.starts_with(&folder)).map(|file| lines_of_code(&file.text)).sum();
        if lines > MAX_ADAPTER_LINES {
            complaints.push(format!(
                "{folder}: {lines} lines of code, at most {MAX_ADAPTER_LINES}; move what is not translation into live-core"
            ));
        }
    }
    complaints
}

/// Where packages come from is the business of the machine that installs them.
pub(crate) fn no_registry_hosts(files: &[TrackedFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.path.rsplit('/').next() != Some("Cargo.lock")) {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(host) = HOSTS.iter().find(|host| line.contains(**host)) {
                complaints.push(format!(
                    "{}:{}: names the host {host}; name the package and leave the registry to the tool's configuration",
                    file.path,
                    index + 1
                ));
            }
        }
    }
    complaints
}

fn rust(files: &[TrackedFile]) -> impl Iterator<Item = &TrackedFile> {
    files.iter().filter(|file| file.path.ends_with(".rs"))
}

/// Lines that are neither blank nor comment. A line with code before its comment is code.
fn lines_of_code(text: &str) -> usize {
    let mut in_comment = false;
    let mut count = 0;
    for line in text.lines().map(str::trim) {
        if in_comment || line.starts_with("/*") {
            in_comment = !line.contains("*/");
        } else if !line.is_empty() && !line.starts_with("//") {
            count += 1;
        }
    }
    count
}

const MAX_LINES: usize = 400;

const MAX_ADAPTER_LINES: usize = 200;

/// Put together here, so that this file does not find itself.
const CLAIMS: &[&str] =
    &[concat!("#[", "ignore"), concat!("assert!", "(true)"), concat!("todo!", "("), concat!("unimplemented!", "(")];

const HOSTS: &[&str] = &[
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("crates.io", "-index"),
    concat!("registry.", "npmjs.org"),
    concat!("registry.", "yarnpkg.com"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("deb.", "debian.org"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::file;

    #[test]
    fn a_claim_that_cannot_fail_is_found_with_its_line() {
        for claim in CLAIMS {
            let text = format!("fn main() {{\n    {claim}\n}}\n");
            let found = no_claims_that_cannot_fail(&[file("src/main.rs", &text)]);
            assert_eq!(found.len(), 1, "{claim}");
            assert!(found[0].starts_with("src/main.rs:2: "), "{}", found[0]);
            assert!(no_claims_that_cannot_fail(&[file("notes.md", &text)]).is_empty());
        }
    }

    #[test]
    fn a_long_file_is_found() {
        let check = |lines: usize| files_hold_one_idea(&[file("a.rs", &"x\n".repeat(lines))]).len();
        assert_eq!(check(400), 0);
        assert_eq!(check(401), 1);
    }

    #[test]
    fn an_adapter_over_its_budget_is_found() {
        let code = "let x = 1;\n".repeat(101);
        let files = |folder: &str| {
            let paths = [format!("{folder}/src/lib.rs"), format!("{folder}/src/routes.rs")];
            paths.map(|path| file(&path, &code))
        };
        assert_eq!(adapters_stay_thin(&files("crates/live-axum")).len(), 1);
        assert!(adapters_stay_thin(&files("crates/live-axum")[..1]).is_empty());
        assert!(adapters_stay_thin(&files("crates/live-core")).is_empty());
    }

    #[test]
    fn blank_lines_and_comments_are_no_code() {
        let text = "//! Page.\n\n/* one\n   two */\n/* three */\n/// Doc.\nlet x = 1; // why\n  // why\n";
        assert_eq!(lines_of_code(text), 1);
    }

    #[test]
    fn the_host_of_a_registry_is_found_outside_of_the_lock_file() {
        for host in HOSTS {
            let text = format!("first\nhttps://{host}/x\n");
            assert_eq!(no_registry_hosts(&[file("js/.npmrc", &text)]).len(), 1, "{host}");
            assert!(no_registry_hosts(&[file("Cargo.lock", &text)]).is_empty());
            assert!(no_registry_hosts(&[file("elsewhere/Cargo.lock", &text)]).is_empty());
        }
    }
}
