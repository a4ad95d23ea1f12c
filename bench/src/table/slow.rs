//! What a slow reader does to the others, and to the server.

use anyhow::Result;

use super::{
    crowd::{Crowd, Figures},
    crowds::websocket,
    options::Options,
    rounds::{SERVERS, compare, middle, ratio},
    rows::Row,
    section::Section,
};

pub(super) fn measure(row: &Row, options: &Options) -> Result<Section> {
    let crowd = websocket(options.readers(10_000), options.updates(30));
    let alone =
        compare(
            options,
            SERVERS,
            |server| if server == "bare" { Ok(Figures::default()) } else { crowd.measure(server) },
        )?;
    // More than the kernel holds for one socket.
    let crowd = Crowd { slow: 1_000, updates: options.updates(200), ..crowd };
    let beside =
        compare(
            options,
            SERVERS,
            |server| if server == "bare" { Ok(Figures::default()) } else { crowd.measure(server) },
        )?;
    let mut section = Section::new(row, &["", "p99 without it, ms", "p99 with it, ms", "ratio", "memory grew by, KB"]);
    // The bare server has no answer to a slow reader: it would end.
    for ((server, alone), beside) in SERVERS.iter().zip(&alone).zip(&beside).skip(1) {
        section.table.push(vec![
            (*server).to_owned(),
            format!("{:.1}", middle(alone, |figures| figures.latencies.within(0.99))),
            format!("{:.1}", middle(beside, |figures| figures.latencies.within(0.99))),
            format!("{:.2}", ratio(beside, alone, |figures| figures.latencies.within(0.99))),
            format!("{:.0}", middle(beside, |figures| figures.grown_bytes) / 1e3),
        ]);
    }
    Ok(section)
}
