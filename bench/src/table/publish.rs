//! What the call of `publish` costs, whoever waits for its update.

use anyhow::{Result, bail};

use super::{
    goal::Goal,
    options::Options,
    rounds::{compare, middle},
    rows::Row,
    section::Section,
    server::PATIENCE,
};
use crate::process::{self, Process};

struct Times {
    call_micros: f64,
    second_call_micros: f64,
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
    let heads = ["", "the call, µs", "after another call, µs", "until all have the update, ms"];
    let mut section = Section::new(row, &heads);
    let updates = options.updates(50).to_string();
    let rounds = compare(options, &[0, 1, 2], |case| times(cases[case].1, &updates))?;
    let obstacle = "What serves a hundred thousand readers leaves nothing of the call in the processor's caches; the next column is the same call without \
                    that.";
    let mut goal = Goal::new("µs of the call that publishes", "at most 50.00, whoever waits", obstacle);
    for ((name, _), own) in cases.iter().zip(&rounds) {
        goal.at_most(name, middle(own, |times| times.call_micros), 50.0);
        section.table.push(vec![
            name.clone(),
            format!("{:.1}", middle(own, |times| times.call_micros)),
            format!("{:.1}", middle(own, |times| times.second_call_micros)),
            format!("{:.2}", middle(own, |times| times.all_have_it_millis)),
        ]);
    }
    section.goals = vec![goal];
    Ok(section)
}

fn times([readers, others]: [&str; 2], updates: &str) -> Result<Times> {
    let mut process = Process::start(&["parked", readers, others, updates], process::SERVERS)?;
    let line = process.line(PATIENCE)?;
    let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let [call_micros, second_call_micros, all_have_it_millis] = numbers[..] else { bail!("not three numbers: {line}") };
    Ok(Times { call_micros, second_call_micros, all_have_it_millis })
}
