//! What the call of `publish` costs, whoever waits for its update.

use anyhow::{Context as _, Result};

use super::{
    options::Options,
    rounds::{compare, middle},
    rows::Row,
    section::Section,
    server::PATIENCE,
};
use crate::process::{self, Process};

struct Times {
    call_micros: f64,
    all_have_it_millis: f64,
}

pub(super) fn measure(row: &Row, options: &Options) -> Result<Section> {
    let many = options.readers(100_000).to_string();
    let few = options.readers(100).to_string();
    let cases = [
        (format!("{few} readers"), [few.as_str(), "0"]),
        (format!("{many} readers"), [many.as_str(), "0"]),
        (format!("{few} readers, and {many} on other pages"), [few.as_str(), many.as_str()]),
    ];
    let mut section = Section::new(row, &["", "the call, µs", "until all have the update, ms"]);
    let updates = options.updates(50).to_string();
    let rounds = compare(options, &[0, 1, 2], |case| times(cases[case].1, &updates))?;
    for ((name, _), own) in cases.iter().zip(&rounds) {
        section.table.push(vec![
            name.clone(),
            format!("{:.1}", middle(own, |times| times.call_micros)),
            format!("{:.2}", middle(own, |times| times.all_have_it_millis)),
        ]);
    }
    Ok(section)
}

fn times([readers, others]: [&str; 2], updates: &str) -> Result<Times> {
    let mut process = Process::start(&["parked", readers, others, updates], process::SERVERS)?;
    let line = process.line(PATIENCE)?;
    let (call, all) = line.split_once(' ').context("two numbers")?;
    Ok(Times { call_micros: call.parse()?, all_have_it_millis: all.parse()? })
}
