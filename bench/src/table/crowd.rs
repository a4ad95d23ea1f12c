//! One server and a crowd of its readers, measured: what connecting, waiting and getting updates costs the server.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use super::{
    options::Options,
    server::{DEADLINE, PATIENCE, Server, waited},
};
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
    /// What a server needs to have its readers wait.
    ///
    /// # Errors
    /// A reader did not get an update, or got it twice, or a process has ended.
    pub(super) fn measure(self, server: &str) -> Result<Figures> {
        Run::start(self, server)?.end()
    }

    /// The same crowd for each server, as [`compare_crowds`].
    pub(super) fn compare(self, options: &Options, servers: &[&str]) -> Result<Vec<Vec<Figures>>> {
        let crowds: Vec<_> = servers.iter().map(|server| (self, *server)).collect();
        compare_crowds(options.rounds, &crowds)
    }
}

/// Some crowds, each with a server of its own, in so many rounds. In each round all are there at once, and an update goes to one of them
/// after the other: a machine that is slow for a second is slow for all. They have the same number of updates.
///
/// # Errors
/// As [`Crowd::measure`].
pub(super) fn compare_crowds(rounds: usize, crowds: &[(Crowd, &str)]) -> Result<Vec<Vec<Figures>>> {
    let mut figures: Vec<_> = crowds.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        let mut runs = crowds.iter().map(|(crowd, server)| Run::start(*crowd, server)).collect::<Result<Vec<_>>>()?;
        for update in 0..crowds.first().map_or(0, |(crowd, _)| crowd.updates) {
            // Forth and back, and each time from another one on, so that nobody comes always after the same one.
            let count = runs.len();
            for turn in 0..count {
                let turn = if update % 2 == 0 { turn } else { count - 1 - turn };
                runs[(update + turn) % count].deliver_measured()?;
            }
        }
        for (run, figures) in runs.into_iter().zip(&mut figures) {
            figures.push(run.end()?);
        }
    }
    Ok(figures)
}

/// A server with its crowd, under measurement.
struct Run {
    // The readers first, as fields are dropped in their order: a reader whose server goes has something to say.
    /// Reads slowly, if there is one.
    _slow: Option<Process>,
    readers: Process,
    server: Server,
    crowd: Crowd,
    /// Of the server and its transport, for errors.
    title: String,
    /// Of the last update.
    number: usize,
    figures: Figures,
    /// When the first update was out.
    settled_bytes: f64,
    settled_cpu: Duration,
    /// While an update was under way.
    busy: Duration,
    /// How long the last reader of each update waited, in milliseconds.
    lasts: Vec<f64>,
}

impl Run {
    fn start(crowd: Crowd, server: &str) -> Result<Self> {
        let title = format!("{server}, {}", crowd.transport);
        Self::connect(crowd, server, &title).with_context(|| title)
    }

    fn connect(crowd: Crowd, name: &str, title: &str) -> Result<Self> {
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
        let slow = (crowd.slow > 0).then(|| server.slow_reader(crowd.slow)).transpose()?;
        if slow.is_some() {
            for _ in 0..FILL {
                number = server.publish(number, 1)?;
                server.cursor()?;
                // Each by itself, as it would skip those that come at once.
                thread::sleep(Duration::from_millis(1));
            }
        }
        let empty_bytes = server.process.private_bytes()?;
        let before = server.process.cpu()?;
        let readers = server.readers(crowd.readers, 0..crowd.channels, cursor.as_deref(), readers_cores)?;
        let count = crowd.readers as f64;
        let micros_per_accept = (server.process.cpu()? - before).as_secs_f64() * 1e6 / count;
        thread::sleep(SETTLE * u32::try_from(crowd.readers)?);
        let bytes_per_reader = (server.process.private_bytes()? - empty_bytes) / count;
        let mut run = Self {
            _slow: slow,
            readers,
            server,
            crowd,
            title: title.to_owned(),
            number,
            figures: Figures { micros_per_accept, bytes_per_reader, ..Figures::default() },
            settled_bytes: 0.0,
            settled_cpu: Duration::ZERO,
            busy: Duration::ZERO,
            lasts: Vec::new(),
        };
        // The first update allocates what is made once; its cost is not a reader's.
        run.deliver()?;
        run.latencies()?;
        run.settled_bytes = run.server.process.private_bytes()?;
        run.settled_cpu = run.server.process.cpu()?;
        Ok(run)
    }

    /// Publishes and waits until every reader has the update. Returns how long the last one waited, in milliseconds.
    fn deliver(&mut self) -> Result<f64> {
        self.number = self.server.publish(self.number, 1)?;
        let line = self.readers.line(PATIENCE).with_context(|| format!("update {}", self.number))?;
        waited(&line, self.number)
    }

    fn deliver_measured(&mut self) -> Result<()> {
        let began = Instant::now();
        let last = self.deliver().with_context(|| self.title.clone())?;
        self.busy += began.elapsed();
        self.lasts.push(last);
        Ok(())
    }

    /// Of the deliveries since the last call.
    fn latencies(&mut self) -> Result<Latencies> {
        self.readers.say("summary")?;
        self.readers.line(DEADLINE)?.parse()
    }

    /// What it has shown.
    fn end(mut self) -> Result<Figures> {
        let process = &self.server.process;
        // Also what is done behind the last reader's back, such as reading its next request.
        let cpu = process.cpu()?.saturating_sub(self.settled_cpu);
        let delivered = (self.crowd.readers * self.lasts.len()) as f64;
        Ok(Figures {
            micros_per_delivery: cpu.as_secs_f64() * 1e6 / delivered,
            deliveries_per_second: delivered / self.busy.as_secs_f64(),
            grown_bytes: process.private_bytes()? - self.settled_bytes,
            latencies: self.latencies().with_context(|| self.title.clone())?,
            last_millis: median(&mut self.lasts),
            ..self.figures
        })
    }
}

/// Updates of a slow reader before the others come: more than the kernel holds for its socket, 128 KiB by configuration.
const FILL: usize = 300;

/// More than a reader gets one by one.
const MISSED: usize = 20;

/// In which a server puts away what it needed to accept a reader.
pub(super) const SETTLE: Duration = Duration::from_micros(100);
