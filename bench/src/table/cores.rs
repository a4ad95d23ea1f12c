//! What a second core is worth.

use anyhow::Result;

use super::{
    crowd::{Cores, Crowd, compare_crowds},
    crowds::websocket,
    grouped::grouped,
    options::Options,
    rounds::{SERVERS, middle, ratio},
    rows::Row,
    section::Section,
};

pub(super) fn measure(row: &Row, options: &Options) -> Result<Section> {
    // The bare server is one loop, whatever it has.
    let servers = &SERVERS[1..];
    let one = websocket(options.readers(10_000), options.updates(30));
    let two = Crowd { cores: Cores::TwoForTheServer, ..one };
    let crowds: Vec<_> = servers.iter().flat_map(|server| [(one, *server), (two, *server)]).collect();
    let figures = compare_crowds(options.rounds, &crowds)?;
    let mut section = Section::new(
        row,
        &[
            "",
            "CPU µs per delivery, one core",
            "two",
            "last reader ms, one core",
            "two",
            "deliveries/s, one core",
            "two",
            "ratio",
        ],
    );
    for (server, figures) in servers.iter().zip(figures.chunks(2)) {
        let [one, two] = figures else { continue };
        section.table.push(vec![
            (*server).to_owned(),
            format!("{:.2}", middle(one, |figures| figures.micros_per_delivery)),
            format!("{:.2}", middle(two, |figures| figures.micros_per_delivery)),
            format!("{:.1}", middle(one, |figures| figures.last_millis)),
            format!("{:.1}", middle(two, |figures| figures.last_millis)),
            grouped(middle(one, |figures| figures.deliveries_per_second).round()),
            grouped(middle(two, |figures| figures.deliveries_per_second).round()),
            format!("{:.2}", ratio(two, one, |figures| figures.deliveries_per_second)),
        ]);
    }
    Ok(section)
}
