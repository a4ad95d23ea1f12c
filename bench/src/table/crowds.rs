//! The rows about a crowd of readers, whose columns are figures of that crowd.

use anyhow::Result;

use super::{
    crowd::{Cores, Crowd, Figures, Start},
    options::Options,
    plot::Lines,
    rounds::{HTTP_SERVERS, SERVERS, compare, middle, ratio, with_peers},
    rows::Row,
    section::Section,
};
use crate::latencies::QUANTILES;

pub(super) fn fan_out(row: &Row, options: &Options) -> Result<Section> {
    let crowd = websocket(options.readers(10_000), options.updates(30));
    let servers = with_peers(options);
    let figures = compare(options, &servers, |server| crowd.measure(server))?;
    let mut section = table(row, &servers, &figures, &[DELIVERY, DELIVERY_RATIO, PER_SECOND, MEDIAN, P99, LAST]);
    let title = "From the publish to a reader";
    let label = |x: f64| format!("{} %", (1e4 - 1e4 / x).round() / 1e2);
    let mut plot = Lines::new(title, "of all deliveries took no longer than", "ms", label);
    for (server, own) in servers.iter().zip(&figures) {
        // The last of all is a matter of luck, and stands in the table.
        for part in QUANTILES.into_iter().filter(|part| *part < 1.0) {
            plot.point(server, 1.0 / (1.0 - part), middle(own, |figures| figures.latencies.within(part)));
        }
    }
    section.plots = vec![("performance-latencies.svg", plot.svg())];
    Ok(section)
}

pub(super) fn memory(row: &Row, options: &Options) -> Result<Section> {
    let crowd = websocket(options.readers(15_000), 1);
    let servers = with_peers(options);
    Ok(table(row, &servers, &compare(options, &servers, |server| crowd.measure(server))?, &[MEMORY]))
}

pub(super) fn channels(row: &Row, options: &Options) -> Result<Section> {
    let readers = options.readers(10_000);
    let crowd = Crowd { channels: readers.div_ceil(10), ..websocket(readers, options.updates(20)) };
    let figures = compare(options, SERVERS, |server| crowd.measure(server))?;
    Ok(table(row, SERVERS, &figures, &[DELIVERY, DELIVERY_RATIO, PER_SECOND]))
}

pub(super) fn stream(row: &Row, options: &Options, transport: &'static str) -> Result<Section> {
    let crowd = Crowd { transport, ..websocket(options.readers(10_000), options.updates(20)) };
    let figures = compare(options, HTTP_SERVERS, |server| crowd.measure(server))?;
    Ok(table(row, HTTP_SERVERS, &figures, &[DELIVERY, DELIVERY_RATIO, PER_SECOND, P99, MEMORY]))
}

pub(super) fn websocket(readers: usize, updates: usize) -> Crowd {
    Crowd { transport: "websocket", readers, channels: 1, updates, start: Start::Empty, slow: 0, cores: Cores::OneEach }
}

/// A column of a table: its head, and how a server's rounds become a cell; the bare server's rounds are beside them.
type Column = (&'static str, fn(&[Figures], &[Figures]) -> String);

const DELIVERY: Column =
    ("CPU µs per delivery", |own, _| format!("{:.2}", middle(own, |figures| figures.micros_per_delivery)));
const DELIVERY_RATIO: Column =
    ("to bare", |own, bare| format!("{:.2}", ratio(own, bare, |figures| figures.micros_per_delivery)));
const PER_SECOND: Column =
    ("deliveries/s", |own, _| format!("{:.0}", middle(own, |figures| figures.deliveries_per_second)));
const MEDIAN: Column = ("median ms", |own, _| format!("{:.1}", middle(own, |figures| figures.latencies.within(0.5))));
const P99: Column = ("p99 ms", |own, _| format!("{:.1}", middle(own, |figures| figures.latencies.within(0.99))));
const LAST: Column = ("last reader ms", |own, _| format!("{:.1}", middle(own, |figures| figures.last_millis)));
const MEMORY: Column = ("bytes per reader", |own, _| format!("{:.0}", middle(own, |figures| figures.bytes_per_reader)));

fn table(row: &Row, servers: &[&str], figures: &[Vec<Figures>], columns: &[Column]) -> Section {
    let heads: Vec<_> = [""].into_iter().chain(columns.iter().map(|(head, _)| *head)).collect();
    let mut section = Section::new(row, &heads);
    for (server, own) in servers.iter().zip(figures) {
        let cells = columns.iter().map(|(_, cell)| cell(own, &figures[0]));
        section.table.push([(*server).to_owned()].into_iter().chain(cells).collect());
    }
    section
}
