//! What it costs when a reader comes, for the first time or again.

use anyhow::Result;

use super::{
    crowd::{Crowd, Figures, Start},
    crowds::{against_peers, websocket},
    frameworks::empty_answers,
    goal::Goal,
    options::Options,
    rounds::{SERVERS, compare, middle, ratio, with_peers},
    rows::Row,
    section::{Brief, Section},
};

pub(super) fn measure(row: &Row, options: &Options) -> Result<Section> {
    let crowd = websocket(options.readers(10_000), 1);
    let servers = with_peers(SERVERS, options, "websocket");
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
    let of = |figures: &Figures| figures.micros_per_accept;
    for (framework, own) in empty_answers(options, crowd.readers)? {
        let (micros, to_bare) = (middle(&own, of), ratio(&own, &first[0], of));
        section.table.push(vec![
            framework,
            format!("{micros:.1}"),
            format!("{to_bare:.2}"),
            String::new(),
            String::new(),
        ]);
    }
    let obstacle = "The bare server looks for the end of a request, and for nothing in it. A framework reads HTTP, makes a task and finds a \
                    route; what a connection and its first answer, an empty one, cost the framework itself is in the last lines.";
    let mut new = Goal::new("CPU for a reader who comes, against the bare server", "at most 1.45", obstacle);
    let mut back = Goal::new(
        "the same from a cursor, against a first visit to the bare server",
        "at most 1.5 times that, 2.18",
        obstacle,
    );
    for (index, server) in SERVERS.iter().enumerate().skip(1) {
        new.at_most(server, ratio(&first[index], &first[0], of), 1.45);
        back.at_most(server, ratio(&resumed[index], &first[0], of), 1.45 * 1.5);
    }
    section.goals = vec![new, back];
    let to_peer = |own: &[Figures], other: &[Figures]| ratio(own, other, of);
    section.goals.extend(against_peers("CPU for a reader who comes", obstacle, &servers, &first, to_peer));
    let cells = servers.iter().zip(&first);
    let cells = cells.map(|(server, own)| ((*server).to_owned(), format!("{:.1}", middle(own, of))));
    section.brief = Some(Brief { head: "CPU µs for a reader who comes", cells: cells.collect() });
    Ok(section)
}
