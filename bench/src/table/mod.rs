//! `live-bench table`: what a reader costs under each adapter, against the bare server in the same run.
//!
//! The servers take turns, for each update where the figure is about updates, so that whatever else the machine does meets all of them; ratios are
//! taken within a round.

mod accept;
mod cores;
mod crowd;
mod crowds;
mod document;
mod fairness;
mod frameworks;
mod goal;
mod grouped;
mod growth;
mod options;
mod page_size;
mod plot;
mod polling;
mod publish;
mod rounds;
mod rows;
mod section;
mod server;
mod slow;

use std::fs;

use anyhow::{Context as _, Result};

use self::options::Options;
use crate::{machine, peers};

pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let options = Options::parse(arguments)?;
    if let Some(folder) = &options.into {
        // Before all the measuring, if it cannot be.
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    let mut machine = machine::describe()?;
    for peer in &options.peers {
        machine += &format!(", {}", peers::install(peer)?);
    }
    println!("{machine}\nmedians of {} rounds; the server on one core, its readers on the other", options.rounds);
    println!("{options}");
    let mut sections = Vec::new();
    for row in rows::ROWS.iter().filter(|row| options.wants(row.name)) {
        let section = (row.measure)(row, &options)?;
        println!("{section}");
        sections.push(section);
    }
    match &options.into {
        Some(folder) => document::write(folder, &machine, &options, &sections),
        None => Ok(()),
    }
}
