//! What `cargo xtask bench` does, so small that only its working is seen: no time decides a test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::Command;

#[test]
fn the_page_about_performance_is_written_with_its_figures_and_plots() {
    let folder = env!("CARGO_TARGET_TMPDIR");
    let printed = live_bench(&["table", "--readers", "12", "--updates", "3", "--rounds", "1", "--into", folder]);
    let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
    let page = read("performance.md");
    assert!(!page.contains("{{"), "{page}");
    for heading in printed.lines().filter(|line| line.starts_with("## ")) {
        assert!(page.contains(heading), "{heading}");
    }
    assert!(page.contains("performance-memory.svg") && read("performance-memory.svg").contains(">bare</text>"));
}

/// What it prints.
fn live_bench(arguments: &[&str]) -> String {
    let output = Command::new(PROGRAM).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_live-bench");
