//! What is asked for.

use std::{fmt, path::PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use super::rows::ROWS;

pub(super) struct Options {
    /// All rows if it is empty.
    only: Vec<String>,
    pub(super) rounds: usize,
    /// In the place of each row's own number.
    readers: Option<usize>,
    updates: Option<usize>,
    /// Other servers, in the rows about transports that they have.
    pub(super) peers: Vec<String>,
    /// Where the document and its plots are written.
    pub(super) into: Option<PathBuf>,
}

impl Options {
    pub(super) fn parse(arguments: &[&str]) -> Result<Self> {
        let mut options =
            Self { only: Vec::new(), rounds: 3, readers: None, updates: None, peers: Vec::new(), into: None };
        let mut arguments = arguments.iter();
        while let Some(&option) = arguments.next() {
            let value = *arguments.next().with_context(|| format!("{option} needs a value"))?;
            let number = || value.parse::<usize>().with_context(|| format!("{option} needs a number"));
            match option {
                "--only" => options.only.push(value.to_owned()),
                "--rounds" => options.rounds = number()?,
                "--readers" => options.readers = Some(number()?),
                "--updates" => options.updates = Some(number()?),
                "--with" => options.peers = value.split(',').map(str::to_owned).collect(),
                "--into" => options.into = Some(PathBuf::from(value)),
                other => {
                    bail!("unknown option {other}; there are --only, --rounds, --readers, --updates, --with and --into")
                }
            }
        }
        let names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        let unknown = options.only.iter().find(|name| !names.contains(&name.as_str()));
        ensure!(
            unknown.is_none(),
            "there is no row {}; there are {}",
            unknown.map_or("", |name| name),
            names.join(", ")
        );
        let readers = options.readers.unwrap_or(1);
        ensure!((1..=19_000).contains(&readers), "--readers is 1 to 19000: a process may open only so many files");
        ensure!(options.rounds > 0 && options.updates != Some(0), "--rounds and --updates are at least 1");
        Ok(options)
    }

    pub(super) fn wants(&self, row: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == row)
    }

    pub(super) fn readers(&self, usual: usize) -> usize {
        self.readers.unwrap_or(usual)
    }

    pub(super) fn updates(&self, usual: usize) -> usize {
        self.updates.unwrap_or(usual)
    }

    /// Whether the figures are those that the rows are meant to have.
    pub(super) fn is_usual(&self) -> bool {
        self.readers.is_none() && self.updates.is_none()
    }
}

/// What differs from what the rows say of themselves.
impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.readers
            .map_or(Ok(()), |readers| writeln!(f, "with {readers} readers in the place of those of each row"))?;
        self.updates.map_or(Ok(()), |updates| writeln!(f, "with {updates} updates in the place of those of each row"))
    }
}
