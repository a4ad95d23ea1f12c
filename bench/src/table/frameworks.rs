//! What the frameworks' servers themselves need for an empty answer on many connections: less than that nobody can pay under them.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::{
    crowd::{Figures, SETTLE},
    options::Options,
    rounds::compare,
    server::{DEADLINE, PATIENCE},
};
use crate::{
    addresses,
    process::{self, Process},
};

/// Each framework's name in the tables, and its rounds with so many connections: an accept and its first answer, a delivery is one answer
/// more on a connection that is there, and a reader is a connection at rest.
pub(super) fn empty_answers(options: &Options, connections: usize) -> Result<Vec<(String, Vec<Figures>)>> {
    let figures = compare(options, FRAMEWORKS, |framework| measure(framework, connections, options.updates(20)))?;
    Ok(FRAMEWORKS.iter().map(|framework| format!("{framework} itself")).zip(figures).collect())
}

/// As `live-bench plain` knows them.
const FRAMEWORKS: &[&str] = &["axum", "warp", "actix"];

fn measure(framework: &str, connections: usize, answers: usize) -> Result<Figures> {
    let mut server = Process::start(&["plain", framework], process::SERVERS)?;
    let address = server.line(DEADLINE)?;
    let empty_bytes = server.private_bytes()?;
    let before = server.cpu()?;
    let source = addresses::take(connections).to_string();
    let arguments = ["visits", address.trim(), &connections.to_string(), &source];
    let mut visits = Process::start(&arguments, process::READERS)?;
    ensure!(visits.line(PATIENCE)? == "answered", "{framework} did not answer");
    let count = connections as f64;
    let micros_per_accept = (server.cpu()? - before).as_secs_f64() * 1e6 / count;
    std::thread::sleep(SETTLE * u32::try_from(connections)?);
    let bytes_per_reader = (server.private_bytes()? - empty_bytes) / count;
    let (before, began) = (server.cpu()?, Instant::now());
    for _ in 0..answers {
        visits.say("again")?;
        ensure!(visits.line(PATIENCE)? == "answered", "{framework} did not answer");
    }
    let count = count * answers as f64;
    Ok(Figures {
        micros_per_accept,
        bytes_per_reader,
        micros_per_delivery: (server.cpu()? - before).as_secs_f64() * 1e6 / count,
        deliveries_per_second: count / began.elapsed().as_secs_f64(),
        ..Figures::default()
    })
}
