//! The rows about a crowd of readers, whose columns are figures of that crowd.

use anyhow::Result;

use super::{
    crowd::{Cores, Crowd, Figures, Start},
    frameworks::empty_answers,
    goal::Goal,
    grouped::grouped,
    options::Options,
    plot::Lines,
    rounds::{HTTP_SERVERS, SERVERS, SERVERS_AND_LOOPS, compare, middle, ratio, with_peers},
    rows::Row,
    section::{Brief, Section},
};
use crate::latencies::QUANTILES;

pub(super) fn fan_out(row: &Row, options: &Options) -> Result<Section> {
    let crowd = websocket(options.readers(10_000), options.updates(30));
    let servers = with_peers(SERVERS_AND_LOOPS, options, "websocket");
    let figures = crowd.compare(options, &servers)?;
    let mut section =
        table(row, &servers, &figures, &[DELIVERY, DELIVERY_RATIO, RATIO_RANGE, PER_SECOND, MEDIAN, P99, LAST]);
    section.plots = vec![("performance-latencies.svg", latencies(&figures))];
    let per_delivery = |own: &[Figures], other: &[Figures]| ratio(own, other, |figures| figures.micros_per_delivery);
    let wanted = "at most 1.05 and in actix's own server 1.20";
    let mut to_bare = Goal::new("CPU per delivery, against the bare loop", wanted, BESIDE_THE_WRITE);
    let mut last = Goal::new("time to the last reader, against the bare loop", "at most 1.10", BESIDE_THE_WRITE);
    for (server, own) in lives(&servers, &figures) {
        to_bare.at_most(server, per_delivery(own, &figures[0]), if server == "actix" { 1.20 } else { 1.05 });
        last.at_most(server, ratio(own, &figures[0], |figures| figures.last_millis), 1.10);
    }
    section.goals = vec![to_bare, last];
    section.goals.extend(against_peers("CPU per delivery", ONE_BY_ONE, &servers, &figures, per_delivery));
    let cells = servers.iter().zip(&figures);
    let cells = cells.map(|(server, own)| ((*server).to_owned(), format!("{:.2}", per_delivery(own, &figures[0]))));
    section.brief = Some(Brief { head: "CPU per delivery, bare = 1", cells: cells.collect() });
    Ok(section)
}

/// Without the peers, of which some would make all others lines along the ground.
fn latencies(figures: &[Vec<Figures>]) -> String {
    let label = |x: f64| format!("{} %", (1e4 - 1e4 / x).round() / 1e2);
    let mut plot = Lines::new("From the publish to a reader", "of all deliveries took no longer than", "ms", label);
    for (server, own) in SERVERS_AND_LOOPS.iter().zip(figures) {
        // The last of all is a matter of luck, and stands in the table.
        for part in QUANTILES.into_iter().filter(|part| *part < 1.0) {
            plot.point(server, 1.0 / (1.0 - part), middle(own, |figures| figures.latencies.within(part)));
        }
    }
    plot.svg()
}

pub(super) fn memory(row: &Row, options: &Options) -> Result<Section> {
    let crowd = websocket(options.readers(15_000), 1);
    let servers = with_peers(SERVERS, options, "websocket");
    let figures = compare(options, &servers, |server| crowd.measure(server))?;
    let mut section = table(row, &servers, &figures, &[MEMORY]);
    let wanted = "at most 2.00 and with actix-lean 4.00";
    let mut goal = Goal::new("KB of memory for a reader who waits", wanted, "");
    let kilobytes = |own: &[Figures]| middle(own, |figures| figures.bytes_per_reader) / 1e3;
    // actix's own server has buffers for each connection that nobody can take away.
    for (server, own) in lives(&servers, &figures).filter(|(server, _)| *server != "actix") {
        goal.at_most(server, kilobytes(own), if server == "actix-lean" { 4.0 } else { 2.0 });
    }
    section.goals = vec![goal];
    let per_reader = |own: &[Figures], other: &[Figures]| ratio(own, other, |figures| figures.bytes_per_reader);
    section.goals.extend(against_peers("memory for a reader who waits", KEPT, &servers, &figures, per_reader));
    let cells = servers.iter().zip(&figures);
    let cells = cells.map(|(server, own)| ((*server).to_owned(), format!("{:.1}", kilobytes(own))));
    section.brief = Some(Brief { head: "KB for a waiting reader", cells: cells.collect() });
    Ok(section)
}

