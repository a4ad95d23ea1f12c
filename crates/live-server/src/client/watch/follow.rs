//! Keeps a reader connected: when to come back, and from where.

use std::{io, time::Duration};

use live_core::{ChannelId, Start, Transport};
use tokio::time::{Instant, sleep};

use super::{
    super::{
        connect::Server,
        failure::Failure,
        link::{Ending, Heard, Link},
        notices::Notices,
        retry::Backoff,
    },
    frame::{Decision, Frame},
    print::{Printer, notice},
};

/// A reader of one channel.
pub(crate) struct Follower {
    pub(crate) server: Server,
    pub(crate) transport: Transport,
    pub(crate) channel: ChannelId,
    /// Where the reader is.
    pub(crate) own: Start,
    pub(crate) end: End,
    /// How long it may take until the server is there again; `None`: for ever.
    pub(crate) deadline: Option<Duration>,
    pub(crate) printer: Printer,
    pub(crate) notices: Notices,
    /// Kept here, so that it can be closed properly when the run is cancelled.
    pub(crate) link: Option<Link>,
    /// Frames in a row that did not fit.
    pub(crate) misfits: u32,
}

/// When the reader has seen enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Never,
    /// With the first thing that the server says.
    AtOnce,
    /// After so many frames that change something.
    After(u64),
}

impl Follower {
    /// Ends when the reader has seen enough.
    pub(crate) async fn run(&mut self) -> anyhow::Result<()> {
        let mut backoff = Backoff::of_reader();
        let mut away_since = Instant::now();
        while self.end != End::After(0) {
            let opened_at = Instant::now();
            let mut heard = false;
            let ending = match self.open().await {
                Ok(()) => self.follow(&mut heard).await?,
                Err(ending) => Some(ending),
            };
            self.link = None;
            let Some(ending) = ending else { break };
            if heard {
                away_since = Instant::now();
            }
            // Only a link that lasted shows that all is well again.
            if heard && opened_at.elapsed() >= STABLE {
                backoff.reset();
            }
            self.wait(ending, &mut backoff, away_since).await?;
        }
        Ok(())
    }

    async fn open(&mut self) -> Result<(), Ending> {
        let link = Link::open(&self.server, self.transport, &self.channel, self.own).await?;
        self.link = Some(link);
        Ok(())
    }

    /// Follows one link to its end; `None` if the reader has seen enough. `heard` says whether the server was there.
    async fn follow(&mut self, heard: &mut bool) -> anyhow::Result<Option<Ending>> {
        loop {
            let Some(link) = &mut self.link else { return Ok(None) };
            let news = match link.next(self.own).await {
                Ok(news) => news,
                Err(ending) => return Ok(Some(ending)),
            };
            if !std::mem::replace(heard, true) {
                let Self { server, transport, channel, notices, .. } = self;
                notices.say(format_args!("{channel} at {} over {transport}", server.url));
            }
            if let Heard::Frame(text) = news
                && let Some(ending) = self.take(&text)?
            {
                return Ok(Some(ending));
            }
            if matches!(self.end, End::AtOnce | End::After(0)) {
                return Ok(None);
            }
        }
    }

    fn take(&mut self, text: &str) -> io::Result<Option<Ending>> {
        let Some(frame) = Frame::parse(text) else {
            return Ok(Some(Ending::Lost { reason: "the server sent what is no frame".to_owned(), delay: None }));
        };
        match frame.decide(self.own) {
            Decision::Drop => return Ok(None),
            Decision::Reconnect => {
                self.misfits += 1;
                if self.misfits > MAX_MISFITS {
                    self.own = Start::Everything;
                }
                let reason = "something is missing before what came".to_owned();
                return Ok(Some(Ending::Lost { reason, delay: None }));
            }
            Decision::Apply => self.misfits = 0,
        }
        let own = match self.own {
            Start::At(cursor) => Some(cursor),
            _ => None,
        };
        notice(&frame, own).into_iter().for_each(|notice| self.notices.say(notice));
        self.printer.print(text, &frame)?;
        self.own = frame.cursor.map_or(self.own, Start::At);
        if let End::After(frames) = &mut self.end
            && !frame.is_empty()
        {
            *frames -= 1;
        }
        Ok(None)
    }

    async fn wait(&self, ending: Ending, backoff: &mut Backoff, away_since: Instant) -> Result<(), Failure> {
        let (reason, delay) = match ending {
            Ending::Refused(reason) => return Err(Failure::Refused(reason)),
            Ending::Lost { reason, delay } => (reason, backoff.next(delay)),
        };
        if let Some(deadline) = self.deadline
            && Instant::now() + delay >= away_since + deadline
        {
            let seconds = deadline.as_secs_f64();
            return Err(Failure::Unreachable(format!("{reason}; gave up after {seconds} s (--deadline)")));
        }
        self.notices.say(format_args!("{reason}; trying again in {:.1} s", delay.as_secs_f64()));
        sleep(delay).await;
        Ok(())
    }
}

/// How long a link must have lasted for the back-off to begin anew.
const STABLE: Duration = Duration::from_secs(10);
/// `docs/protocol.md`: after three frames in a row that do not fit, ask for everything.
const MAX_MISFITS: u32 = 2;
