//! What a slow reader does to the others, and to the server.

use anyhow::Result;

use super::{
    crowd::Crowd,
    crowds::websocket,
    goal::Goal,
    options::Options,
    rounds::{SERVERS, compare, middle, ratio},
    rows::Row,
    section::Section,
};

pub(super) fn measure(row: &Row, options: &Options) -> Result<Section> {
    let crowd = websocket(options.readers(10_000), options.updates(30));
    // The bare server has no answer to a slow reader: it would end.
    let servers = &SERVERS[1..];
    let alone = compare(options, servers, |server| crowd.measure(server))?;
    // More than the kernel holds for one socket.
    let crowd = Crowd { slow: 1_000, updates: options.updates(200), ..crowd };
    let beside = compare(options, servers, |server| crowd.measure(server))?;
    let mut section = Section::new(row, &["", "p99 without it, ms", "p99 with it, ms", "ratio", "memory grew by, KB"]);
    let mut goal = Goal::new("p99 of the others with a slow reader, against that without it", "at most 1.05", "");
    for ((server, alone), beside) in servers.iter().zip(&alone).zip(&beside) {
        goal.at_most(server, ratio(beside, alone, |figures| figures.latencies.within(0.99)), 1.05);
        section.table.push(vec![
            (*server).to_owned(),
            format!("{:.1}", middle(alone, |figures| figures.latencies.within(0.99))),
            format!("{:.1}", middle(beside, |figures| figures.latencies.within(0.99))),
            format!("{:.2}", ratio(beside, alone, |figures| figures.latencies.within(0.99))),
            format!("{:.0}", middle(beside, |figures| figures.grown_bytes) / 1e3),
        ]);
    }
    section.goals = vec![goal];
    Ok(section)
}
