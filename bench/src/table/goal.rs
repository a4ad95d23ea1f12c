//! What is wanted of a figure, who reaches it, and what stands in the way of the others.

use std::fmt;

pub(super) struct Goal {
    /// Which figure, as a part of a sentence.
    pub(super) what: String,
    pub(super) wanted: &'static str,
    /// Whole sentences, or nothing where nothing is known.
    obstacle: &'static str,
    found: Vec<Found>,
}

struct Found {
    who: String,
    value: f64,
    is_reached: bool,
}

impl Goal {
    pub(super) fn new(what: impl Into<String>, wanted: &'static str, obstacle: &'static str) -> Self {
        Self { what: what.into(), wanted, obstacle, found: Vec::new() }
    }

    pub(super) fn at_most(&mut self, who: &str, value: f64, limit: f64) {
        // What is shown with two digits is judged by them.
        self.found.push(Found { who: who.to_owned(), value, is_reached: rounded(value) <= limit });
    }

    pub(super) fn at_least(&mut self, who: &str, value: f64, limit: f64) {
        self.found.push(Found { who: who.to_owned(), value, is_reached: rounded(value) >= limit });
    }

    pub(super) fn is_reached(&self) -> bool {
        self.found.iter().all(|found| found.is_reached)
    }

    /// Everybody's value; in bold type where it is not what is wanted.
    pub(super) fn values(&self) -> String {
        let values = self.found.iter().map(|found| {
            let value = format!("{} {:.2}", found.who, found.value);
            if found.is_reached { value } else { format!("**{value}**") }
        });
        values.collect::<Vec<_>>().join(", ")
    }
}

/// The sentences under a table.
impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wanted: {}: {}. ", self.what, self.wanted)?;
        if self.is_reached() {
            return write!(f, "Reached by all.");
        }
        let missing = self.found.iter().filter(|found| !found.is_reached);
        let missing: Vec<_> = missing.map(|found| format!("{} ({:.2})", found.who, found.value)).collect();
        write!(f, "Not reached by {}. {}", missing.join(", "), self.obstacle)
    }
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_misses_a_goal_is_named_with_the_obstacle() {
        let mut goal = Goal::new("CPU per delivery", "at most 1.05", "Nobody knows why.");
        goal.at_most("axum", 1.054, 1.05);
        assert!(goal.is_reached() && goal.to_string().ends_with("Reached by all."), "{goal}");
        goal.at_most("warp", 1.2, 1.05);
        assert!(!goal.is_reached() && goal.to_string().ends_with("Not reached by warp (1.20). Nobody knows why."));
        assert_eq!(goal.values(), "axum 1.05, **warp 1.20**");
    }

    #[test]
    fn a_figure_that_was_not_found_reaches_nothing() {
        let mut goal = Goal::new("polls", "at least 0.90", "");
        goal.at_least("axum", f64::NAN, 0.9);
        assert!(!goal.is_reached());
    }
}
