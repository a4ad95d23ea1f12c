//! How many tests ran, read from the closing lines of cargo's and node's test runners.

use std::fmt;
use std::ops::AddAssign;

/// Tests counted over any number of runners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    /// Sums the closing lines in the output of one step.
    pub(crate) fn from_log(log: &str) -> Tally {
        let mut tally = Tally::default();
        for line in log.lines() {
            tally.add_line(line);
        }
        tally
    }

    /// Tests that were skipped did not run.
    pub(crate) fn ran(self) -> u64 {
        self.passed + self.failed
    }

    fn add_line(&mut self, line: &str) {
        if let Some(counts) = cargo_counts(line) {
            // `ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`
            for count in counts.split("; ") {
                if let Some((number, word)) = count.split_once(' ') {
                    self.add(word, number);
                }
            }
        } else if let Some((word, number)) = node_count(line) {
            self.add(word, number);
        }
    }

    fn add(&mut self, word: &str, number: &str) {
        let Ok(number) = number.parse::<u64>() else {
            return;
        };
        match word {
            "passed" | "pass" => self.passed += number,
            // Node cancels a test whose parent ended first: it did not do what it promises.
            "failed" | "fail" | "cancelled" => self.failed += number,
            "ignored" | "skipped" | "todo" => self.skipped += number,
            _ => {}
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// The line that CI systems read: `812 passed, 0 failed`, and what was skipped only where there is some.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

fn cargo_counts(line: &str) -> Option<&str> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    Some(counts)
}

/// `# pass 3` from the TAP reporter, `ℹ pass 3` from the spec reporter; nested ones are indented.
fn node_count(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ "))?.split_once(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_of_cargo_are_summed() {
        let log = "\
running 4 tests
test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.01s
test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
";
        let expected = Tally { passed: 4, failed: 2, skipped: 1 };
        assert_eq!(Tally::from_log(log), expected);
    }

    #[test]
    fn closing_lines_of_node_are_summed_in_both_forms() {
        let log = "\
# tests 5
# pass 3
# fail 1
# cancelled 1
# duration_ms 20
    # pass 99
ℹ pass 10
ℹ fail 0
ℹ skipped 2
";
        let expected = Tally { passed: 13, failed: 2, skipped: 2 };
        assert_eq!(Tally::from_log(log), expected);
    }

    #[test]
    fn a_log_without_closing_lines_has_no_tests() {
        assert_eq!(Tally::from_log("3 passed, they said").ran(), 0);
    }

    #[test]
    fn what_was_skipped_shows_only_where_there_is_some() {
        let mut tally = Tally::from_log("# pass 3");
        assert_eq!(tally.to_string(), "3 passed, 0 failed");
        tally += Tally::from_log("# skipped 2");
        assert_eq!(tally.to_string(), "3 passed, 0 failed, 2 skipped");
    }
}
