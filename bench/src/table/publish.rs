//! What the call of `publish` costs, whoever waits for its update.

use anyhow::{Result, bail};

use super::{
    goal::Goal,
    grouped::grouped,
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
    let [few, many] = [100, 100_000].map(|usual| options.readers(usual));
    let [few_readers, many_readers] = [few, many].map(|readers| grouped(readers as f64));
    let cases = [
        (format!("{few_readers} readers"), [few, 0]),
        (format!("{many_readers} readers"), [many, 0]),
        (format!("{few_readers} readers, and {many_readers} on other pages"), [few, many]),
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

fn times(waiting: [usize; 2], updates: &str) -> Result<Times> {
    let [readers, others] = waiting.map(|count| count.to_string());
    let mut process = Process::start(&["parked", &readers, &others, updates], process::SERVERS)?;
    let line = process.line(PATIENCE)?;
    let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let [call_micros, second_call_micros, all_have_it_millis] = numbers[..] else { bail!("not three numbers: {line}") };
    Ok(Times { call_micros, second_call_micros, all_have_it_millis })
}
