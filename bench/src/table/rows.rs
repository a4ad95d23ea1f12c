//! What is measured, row by row: each has a name for `--only`.

use anyhow::Result;

use super::{
    accept, cores, crowds, fairness, growth, options::Options, page_size, polling, publish, section::Section, slow,
};

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
        measure: crowds::fan_out,
    },
    Row {
        name: "memory",
        title: "Memory of a waiting reader",
        about: "What the server's private memory grows by for each of 15,000 WebSocket readers, who are connected and wait for their first update. What the kernel has for a socket comes to that, whoever serves it: some 4 KB at the server's end (half of what `cargo xtask scale` shows for both).",
        measure: crowds::memory,
    },
    Row {
        name: "channels",
        title: "1,000 pages with 10 readers each",
        about: "Each update goes to one page; they are spread over all of them.",
        measure: crowds::channels,
    },
    Row {
        name: "accept",
        title: "A reader who comes",
        about: "CPU from the accept of the connection to the first byte after the handshake, HTTP and all: on a first visit, and from a cursor that lies 20 updates back, which is answered with what changed since. The last lines are the frameworks themselves, without Live: a connection whose first request has an empty answer.",
        measure: accept::measure,
    },
    Row {
        name: "events",
        title: "Server-Sent Events",
        about: "As the first table, with 10,000 readers over Server-Sent Events.",
        measure: crowds::events,
    },
    Row {
        name: "long-polling",
        title: "Long polling",
        about: "As the first table, with 10,000 requests that wait; a delivery is an answer and the reading of the next request. The last lines are the frameworks themselves: an empty answer at once to a request on each of 10,000 connections.",
        measure: crowds::long_polling,
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
        measure: slow::measure,
    },
    Row {
        name: "fairness",
        title: "A small page beside a giant one",
        about: "19,000 readers watch one page and ten another one of the same server. While an update goes to the 19,000, updates of the small page are published one after the other. Times are from the moment at which an update is asked for to the last reader who has it; the readers of both pages share a core, so that some of a time is theirs.",
        measure: fairness::measure,
    },
    Row {
        name: "cores",
        title: "One core and two",
        about: "As the first table, with the server on one core, and on two. On a machine of two cores the readers share them with the server then, so that it cannot have twice as much; they need about half as much CPU as the server.",
        measure: cores::measure,
    },
    Row {
        name: "publish",
        title: "The call that publishes",
        about: "How long `Hub::publish` takes while readers wait for it. They are readers in memory, in the same process, as so many sockets would be too many files for it, and are woken one by one, where real sockets share a task for each 1,024. All of them get each update, which takes the time of the last column; the call does not wait for it. The first column is the call after all readers have had the update before, the second one right after a call for a page that nobody reads, which has brought the code back into the processor's caches.",
        measure: publish::measure,
    },
    Row {
        name: "growth",
        title: "From 100 to 19,000 readers",
        about: "CPU of the server for one delivery, in µs, and private memory of a reader.",
        measure: growth::measure,
    },
    Row {
        name: "page-size",
        title: "From 10 to 100,000 posts on a page",
        about: "One post of 600 bytes is edited, and the update becomes part of the page and a frame for its readers (apply). A reader who lacks this one update asks what is new (since), and another one who lacks a hundred is the first to do so, for whom a frame of a hundred posts is made (conflate). In µs, the medians of a thousand. Then what the process's private memory grew by in so many updates more, each of which has readers far behind: it keeps recent updates, up to a limit.",
        measure: page_size::measure,
    },
];
