//! Whether a giant page holds up a small one.

use std::ops::Range;

use anyhow::{Context as _, Result};

use super::{
    goal::Goal,
    options::Options,
    rounds::{SERVERS, compare, middle},
    rows::Row,
    section::Section,
    server::{PATIENCE, Server, waited},
};
use crate::{
    median::median,
    process::{self, Process},
    servers::Order,
};

/// Milliseconds from a publish to the page's last reader.
struct Times {
    alone: f64,
    /// While the giant page has an update on its way.
    beside: f64,
    longest_beside: f64,
    giant: f64,
}

pub(super) fn measure(row: &Row, options: &Options) -> Result<Section> {
    let times = compare(options, SERVERS, |server| times(server, options))?;
    let heads = [
        "",
        "small page alone, ms",
        "beside the giant one, ms",
        "the longest, ms",
        "the giant page itself, ms",
        "longest to it",
    ];
    let mut section = Section::new(row, &heads);
    let what = "the longest wait of the small page beside the giant one, against the giant page's own";
    let mut goal = Goal::new(what, "at most 0.25", ONE_LINE);
    for (server, own) in SERVERS.iter().zip(&times) {
        if *server != "bare" {
            goal.at_most(server, middle(own, |times| times.longest_beside / times.giant), 0.25);
        }
        section.table.push(vec![
            (*server).to_owned(),
            format!("{:.2}", middle(own, |times| times.alone)),
            format!("{:.2}", middle(own, |times| times.beside)),
            format!("{:.2}", middle(own, |times| times.longest_beside)),
            format!("{:.1}", middle(own, |times| times.giant)),
            format!("{:.2}", middle(own, |times| times.longest_beside / times.giant)),
        ]);
    }
    section.goals = vec![goal];
    Ok(section)
}

fn times(server: &str, options: &Options) -> Result<Times> {
    let mut server = Server::start(server, "websocket", 2, process::SERVERS)?;
    let mut giant = Page::open(&server, options.readers(GIANT), 0..1)?;
    let mut small = Page::open(&server, SMALL, 1..2)?;
    // The first updates allocate what is made once.
    giant.deliver(&mut server)?;
    small.deliver(&mut server)?;
    let updates = options.updates(20);
    let mut alone = (0..updates).map(|_| small.deliver(&mut server)).collect::<Result<Vec<f64>>>()?;
    let (mut beside, mut own) = (Vec::new(), Vec::new());
    for _ in 0..updates {
        giant.publish(&mut server)?;
        own.push(loop {
            beside.push(small.deliver(&mut server)?);
            if let Some(line) = giant.readers.line_if_any()? {
                break waited(&line, giant.number)?;
            }
        });
    }
    Ok(Times {
        alone: median(&mut alone),
        longest_beside: beside.iter().copied().fold(0.0, f64::max),
        beside: median(&mut beside),
        giant: median(&mut own),
    })
}

/// One channel with its readers, dropped before the server.
struct Page {
    readers: Process,
    channel: usize,
    number: usize,
}

impl Page {
    fn open(server: &Server, readers: usize, channel: Range<usize>) -> Result<Self> {
        let number = channel.start;
        Ok(Self { readers: server.readers(readers, channel, None, process::READERS)?, channel: number, number: 0 })
    }

    fn publish(&mut self, server: &mut Server) -> Result<()> {
        self.number += 1;
        server.process.say(Order::publish_to(self.channel, self.number))
    }

    fn deliver(&mut self, server: &mut Server) -> Result<f64> {
        self.publish(server)?;
        let line = self.readers.line(PATIENCE).with_context(|| format!("update {}", self.number))?;
        waited(&line, self.number)
    }
}

const ONE_LINE: &str =
    "Where readers are woken one by one, as in actix's own server, those of both pages stand in one line.";

/// As many as one process may have files for, with the small page's.
const GIANT: usize = 19_000;
const SMALL: usize = 10;
