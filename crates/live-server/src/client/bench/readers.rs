//! The readers of a bench.

use std::{sync::Arc, time::Instant};

use live_core::{ChannelId, Start, Transport};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time,
};

use super::{
    super::{
        connect::Server,
        failure::Failure,
        link::{Ending, Heard, Link},
        watch::frame::Frame,
    },
    channel::{BenchChannel, Measured, Progress},
};

/// A channel to read, from a place in it.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) id: ChannelId,
    pub(super) channel: Arc<BenchChannel>,
    pub(super) start: Start,
}

/// Readers that are connected.
pub(super) struct Crowd {
    /// Each ends with its link when it has the last update, so that nobody leaves while others wait.
    readers: JoinSet<Result<Link, Ending>>,
}

/// What became of the readers.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) lost: u64,
    /// Why one of them was lost.
    pub(super) because: Option<String>,
}

impl Crowd {
    /// Connects so many readers, spread over the places, and waits until each has heard from the server.
    ///
    /// # Errors
    /// One of them cannot connect: the others end as well.
    pub(super) async fn connect(
        server: &Server,
        transport: Transport,
        count: u64,
        places: &[Place],
        measured: &Arc<Measured>,
    ) -> Result<Self, Failure> {
        let mut readers = JoinSet::new();
        let doors = Arc::new(Semaphore::new(DOORS));
        let (tx, mut connected) = mpsc::channel(DOORS);
        for (_, place) in (0..count).zip(places.iter().cycle()) {
            let reader = Reader { place: place.clone(), measured: Arc::clone(measured), transport };
            readers.spawn(reader.run(server.clone(), Arc::clone(&doors), tx.clone()));
        }
        // The readers have theirs: when all are gone, none is left to come.
        drop(tx);
        for number in 1..=count {
            let error = |reason| format!("reader {number} of {count}: {reason}");
            match connected.recv().await {
                Some(Ok(())) => {}
                Some(Err(Ending::Refused(reason))) => return Err(Failure::Refused(error(reason))),
                Some(Err(Ending::Lost { reason, .. })) => return Err(Failure::Unreachable(error(reason))),
                None => return Err(Failure::Unreachable(error("it ended".to_owned()))),
            }
        }
        Ok(Self { readers })
    }

    /// Waits until each reader has the last update, is lost, or the deadline is over.
    pub(super) async fn finish(mut self, deadline: time::Instant) -> Outcome {
        let mut outcome = Outcome::default();
        let mut links = Vec::new();
        while let Ok(Some(ended)) = time::timeout_at(deadline, self.readers.join_next()).await {
            match ended {
                Ok(Ok(link)) => links.push(link),
                Ok(Err(ending)) => {
                    outcome.lost += 1;
                    outcome.because = Some(ending.to_string());
                }
                Err(_) => outcome.lost += 1,
            }
        }
        outcome
    }
}

/// Readers that connect at a time: more would overflow the queue of a listening socket.
const DOORS: usize = 64;

struct Reader {
    place: Place,
    measured: Arc<Measured>,
    transport: Transport,
}

impl Reader {
    async fn run(
        self,
        server: Server,
        doors: Arc<Semaphore>,
        connected: mpsc::Sender<Result<(), Ending>>,
    ) -> Result<Link, Ending> {
        let mut own = self.place.start;
        let mut progress = self.place.channel.progress(&self.measured);
        let door = doors.acquire().await;
        let opened = self.open(&server, &mut own, &mut progress).await;
        drop(door);
        let told = opened.as_ref().map(|_| ()).map_err(Clone::clone);
        let _ = connected.send(told).await;
        drop(connected);
        let mut link = opened?;
        loop {
            let heard = link.next(own).await?;
            if self.take(heard, &mut own, &mut progress) {
                return Ok(link);
            }
        }
    }

    async fn open(&self, server: &Server, own: &mut Start, progress: &mut Progress<'_>) -> Result<Link, Ending> {
        let mut link = Link::open(server, self.transport, &self.place.id, *own).await?;
        // A stream says hello when the reader has joined its page, and not before.
        let heard = link.next(*own).await?;
        self.take(heard, own, progress);
        Ok(link)
    }

    /// `true` if it was the last update.
    fn take(&self, heard: Heard, own: &mut Start, progress: &mut Progress<'_>) -> bool {
        let now = Instant::now();
        let Heard::Frame(text) = heard else { return false };
        // A stream knows where it is, and reading JSON would be part of what is measured.
        if matches!(self.transport, Transport::LongPolling | Transport::IntervalPolling)
            && let Some(cursor) = Frame::parse(&text).and_then(|frame| frame.cursor)
        {
            *own = Start::At(cursor);
        }
        progress.take(&text, now)
    }
}
