//! One server and a crowd of its readers, measured: what connecting, waiting and getting updates costs the server.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    addresses,
    latencies::Latencies,
    peers,
    process::{self, Process},
};

/// What is measured, and with how many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crowd {
    pub(super) transport: &'static str,
    pub(super) readers: usize,
    pub(super) channels: usize,
    /// Each goes to every channel.
    pub(super) updates: usize,
    pub(super) start: Start,
    /// Bytes in a second that one more reader reads; 0 for none.
    pub(super) slow: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// A first visit to a page of which nothing is known.
    Empty,
    /// From a cursor that is some updates old, of all of which one frame comes.
    Resume,
}

/// What one server needed in one round.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Figures {
    /// From the accept to the first byte after the handshake.
    pub(super) micros_per_accept: f64,
    pub(super) bytes_per_reader: f64,
    pub(super) micros_per_delivery: f64,
    pub(super) deliveries_per_second: f64,
    /// From the publish to a reader.
    pub(super) latencies: Latencies,
    /// From the publish to the last reader, the median of the updates.
    pub(super) last_millis: f64,
    /// What the server's memory grew by during the updates.
    pub(super) grown_bytes: f64,
}

impl Crowd {
    /// # Errors
    /// A reader did not get an update, or got it twice, or a process has ended.
    pub(super) fn measure(&self, server: &str) -> Result<Figures> {
        let mut run = Run::start(self, server)?;
        let mut figures = Figures { micros_per_accept: run.micros_per_accept, ..Figures::default() };
        // The first update allocates what is made once; its cost is not a reader's.
        run.deliver()?;
        thread::sleep(SETTLE * u32::try_from(self.readers)?);
        let settled = run.server.private_bytes()?;
        figures.bytes_per_reader = (settled - run.empty_bytes) / self.readers as f64;
        run.latencies()?;
        let (cpu, began) = (run.server.cpu()?, Instant::now());
        let mut lasts = (0..self.updates).map(|_| run.deliver()).collect::<Result<Vec<f64>>>()?;
        let deliveries = (self.readers * self.updates) as f64;
        figures.deliveries_per_second = deliveries / began.elapsed().as_secs_f64();
        figures.micros_per_delivery = (run.server.cpu()? - cpu).as_secs_f64() * 1e6 / deliveries;
        figures.grown_bytes = run.server.private_bytes()? - settled;
        figures.latencies = run.latencies()?;
        figures.last_millis = super::median(&mut lasts);
        Ok(figures)
    }
}

struct Run {
    // The readers first, as fields are dropped in their order: a reader whose server goes has something to say.
    /// Reads slowly, if there is one.
    _slow: Option<Process>,
    readers: Process,
    server: Process,
    number: usize,
    empty_bytes: f64,
    micros_per_accept: f64,
}

impl Run {
    fn start(crowd: &Crowd, name: &str) -> Result<Self> {
        let channels = crowd.channels.to_string();
        let mut server = match name {
            "bare" => Process::start(&["bare", crowd.transport, &channels], process::SERVERS)?,
            peer if peers::PEERS.iter().any(|known| known.name == peer) => {
                Process::start_keeper(&["peer", peer], process::SERVERS)?
            }
            adapter => Process::start(&["live", adapter, "memory:", &channels, "25"], process::SERVERS)?,
        };
        let printed = server.line(DEADLINE)?;
        let (address, prefix) = printed.split_once(' ').context("a server prints its address and prefix")?;
        let (mut number, mut cursor) = (0, None);
        if crowd.transport == "long-polling" || crowd.start == Start::Resume {
            // A first answer with a cursor, without which there is no next request; or one that lies back.
            number = publish(&mut server, number, 1)?;
        }
        if crowd.start == Start::Resume {
            cursor = Some(ask_cursor(&mut server)?);
            number = publish(&mut server, number, MISSED)?;
            ask_cursor(&mut server)?;
        }
        let empty_bytes = server.private_bytes()?;
        let before = server.cpu()?;
        let (count, source) = (crowd.readers.to_string(), addresses::take(crowd.readers).to_string());
        let mut arguments = vec!["readers", crowd.transport, address, prefix, &count, &channels, &source];
        arguments.extend(cursor.as_deref());
        let mut readers = Process::start(&arguments, process::READERS)?;
        ensure!(readers.line(PATIENCE)? == "connected", "the readers did not connect");
        let micros_per_accept = (server.cpu()? - before).as_secs_f64() * 1e6 / crowd.readers as f64;
        let slow = crowd.slow.to_string();
        let slow = (crowd.slow > 0).then(|| Process::start(&["slow", address, prefix, &slow], process::READERS));
        Ok(Self { server, readers, _slow: slow.transpose()?, number, empty_bytes, micros_per_accept })
    }

    /// Publishes and waits until every reader has the update. Returns how long the last one waited, in milliseconds.
    fn deliver(&mut self) -> Result<f64> {
        self.number += 1;
        self.server.say(self.number)?;
        let line = self.readers.line(PATIENCE).with_context(|| format!("update {}", self.number))?;
        let (number, nanos) = line.split_once(' ').context("readers print number and time")?;
        ensure!(number.parse() == Ok(self.number), "update {number} came in the place of {}", self.number);
        Ok(nanos.parse::<f64>()? / 1e6)
    }

    /// Of the deliveries since the last call.
    fn latencies(&mut self) -> Result<Latencies> {
        self.readers.say("summary")?;
        self.readers.line(DEADLINE)?.parse()
    }
}

fn publish(server: &mut Process, number: usize, updates: usize) -> Result<usize> {
    (number + 1..=number + updates).try_for_each(|number| server.say(number))?;
    Ok(number + updates)
}

/// The server answers when it has done all that it was told before.
fn ask_cursor(server: &mut Process) -> Result<String> {
    server.say("cursor")?;
    server.line(DEADLINE)
}

/// More than a reader gets one by one.
const MISSED: usize = 20;

/// In which a server puts away what it needed to accept a reader.
const SETTLE: Duration = Duration::from_micros(100);
const DEADLINE: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(120);
