//! What it costs when a reader comes, for the first time or again.

use anyhow::Result;

use super::{
    crowd::{Crowd, Figures, Start},
    crowds::websocket,
    options::Options,
    rounds::{SERVERS, compare, middle, ratio, with_peers},
    rows::Row,
    section::Section,
};

pub(super) fn measure(row: &Row, options: &Options) -> Result<Section> {
    let crowd = websocket(options.readers(10_000), 1);
    let servers = with_peers(options);
    let first = compare(options, &servers, |server| crowd.measure(server))?;
    let resumed = Crowd { start: Start::Resume, ..crowd };
    let resumed = compare(options, SERVERS, |server| resumed.measure(server))?;
    let mut section = Section::new(row, &["", "µs, first visit", "to bare", "µs, from a cursor", "to a first visit"]);
    for (index, (server, first_own)) in servers.iter().zip(&first).enumerate() {
        let of = |figures: &Figures| figures.micros_per_accept;
        // The bare server and the peers have no cursors.
        let resumed_own = resumed.get(index).filter(|_| *server != "bare");
        section.table.push(vec![
            (*server).to_owned(),
            format!("{:.1}", middle(first_own, of)),
            format!("{:.2}", ratio(first_own, &first[0], of)),
            resumed_own.map_or(String::new(), |own| format!("{:.1}", middle(own, of))),
            resumed_own.map_or(String::new(), |own| format!("{:.2}", ratio(own, first_own, of))),
        ]);
    }
    Ok(section)
}