pub(super) fn channels(row: &Row, options: &Options) -> Result<Section> {
    let readers = options.readers(10_000);
    let crowd = Crowd { channels: readers.div_ceil(10), ..websocket(readers, options.updates(20)) };
    let figures = crowd.compare(options, SERVERS)?;
    let mut section = table(row, SERVERS, &figures, &[DELIVERY, DELIVERY_RATIO, RATIO_RANGE, PER_SECOND]);
    let what = "CPU per delivery on many small pages, against the bare loop";
    let mut goal = Goal::new(
        what,
        "at most 1.10",
        "An update is numbered, stored and encoded for ten readers here, which is [counted](instructions.md) as `publish`.",
    );
    for (server, own) in lives(SERVERS, &figures) {
        goal.at_most(server, ratio(own, &figures[0], |figures| figures.micros_per_delivery), 1.10);
    }
    section.goals = vec![goal];
    Ok(section)
}

pub(super) fn events(row: &Row, options: &Options) -> Result<Section> {
    let (servers, figures) = stream(options, "events")?;
    let what = "CPU per delivery over Server-Sent Events";
    let mut cpu = Goal::new(format!("{what}, against the bare loop"), "at most 1.25", ONE_BY_ONE);
    let mut memory = Goal::new("KB of memory for a reader of events", "at most 8.00", HTTP_BUFFERS);
    for (server, own) in lives(&servers, &figures) {
        cpu.at_most(server, ratio(own, &figures[0], |figures| figures.micros_per_delivery), 1.25);
        memory.at_most(server, middle(own, |figures| figures.bytes_per_reader) / 1e3, 8.0);
    }
    let per_delivery = |own: &[Figures], other: &[Figures]| ratio(own, other, |figures| figures.micros_per_delivery);
    let mut section = table(row, &servers, &figures, STREAM);
    section.goals = vec![cpu, memory];
    section.goals.extend(against_peers(what, ONE_BY_ONE, &servers, &figures, per_delivery));
    Ok(section)
}

pub(super) fn long_polling(row: &Row, options: &Options) -> Result<Section> {
    let (servers, figures) = stream(options, "long-polling")?;
    let mut memory = Goal::new("KB of memory for a long poll that waits", "at most 10.00", KEPT_REQUEST);
    for (server, own) in lives(&servers, &figures) {
        memory.at_most(server, middle(own, |figures| figures.bytes_per_reader) / 1e3, 10.0);
    }
    let per_delivery = |own: &[Figures], other: &[Figures]| ratio(own, other, |figures| figures.micros_per_delivery);
    let mut section = table(row, &servers, &figures, STREAM);
    for (framework, own) in empty_answers(options, options.readers(10_000))? {
        section.table.push(cells(&framework, &own, &figures[0], STREAM));
    }
    section.goals = vec![memory];
    section.goals.extend(against_peers("CPU per answered long poll", PUT_AWAY, &servers, &figures, per_delivery));
    Ok(section)
}

fn stream<'a>(options: &'a Options, transport: &'static str) -> Result<(Vec<&'a str>, Vec<Vec<Figures>>)> {
    let crowd = Crowd { transport, ..websocket(options.readers(10_000), options.updates(20)) };
    let servers = with_peers(HTTP_SERVERS, options, transport);
    let figures = crowd.compare(options, &servers)?;
    Ok((servers, figures))
}

/// Live's own, without the bare server and the peers.
fn lives<'a>(servers: &[&'a str], figures: &'a [Vec<Figures>]) -> impl Iterator<Item = (&'a str, &'a Vec<Figures>)> {
    servers.iter().copied().zip(figures).filter(|(server, _)| SERVERS[1..].contains(server))
}

/// At most as much as each peer needs.
pub(super) fn against_peers(
    what: &str,
    obstacle: &'static str,
    servers: &[&str],
    figures: &[Vec<Figures>],
    ratio: impl Fn(&[Figures], &[Figures]) -> f64,
) -> Vec<Goal> {
    let peers = servers.iter().zip(figures).filter(|(server, _)| !SERVERS_AND_LOOPS.contains(server));
    let goals = peers.map(|(peer, theirs)| {
        let mut goal = Goal::new(format!("{what}, against {peer}"), "at most 1.00", obstacle);
        lives(servers, figures).for_each(|(server, own)| goal.at_most(server, ratio(own, theirs), 1.0));
        goal
    });
    goals.collect()
}

