//! What a reader of a replay downloads over each transport, HTTP's headers and all, and what compression would make of it.
//!
//! Updates are published one after the other, and each is read from a real socket before the next. What the silence between them
//! costs is computed by the schedule from the size of one heartbeat and one answer without news.

mod messages;
mod packed;
mod wire;

use std::{net::TcpListener, sync::mpsc, thread};

use anyhow::{Context, Result};
use live_adapters::Adapter;
use live_core::{ChannelId, Config, Hub, Update, bus};
use tokio::runtime::Handle;

use self::{
    messages::Moment,
    wire::{Poller, Stream},
};

/// Seconds of silence after which a stream gets a heartbeat and a long poll of the browser client is answered with nothing.
const HEARTBEAT: u64 = 25;
/// Seconds between two interval polls.
const INTERVAL: u64 = 3;
/// Updates that a reader lacks who comes back.
const AWAY: [usize; 3] = [10, 100, 1_000];

pub(crate) fn run(file: Option<&str>) -> Result<()> {
    let moments = messages::read(file)?;
    let site = Site::start()?;
    // The page is whole from here on.
    site.publish(Update::replace([]))?;
    let reading = Reading::of(&site, &moments)?;
    reading.report(&moments);
    Ok(())
}

/// Live in a thread of its own, and how to publish to it.
struct Site {
    address: std::net::SocketAddr,
    runtime: Handle,
    hub: Hub,
    channel: ChannelId,
}

impl Site {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (tell, told) = mpsc::sync_channel(1);
        thread::spawn(move || {
            Adapter::Axum.serve(listener, || {
                let config = Config::default();
                let hub = Hub::new(bus::from_url("memory:", &config)?, config)?;
                tell.send((Handle::current(), hub.clone()))?;
                Ok(hub)
            })
        });
        let (runtime, hub) = told.recv()?;
        Ok(Self { address, runtime, hub, channel: ChannelId::new("replay")? })
    }

    /// Returns the cursor after it.
    fn publish(&self, update: Update) -> Result<String> {
        let published = self.runtime.block_on(self.hub.publish(&self.channel, update, None)).context("publish")?;
        Ok(published.cursor.to_string())
    }
}

/// What was read.
#[derive(Default)]
struct Reading {
    /// One frame for each update.
    updates: Vec<Vec<u8>>,
    /// One frame for each interval in which there was something.
    intervals: Vec<Vec<u8>>,
    /// What readers got who had been away, and a reader of the whole page.
    returns: Vec<(String, Vec<u8>)>,
    websocket: u64,
    events: u64,
    long_polls: u64,
    interval_polls: u64,
    /// What one heartbeat of a stream has.
    heartbeat: [u64; 2],
    /// An answer without news.
    nothing: u64,
}

impl Reading {
    fn of(site: &Site, moments: &[Moment]) -> Result<Self> {
        let mut reading = Self::default();
        let head = site.runtime.block_on(site.hub.cursor(&site.channel))?.to_string();
        let mut websocket = Stream::websocket(site.address, &head)?;
        let mut events = Stream::events(site.address, &head)?;
        // The hello is an empty frame, as a heartbeat is; a WebSocket's has a ping of two bytes with it.
        reading.heartbeat = [websocket.read_to(&head)? + 2, events.read_to(&head)?];
        let (mut waiting, mut asking) = (Poller::new(site.address, &head)?, Poller::new(site.address, &head)?);
        reading.nothing = asking.poll()?.0;
        let mut cursors = Vec::new();
        for (index, moment) in moments.iter().enumerate() {
            cursors.push(site.publish(moment.update.clone())?);
            let cursor = &cursors[index];
            reading.websocket += websocket.read_to(cursor)?;
            reading.events += events.read_to(cursor)?;
            let (bytes, frame) = waiting.poll()?;
            reading.long_polls += bytes;
            reading.updates.push(frame);
            if moments.get(index + 1).is_none_or(|next| next.at / INTERVAL > moment.at / INTERVAL) {
                let (bytes, frame) = asking.poll()?;
                reading.interval_polls += bytes;
                reading.intervals.push(frame);
            }
        }
        for away in AWAY {
            if let Some(from) = cursors.len().checked_sub(away + 1) {
                let frame = Poller::new(site.address, &cursors[from])?.poll()?.1;
                reading.returns.push((format!("{away} updates missed"), frame));
            }
        }
        reading.returns.push(("the whole page".to_owned(), Poller::new(site.address, "*")?.poll()?.1));
        Ok(reading)
    }

    fn report(&self, moments: &[Moment]) {
        let ends = moments.windows(2).map(|pair| pair[1].at - pair[0].at);
        let silences: u64 = ends.map(|seconds| seconds.saturating_sub(1) / HEARTBEAT).sum();
        let seconds = moments.last().map_or(0, |last| last.at) - moments.first().map_or(0, |first| first.at);
        let empty_polls = (seconds / INTERVAL).saturating_sub(self.intervals.len() as u64);
        println!("{} updates in {:.1} hours\n", self.updates.len(), seconds as f64 / 3_600.0);
        println!(
            "| bytes to the reader | news | silence | together | gzip per update | deflate per update | one stream per reader |"
        );
        println!("|---|---|---|---|---|---|---|");
        let packed = [packed::of(&self.updates), packed::of(&self.intervals)];
        let rows = [
            ("WebSocket", self.websocket, silences * self.heartbeat[0], 0),
            ("Server-Sent Events", self.events, silences * self.heartbeat[1], 0),
            ("long polling", self.long_polls, silences * self.nothing, 0),
            ("interval polling", self.interval_polls, empty_polls * self.nothing, 1),
        ];
        for (name, news, silence, which) in rows {
            let packed = &packed[which];
            // What is not JSON stays as it is.
            let around = news - packed.plain + silence;
            let [gzip, deflate, stream] = [packed.gzip, packed.deflate, packed.stream].map(|bytes| around + bytes);
            println!("| {name} | {news} | {silence} | {} | {gzip} | {deflate} | {stream} |", news + silence);
        }
        println!("\n| one answer | posts' JSON | gzip | CPU of packing it |");
        println!("|---|---|---|---|");
        let typical = packed::median(&self.updates);
        let typical = typical.map(|frame| ("the median update".to_owned(), frame));
        for (name, frame) in typical.into_iter().chain(self.returns.iter().cloned()) {
            let (gzip, time) = packed::timed(&frame);
            println!("| {name} | {} | {gzip} | {:.0} µs |", frame.len(), time.as_secs_f64() * 1e6);
        }
    }
}
