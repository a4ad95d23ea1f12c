//! One row of what was asked for, measured: a table of its own, with a sentence about what it says.

use std::fmt;

use super::rows::Row;

pub(super) struct Section {
    pub(super) title: String,
    /// What was done, and what the columns are.
    pub(super) about: String,
    /// The head first.
    pub(super) table: Vec<Vec<String>>,
    /// Name and SVG of each plot.
    pub(super) plots: Vec<(&'static str, String)>,
}

impl Section {
    /// With the head of its table.
    pub(super) fn new(row: &Row, heads: &[&str]) -> Self {
        let heads = heads.iter().map(|head| (*head).to_owned()).collect();
        Self { title: row.title.to_owned(), about: row.about.to_owned(), table: vec![heads], plots: Vec::new() }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}\n\n{}\n", self.title, self.about)?;
        for (index, cells) in self.table.iter().enumerate() {
            writeln!(f, "| {} |", cells.join(" | "))?;
            if index == 0 {
                writeln!(f, "|{}", "---|".repeat(cells.len()))?;
            }
        }
        Ok(())
    }
}
