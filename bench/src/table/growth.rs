//! What readers cost when they become more, as a table and as plots.

use anyhow::Result;

use super::{
    crowds::websocket,
    goal::Goal,
    grouped::grouped,
    options::Options,
    plot::Lines,
    rounds::{SERVERS, middle, ratio},
    rows::Row,
    section::Section,
};

const SIZES: &[usize] = &[100, 1_000, 5_000, 10_000, 19_000];

pub(super) fn measure(row: &Row, options: &Options) -> Result<Section> {
    let most = options.readers(19_000);
    let sizes: Vec<usize> = SIZES.iter().copied().filter(|size| *size < most).chain([most]).collect();
    let heads = sizes.iter().flat_map(|size| [format!("{}: µs", grouped(*size as f64)), "bytes".to_owned()]);
    let heads: Vec<String> = [String::new()].into_iter().chain(heads).collect();
    let mut section = Section::new(row, &heads.iter().map(String::as_str).collect::<Vec<_>>());
    section.table.extend(SERVERS.iter().map(|server| vec![(*server).to_owned()]));
    let mut micros = Lines::new("CPU of the server for one delivery", "readers", "µs", grouped);
    let mut bytes = Lines::new("Private memory of one reader", "readers", "KB", grouped);
    let what = "CPU per delivery, against the bare loop, from the fewest readers to the most";
    let mut goal = Goal::new(what, "grows to at most 1.10 times that", "");
    let mut at_first = None;
    for size in sizes {
        // About as many deliveries for each size.
        let crowd = websocket(size, options.updates((DELIVERIES / size).clamp(10, 300)));
        let figures = crowd.compare(options, SERVERS)?;
        for (index, (server, own)) in SERVERS.iter().zip(&figures).enumerate() {
            let (time, memory) = (middle(own, |own| own.micros_per_delivery), middle(own, |own| own.bytes_per_reader));
            section.table[index + 1].extend([format!("{time:.2}"), grouped(memory.round())]);
            micros.point(server, size as f64, time);
            bytes.point(server, size as f64, memory / 1e3);
        }
        let to_bare: Vec<_> =
            figures.iter().map(|own| ratio(own, &figures[0], |own| own.micros_per_delivery)).collect();
        let first = at_first.get_or_insert_with(|| to_bare.clone());
        if size == most {
            let grown = to_bare.iter().zip(first).map(|(now, first)| now / *first);
            SERVERS.iter().zip(grown).skip(1).for_each(|(server, grown)| goal.at_most(server, grown, 1.10));
        }
    }
    section.goals = vec![goal];
    section.plots = vec![("performance-delivery.svg", micros.svg()), ("performance-memory.svg", bytes.svg())];
    Ok(section)
}

const DELIVERIES: usize = 200_000;
