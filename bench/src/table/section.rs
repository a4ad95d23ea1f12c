//! One row of what was asked for, measured: a table of its own, with a sentence about what it says.

use std::fmt;

use super::{goal::Goal, rows::Row};

pub(super) struct Section {
    pub(super) title: String,
    /// What was done, and what the columns are.
    pub(super) about: String,
    /// The head first.
    pub(super) table: Vec<Vec<String>>,
    /// Name and SVG of each plot.
    pub(super) plots: Vec<(&'static str, String)>,
    pub(super) goals: Vec<Goal>,
    pub(super) brief: Option<Brief>,
}

/// A column of the table that the page begins with: servers and their cells.
pub(super) struct Brief {
    pub(super) head: &'static str,
    pub(super) cells: Vec<(String, String)>,
}

impl Section {
    /// With the head of its table.
    pub(super) fn new(row: &Row, heads: &[&str]) -> Self {
        Self {
            title: row.title.to_owned(),
            about: row.about.to_owned(),
            table: vec![heads.iter().map(|head| (*head).to_owned()).collect()],
            plots: Vec::new(),
            goals: Vec::new(),
            brief: None,
        }
    }

    /// What a link to its heading says, by GitHub's rule.
    pub(super) fn anchor(&self) -> String {
        let lower = self.title.to_lowercase().replace(' ', "-");
        lower.chars().filter(|char| char.is_alphanumeric() || *char == '-').collect()
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}\n\n{}\n\n{}", self.title, self.about, lines(&self.table))?;
        self.goals.iter().try_for_each(|goal| writeln!(f, "- {}", goal.to_string().trim_end()))
    }
}

/// A table in Markdown.
pub(super) fn lines(table: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (index, cells) in table.iter().enumerate() {
        text += &format!("| {} |\n", cells.join(" | "));
        if index == 0 {
            text += &format!("|{}\n", "---|".repeat(cells.len()));
        }
    }
    text
}