const BESIDE_THE_WRITE: &str = "`bare-tokio` is what a loop pays that writes by tokio's sockets; what a delivery takes beside the \
    `write` is [counted](instructions.md); \
    actix's own server polls each reader's response by itself and copies each frame, where a shard has many readers.";
const ONE_BY_ONE: &str = "actix's own server polls each reader's response by itself and copies what it says, where a shard has many readers.";
const KEPT: &str = "actix's own server keeps its two buffers, of 8 KB each, for as long as the reader is there.";
const HTTP_BUFFERS: &str =
    "The HTTP server keeps buffers for reading and writing for as long as the connection is one of HTTP.";
const KEPT_REQUEST: &str = "The HTTP server keeps two buffers of 8 KB, of which one holds the headers that have come, for as long as the request is not \
    answered. actix has the headers in a map of 7 KB beside, in which middleware may look again when the answer is there.";
const PUT_AWAY: &str = "An empty answer on each of as many connections costs the framework itself what the last lines say. A poll that waits is \
    put away with its request, its route and its reader, each in a piece of memory of its own, and taken out behind ten thousand others.";

pub(super) fn websocket(readers: usize, updates: usize) -> Crowd {
    Crowd { transport: "websocket", readers, channels: 1, updates, start: Start::Empty, slow: 0, cores: Cores::OneEach }
}

/// A column of a table: its head, and how a server's rounds become a cell; the bare server's rounds are beside them.
type Column = (&'static str, fn(&[Figures], &[Figures]) -> String);

const DELIVERY: Column =
    ("CPU µs per delivery", |own, _| format!("{:.2}", middle(own, |figures| figures.micros_per_delivery)));
const DELIVERY_RATIO: Column =
    ("to bare", |own, bare| format!("{:.2}", ratio(own, bare, |figures| figures.micros_per_delivery)));
const RATIO_RANGE: Column = ("lowest and highest", |own, bare| {
    let mut ratios: Vec<_> =
        own.iter().zip(bare).map(|(own, bare)| own.micros_per_delivery / bare.micros_per_delivery).collect();
    ratios.sort_by(f64::total_cmp);
    ratios.first().zip(ratios.last()).map_or(String::new(), |(least, most)| format!("{least:.2}, {most:.2}"))
});
const PER_SECOND: Column =
    ("deliveries/s", |own, _| grouped(middle(own, |figures| figures.deliveries_per_second).round()));
const MEDIAN: Column = ("median ms", |own, _| format!("{:.1}", middle(own, |figures| figures.latencies.within(0.5))));
const P99: Column = ("p99 ms", |own, _| match middle(own, |figures| figures.latencies.within(0.99)) {
    // Nothing was published.
    0.0 => String::new(),
    millis => format!("{millis:.1}"),
});
const LAST: Column = ("last reader ms", |own, _| format!("{:.1}", middle(own, |figures| figures.last_millis)));
const MEMORY: Column = ("bytes per reader", |own, _| grouped(middle(own, |figures| figures.bytes_per_reader).round()));

const STREAM: &[Column] = &[DELIVERY, DELIVERY_RATIO, RATIO_RANGE, PER_SECOND, P99, MEMORY];

fn table(row: &Row, servers: &[&str], figures: &[Vec<Figures>], columns: &[Column]) -> Section {
    let heads: Vec<_> = [""].into_iter().chain(columns.iter().map(|(head, _)| *head)).collect();
    let mut section = Section::new(row, &heads);
    for (server, own) in servers.iter().zip(figures) {
        section.table.push(cells(server, own, &figures[0], columns));
    }
    section
}

/// A line of a table.
fn cells(server: &str, own: &[Figures], bare: &[Figures], columns: &[Column]) -> Vec<String> {
    let cells = columns.iter().map(|(_, cell)| cell(own, bare));
    [server.to_owned()].into_iter().chain(cells).collect()
}
