//! One server and a crowd of its readers, measured: what connecting, waiting and getting updates costs the server.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use super::server::{DEADLINE, PATIENCE, Server, waited};
use crate::{
    latencies::Latencies,
    median::median,
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
    pub(super) cores: Cores,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cores {
    /// One for the server, and another one for its readers.
    OneEach,
    /// The readers share them if the machine has no third one.
    TwoForTheServer,
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
        self.figures(server).with_context(|| format!("{server}, {}", self.transport))
    }

    fn figures(&self, server: &str) -> Result<Figures> {
        let mut run = Run::start(self, server)?;
        let mut figures = Figures { micros_per_accept: run.micros_per_accept, ..Figures::default() };
        thread::sleep(SETTLE * u32::try_from(self.readers)?);
        let waiting = run.server.process.private_bytes()?;
        figures.bytes_per_reader = (waiting - run.empty_bytes) / self.readers as f64;
        // The first update allocates what is made once; its cost is not a reader's.
        run.deliver()?;
        run.latencies()?;
        let settled = run.server.process.private_bytes()?;
        let (cpu, began) = (run.server.process.cpu()?, Instant::now());
        let mut lasts = (0..self.updates).map(|_| run.deliver()).collect::<Result<Vec<f64>>>()?;
        let deliveries = (self.readers * self.updates) as f64;
        figures.deliveries_per_second = deliveries / began.elapsed().as_secs_f64();
        figures.micros_per_delivery = (run.server.process.cpu()? - cpu).as_secs_f64() * 1e6 / deliveries;
        figures.grown_bytes = run.server.process.private_bytes()? - settled;
        figures.latencies = run.latencies()?;
        figures.last_millis = median(&mut lasts);
        Ok(figures)
    }
}

struct Run {
    // The readers first, as fields are dropped in their order: a reader whose server goes has something to say.
    /// Reads slowly, if there is one.
    _slow: Option<Process>,
    readers: Process,
    server: Server,
    number: usize,
    empty_bytes: f64,
    micros_per_accept: f64,
}

impl Run {
    fn start(crowd: &Crowd, name: &str) -> Result<Self> {
        let (cores, readers_cores) = match crowd.cores {
            Cores::OneEach => (process::SERVERS, process::READERS),
            Cores::TwoForTheServer => (process::TWO, process::beside_two()),
        };
        let mut server = Server::start(name, crowd.transport, crowd.channels, cores)?;
        let (mut number, mut cursor) = (0, None);
        if crowd.transport == "long-polling" || crowd.start == Start::Resume {
            // A first answer with a cursor, without which there is no next request; or one that lies back.
            number = server.publish(number, 1)?;
            server.cursor()?;
        }
        if crowd.start == Start::Resume {
            cursor = Some(server.cursor()?);
            number = server.publish(number, MISSED)?;
            server.cursor()?;
        }
        let empty_bytes = server.process.private_bytes()?;
        let before = server.process.cpu()?;
        let readers = server.readers(crowd.readers, 0..crowd.channels, cursor.as_deref(), readers_cores)?;
        let micros_per_accept = (server.process.cpu()? - before).as_secs_f64() * 1e6 / crowd.readers as f64;
        let slow = (crowd.slow > 0).then(|| server.slow_reader(crowd.slow)).transpose()?;
        Ok(Self { server, readers, _slow: slow, number, empty_bytes, micros_per_accept })
    }

    /// Publishes and waits until every reader has the update. Returns how long the last one waited, in milliseconds.
    fn deliver(&mut self) -> Result<f64> {
        self.number = self.server.publish(self.number, 1)?;
        let line = self.readers.line(PATIENCE).with_context(|| format!("update {}", self.number))?;
        waited(&line, self.number)
    }

    /// Of the deliveries since the last call.
    fn latencies(&mut self) -> Result<Latencies> {
        self.readers.say("summary")?;
        self.readers.line(DEADLINE)?.parse()
    }
}

/// More than a reader gets one by one.
const MISSED: usize = 20;

/// In which a server puts away what it needed to accept a reader.
const SETTLE: Duration = Duration::from_micros(100);
