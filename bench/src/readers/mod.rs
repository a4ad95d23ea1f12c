//! Readers that check what they get, and cost as little as they can: a socket and a number each, on one thread.
//!
//! Prints `connected` once all of them have their first message, and for each update that reached every reader its number and the
//! nanoseconds from its publish to the last of them. For a line on standard input it prints how long deliveries took since the last
//! one ([`Latencies`](crate::latencies::Latencies)).

mod connect;
pub(crate) mod slow;
mod tally;
mod transport;
mod websocket;

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr},
    ops::Range,
    os::fd::AsRawFd,
};

use anyhow::{Context as _, Result, ensure};
use mio::{Events, Interest, Poll, Token, net::TcpStream, unix::SourceFd};

pub(crate) use self::transport::Transport;
use self::{tally::Tally, transport::Message};
use crate::update::Label;

/// Who connects, where, and from where.
pub(crate) struct Crowd {
    pub(crate) transport: Transport,
    pub(crate) address: SocketAddr,
    /// Where Live's routes are.
    pub(crate) prefix: String,
    pub(crate) readers: usize,
    /// The readers take turns with them.
    pub(crate) channels: Range<usize>,
    /// The first of the addresses to come from.
    pub(crate) source: Ipv4Addr,
    /// What they come with; nothing on a first visit.
    pub(crate) cursor: Option<String>,
}

impl Crowd {
    fn channel_of(&self, reader: usize) -> usize {
        self.channels.start + reader % self.channels.len()
    }
}

/// One reader. A million of them have to fit beside a million sockets.
struct Reader {
    socket: TcpStream,
    stage: Stage,
    /// The number of the last update it got; 0 before the first.
    last: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The answer to its handshake is not complete.
    Handshake,
    /// It waits for its first message: a hello, or what was published a moment ago.
    Hello,
    Reading,
}

struct Readers<'a> {
    crowd: &'a Crowd,
    poll: Poll,
    readers: Vec<Reader>,
    /// The begin of a message whose end has not come, of the few readers that have one.
    halves: HashMap<usize, Vec<u8>>,
    reading: usize,
    tally: Tally,
}

/// Ends with its standard input.
pub(crate) fn run(crowd: &Crowd) -> Result<()> {
    let mut readers = Readers {
        crowd,
        poll: Poll::new()?,
        readers: Vec::with_capacity(crowd.readers),
        halves: HashMap::new(),
        reading: 0,
        tally: Tally::new(crowd.readers),
    };
    let input = io::stdin().as_raw_fd();
    readers.poll.registry().register(&mut SourceFd(&input), INPUT, Interest::READABLE)?;
    let (mut events, mut buffer) = (Events::with_capacity(1024), vec![0; 64 << 10]);
    while readers.reading < crowd.readers {
        readers.connect()?;
        if readers.turn(&mut events, &mut buffer)?.is_break() {
            return Ok(());
        }
    }
    println!("connected");
    while readers.turn(&mut events, &mut buffer)?.is_continue() {}
    Ok(())
}

impl Readers<'_> {
    /// So many as the server's backlog holds are on their way at a time.
    fn connect(&mut self) -> Result<()> {
        let crowd = self.crowd;
        while self.readers.len() < crowd.readers.min(self.reading + ON_THEIR_WAY) {
            let index = self.readers.len();
            let mut socket = connect::connect(crowd, index).context("connect")?;
            self.poll.registry().register(&mut socket, Token(index), Interest::READABLE)?;
            self.readers.push(Reader { socket, stage: Stage::Handshake, last: 0 });
        }
        Ok(())
    }

    fn turn(&mut self, events: &mut Events, buffer: &mut [u8]) -> Result<std::ops::ControlFlow<()>> {
        match self.poll.poll(events, None) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in events.iter() {
            match event.token() {
                INPUT if io::stdin().read(&mut buffer[..1024])? == 0 => return Ok(std::ops::ControlFlow::Break(())),
                INPUT => println!("{}", self.tally.summary()),
                Token(index) => self.read(index, buffer)?,
            }
        }
        Ok(std::ops::ControlFlow::Continue(()))
    }

    fn read(&mut self, index: usize, buffer: &mut [u8]) -> Result<()> {
        loop {
            let read = match self.readers[index].socket.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                read => read.with_context(|| format!("reader {index}"))?,
            };
            ensure!(read > 0, "the server closed the connection of reader {index}");
            self.handle(index, &buffer[..read])?;
            // What comes after a short read is another event (epoll(7), questions and answers, 9).
            if read < buffer.len() {
                return Ok(());
            }
        }
    }

    fn handle(&mut self, index: usize, bytes: &[u8]) -> Result<()> {
        let transport = self.crowd.transport;
        let half = self.halves.remove(&index);
        let whole = half.map(|half| [&half, bytes].concat());
        let mut rest = whole.as_deref().unwrap_or(bytes);
        if self.readers[index].stage == Stage::Handshake {
            let Some(after) = transport.after_header(rest)? else {
                self.halves.insert(index, rest.to_vec());
                return Ok(());
            };
            self.readers[index].stage = Stage::Hello;
            rest = after;
        }
        while let Some((message, after)) = transport.message(rest).with_context(|| format!("reader {index}"))? {
            rest = after;
            match message {
                Message::Text(text) => self.handle_text(index, text).with_context(|| format!("reader {index}"))?,
                // A few bytes find room in a socket that nothing else is written to.
                Message::Answer(bytes) => self.readers[index].socket.write_all(bytes)?,
                Message::Other => {}
            }
        }
        if !rest.is_empty() {
            self.halves.insert(index, rest.to_vec());
        }
        Ok(())
    }

    fn handle_text(&mut self, index: usize, text: &[u8]) -> Result<()> {
        let (crowd, reader) = (self.crowd, &mut self.readers[index]);
        if crowd.transport == Transport::LongPolling {
            let request = Transport::next_request(&crowd.prefix, crowd.channel_of(index), text)?;
            reader.socket.write_all(request.as_bytes())?;
        }
        if reader.stage == Stage::Hello {
            (reader.stage, self.reading) = (Stage::Reading, self.reading + 1);
            reader.last = Label::find(text).map_or(0, |label| label.number);
            return Ok(());
        }
        self.tally.count(&mut reader.last, text)
    }
}

const INPUT: Token = Token(usize::MAX - 1);

/// Connections that the server has not answered yet; the standard library's backlog is 128.
const ON_THEIR_WAY: usize = 100;
