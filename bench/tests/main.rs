//! What `cargo xtask bench` and `cargo xtask scale` do, so small that only its working is seen: no time decides a test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::Command;

#[test]
fn every_reader_of_three_nodes_gets_every_update() {
    let options = ["scale", "--readers", "41", "--nodes", "3", "--updates", "4", "--idle", "0", "--keep-free", "0"];
    let report = live_bench(&options);
    assert!(report.contains("every reader got every update: 164 deliveries"), "{report}");
}

#[test]
fn a_limit_of_the_machine_is_named_before_anything_starts() {
    let output = Command::new(PROGRAM).args(["scale", "--readers", "1000000", "--nodes", "1"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("need"), "{said}");
}

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
    assert!(page.contains("| axum | ") && page.contains("](#one-update-to-10000-readers) | at most 1.05"), "{page}");
    for plot in ["delivery", "latencies", "memory", "page-size", "polling"] {
        let name = format!("performance-{plot}.svg");
        assert!(page.contains(&name) && read(&name).ends_with("</svg>\n"), "{name}");
    }
}

/// What it prints.
fn live_bench(arguments: &[&str]) -> String {
    let output = Command::new(PROGRAM).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_live-bench");
