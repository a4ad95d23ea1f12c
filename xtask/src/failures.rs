//! What the tests that failed said, found in the logs of cargo's and node's test runners.

/// The failed tests of a log, each with its words, in the log's order.
pub(crate) fn failures(log: &str) -> Vec<String> {
    let lines: Vec<&str> = log.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let rest = &lines[index..];
        if is_cargo_failure(line) {
            found.push(said(rest, |line| line.starts_with("---- ") || line == "failures:"));
        } else if is_node_failure(line) {
            // Assertions print dots as well, where they leave lines out; they are further in.
            let end = format!("{}  ...", &line[..line.len() - line.trim_start().len()]);
            let words = said(rest, |line| line == end);
            // A suite fails with its tests, which have been found already.
            if !words.contains("failureType: 'subtestsFailed'") {
                found.push(words);
            }
        }
    }
    found
}

/// `---- module::name stdout ----`
fn is_cargo_failure(line: &str) -> bool {
    line.starts_with("---- ") && line.ends_with(" stdout ----")
}

/// `not ok 2 - name`, indented inside of a suite.
fn is_node_failure(line: &str) -> bool {
    line.trim_start().starts_with("not ok ")
}

/// The first line, and what follows until the end of what the test said.
fn said(lines: &[&str], is_end: impl Fn(&str) -> bool) -> String {
    let rest = &lines[1..];
    let count = rest.iter().position(|line| is_end(line)).unwrap_or(rest.len());
    let words = &lines[..=count];
    if words.len() <= LINES {
        return words.join("\n").trim_end().to_owned();
    }
    format!("{}\n… and {} lines more", words[..LINES].join("\n"), words.len() - LINES)
}

/// Of one test. A panic with its backtrace, or an assertion with the values that differ.
const LINES: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_test_of_cargo_is_found_with_its_panic() {
        let log = "\
test right ... ok
test wrong ... FAILED

failures:

---- wrong stdout ----
thread 'wrong' panicked at src/lib.rs:3:5:
2 is not 3

---- other stdout ----
too late

failures:
    wrong
    other

test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out
";
        let expected = [
            "---- wrong stdout ----\nthread 'wrong' panicked at src/lib.rs:3:5:\n2 is not 3",
            "---- other stdout ----\ntoo late",
        ];
        assert_eq!(failures(log), expected);
    }

    #[test]
    fn a_failed_test_of_node_is_found_without_the_suite_around_it() {
        let log = "\
# Subtest: suite
    # Subtest: wrong
    not ok 1 - wrong
      ---
      failureType: 'testCodeFailure'
      error: |-
        ...
        2 is not 3
      ...
    # Subtest: right
    ok 2 - right
      ---
      duration_ms: 1
      ...
not ok 1 - suite
  ---
  failureType: 'subtestsFailed'
  error: '1 subtest failed'
  ...
";
        let [found] = &failures(log)[..] else { panic!("one test failed") };
        assert!(
            found.starts_with("    not ok 1 - wrong\n      ---\n") && found.ends_with("\n        2 is not 3"),
            "{found}"
        );
    }

    #[test]
    fn a_test_that_says_much_is_cut() {
        let log = format!("---- wrong stdout ----\n{}", "word\n".repeat(60));
        let [found] = &failures(&log)[..] else { panic!("one test failed") };
        assert_eq!(found.lines().count(), LINES + 1);
        assert!(found.ends_with("… and 21 lines more"), "{found}");
    }

    #[test]
    fn a_log_in_which_none_failed_has_none() {
        assert!(failures("test right ... ok\nok 1 - right\n").is_empty());
    }
}
