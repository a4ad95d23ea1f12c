//! What a slow reader does to the others, and to the server.

use anyhow::Result;

use super::{
    crowd::{Crowd, compare_crowds},
    crowds::websocket,
    goal::Goal,
    options::Options,
    rounds::{SERVERS, middle, ratio},
    rows::Row,
    section::Section,
};

pub(super) fn measure(row: &Row, options: &Options) -> Result<Section> {
    let alone = websocket(options.readers(10_000), options.updates(60));
    let beside = Crowd { slow: 1_000, ..alone };
    let mut section = Section::new(row, &["", "p99 without it, ms", "p99 with it, ms", "ratio", "memory grew by, KB"]);
    let mut goal = Goal::new("p99 of the others with a slow reader, against that without it", "at most 1.05", "");
    // The bare server has no answer to a slow reader: it would end.
    for server in &SERVERS[1..] {
        // Two at a time: with more it would take until the slow reader is given up.
        let [alone, beside] = &compare_crowds(options.rounds, &[(alone, server), (beside, server)])?[..] else {
            continue;
        };
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
