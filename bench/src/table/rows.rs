//! What is measured, row by row: each has a name for `--only`.

use anyhow::Result;

use super::{
    crowd::{Crowd, Figures, Start},
    growth, median,
    options::Options,
    plot::Lines,
    polling,
    section::Section,
};
use crate::latencies::QUANTILES;

pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) about: &'static str,
    pub(super) measure: fn(&Row, &Options) -> Result<Section>,
}

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "fan-out",
        title: "One update to 10,000 readers",
        about: "All readers watch one page over WebSocket; the next update is published when every reader has the last one. An update is one post of 600 bytes, one frame of 704.",
        measure: fan_out,
    },
    Row {
        name: "memory",
        title: "Memory of a waiting reader",
        about: "What the server's private memory grows by for each of 15,000 WebSocket readers. What the kernel has for a socket comes to that, whoever serves it: some 4 KB at the server's end (half of what `cargo xtask scale` shows for both).",
        measure: memory,
    },
    Row {
        name: "channels",
        title: "1,000 pages with 10 readers each",
        about: "Each update goes to one page; they are spread over all of them.",
        measure: channels,
    },
    Row {
        name: "accept",
        title: "A reader who comes",
        about: "CPU from the accept of the connection to the first byte after the handshake, HTTP and all: on a first visit, and from a cursor that lies 20 updates back, which is answered with what changed since.",
        measure: accept,
    },
    Row {
        name: "events",
        title: "Server-Sent Events",
        about: "As the first table, with 10,000 readers over Server-Sent Events.",
        measure: |row, options| stream(row, options, "events"),
    },
    Row {
        name: "long-polling",
        title: "Long polling",
        about: "As the first table, with 10,000 requests that wait; a delivery is an answer and the reading of the next request.",
        measure: |row, options| stream(row, options, "long-polling"),
    },
    Row {
        name: "polling",
        title: "Interval polling",
        about: "Requests that one core answers in a second of its time, on 64 connections that stay open, beside what the framework itself makes of a handler that answers nothing, and of one that answers the same 704 bytes each time.",
        measure: polling::measure,
    },
    Row {
        name: "slow",
        title: "A slow reader among fast ones",
        about: "One more reader, on a line of 1 KB/s, beside the 10,000: when the others have their updates with and without it, and what the server's memory grew by in the meantime.",
        measure: slow,
    },
    Row {
        name: "growth",
        title: "From 100 to 19,000 readers",
        about: "CPU of the server for one delivery, in µs, and private memory of a reader.",
        measure: growth::measure,
    },
];

/// The limit first, and Live under each adapter; actix in its two ways.
pub(super) const SERVERS: &[&str] = &["bare", "axum", "warp", "tungstenite", "actix-lean", "actix"];

/// Those that answer more than WebSocket.
const HTTP_SERVERS: &[&str] = &["bare", "axum", "warp", "actix-lean", "actix"];

fn with_peers(options: &Options) -> Vec<&str> {
    SERVERS.iter().copied().chain(options.peers.iter().map(String::as_str)).collect()
}

fn fan_out(row: &Row, options: &Options) -> Result<Section> {
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

fn memory(row: &Row, options: &Options) -> Result<Section> {
    let crowd = websocket(options.readers(15_000), 1);
    let servers = with_peers(options);
    Ok(table(row, &servers, &compare(options, &servers, |server| crowd.measure(server))?, &[MEMORY]))
}

fn channels(row: &Row, options: &Options) -> Result<Section> {
    let readers = options.readers(10_000);
    let crowd = Crowd { channels: readers.div_ceil(10), ..websocket(readers, options.updates(20)) };
    let figures = compare(options, SERVERS, |server| crowd.measure(server))?;
    Ok(table(row, SERVERS, &figures, &[DELIVERY, DELIVERY_RATIO, PER_SECOND]))
}

fn accept(row: &Row, options: &Options) -> Result<Section> {
    let crowd = websocket(options.readers(10_000), 1);
    let servers = with_peers(options);
    let first = compare(options, &servers, |server| crowd.measure(server))?;
    let resumed = Crowd { start: Start::Resume, ..crowd };
    let resumed = compare(options, SERVERS, |server| resumed.measure(server))?;
    let mut section = section(row, &["", "µs, first visit", "to bare", "µs, from a cursor", "to a first visit"]);
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

fn stream(row: &Row, options: &Options, transport: &'static str) -> Result<Section> {
    let crowd = Crowd { transport, ..websocket(options.readers(10_000), options.updates(20)) };
    let figures = compare(options, HTTP_SERVERS, |server| crowd.measure(server))?;
    Ok(table(row, HTTP_SERVERS, &figures, &[DELIVERY, DELIVERY_RATIO, PER_SECOND, P99, MEMORY]))
}

fn slow(row: &Row, options: &Options) -> Result<Section> {
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
    let mut section = section(row, &["", "p99 without it, ms", "p99 with it, ms", "ratio", "memory grew by, KB"]);
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

pub(super) fn websocket(readers: usize, updates: usize) -> Crowd {
    Crowd { transport: "websocket", readers, channels: 1, updates, start: Start::Empty, slow: 0 }
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
    let mut section = section(row, &heads);
    for (server, own) in servers.iter().zip(figures) {
        let cells = columns.iter().map(|(_, cell)| cell(own, &figures[0]));
        section.table.push([(*server).to_owned()].into_iter().chain(cells).collect());
    }
    section
}

pub(super) fn section(row: &Row, heads: &[&str]) -> Section {
    let heads = heads.iter().map(|head| (*head).to_owned()).collect();
    Section { title: row.title.to_owned(), about: row.about.to_owned(), table: vec![heads], plots: Vec::new() }
}

/// The rounds of each server; in each round the servers take turns.
pub(super) fn compare<T>(
    options: &Options,
    servers: &[&str],
    measure: impl Fn(&str) -> Result<T>,
) -> Result<Vec<Vec<T>>> {
    let mut figures: Vec<Vec<T>> = servers.iter().map(|_| Vec::new()).collect();
    for _ in 0..options.rounds {
        for (server, figures) in servers.iter().zip(&mut figures) {
            figures.push(measure(server)?);
        }
    }
    Ok(figures)
}

pub(super) fn middle<T>(figures: &[T], of: impl Fn(&T) -> f64) -> f64 {
    median(&mut figures.iter().map(of).collect::<Vec<_>>())
}

/// In the same round, because the machine is not the same in all.
pub(super) fn ratio<T>(own: &[T], other: &[T], of: impl Fn(&T) -> f64) -> f64 {
    median(&mut own.iter().zip(other).map(|(own, other)| of(own) / of(other)).collect::<Vec<_>>())
}
