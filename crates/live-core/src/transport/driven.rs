//! A reader on a bare socket whom a shard drives: at rest most of the time, and then small.

use std::{
    fmt, io,
    task::{Context, Poll},
};

use bytes::Bytes;
use live_sync::{Call, Member};
use tokio::net::TcpStream;

use super::connection::{Dialogue, Exchange};
use crate::{
    frame::Frame,
    hub::{Latest, Resting},
    socket::{push, write_now},
};

/// A dialogue on a socket, as a member of a shard.
///
/// What a delivery to a reader at rest needs is here, and the rest is elsewhere: with ten thousand readers each piece of memory that is
/// touched is one that has to be fetched, which takes as long as a hundred instructions.
#[derive(Debug)]
pub(crate) struct Driven {
    socket: TcpStream,
    resting: Option<Resting>,
    exchange: Box<dyn Talk>,
}

/// An exchange, whatever its dialogue is.
trait Talk: fmt::Debug + Send {
    fn poll(&mut self, socket: &mut TcpStream, cx: &mut Context<'_>, is_woken: bool) -> Poll<io::Result<()>>;
    fn is_at_rest(&self) -> bool;
    fn rest(&self) -> Option<Resting>;
    fn resume(&mut self, rested: Resting);
    fn push_rest(&mut self, rest: Bytes);
    /// The bytes of a frame. It looks at nothing of its own.
    fn bytes_of<'a>(&self, frame: &'a Frame) -> &'a Bytes;
}

impl<D: Dialogue + fmt::Debug + Send> Talk for Exchange<D> {
    fn poll(&mut self, socket: &mut TcpStream, cx: &mut Context<'_>, is_woken: bool) -> Poll<io::Result<()>> {
        self.poll(socket, cx, is_woken)
    }

    fn is_at_rest(&self) -> bool {
        self.is_at_rest()
    }

    fn rest(&self) -> Option<Resting> {
        if self.is_at_rest() { self.dialogue.rest() } else { None }
    }

    fn resume(&mut self, rested: Resting) {
        self.dialogue.resume(rested);
    }

    fn push_rest(&mut self, rest: Bytes) {
        self.push_rest(rest);
    }

    fn bytes_of<'a>(&self, frame: &'a Frame) -> &'a Bytes {
        D::bytes_of(frame)
    }
}

impl Driven {
    pub(super) fn new(socket: TcpStream, dialogue: impl Dialogue + fmt::Debug + Send + 'static) -> Self {
        Self { socket, resting: None, exchange: Box::new(Exchange::new(dialogue)) }
    }

    /// Writes what is new for all to a reader at rest. `false` if there is more to do.
    fn try_follow(&mut self, latest: &Latest) -> bool {
        let Some(frame) = self.resting.as_mut().and_then(|resting| resting.follow(latest)) else { return false };
        let bytes = self.exchange.bytes_of(frame);
        // An error is met again by whoever goes on from here, as is a socket that is full.
        let written = write_now(&self.socket, bytes).unwrap_or(0);
        let is_out = written == bytes.len();
        if !is_out {
            self.exchange.push_rest(bytes.slice(written..));
        }
        is_out
    }
}

impl Member<Option<Latest>> for Driven {
    fn poll(&mut self, cx: &mut Context<'_>, call: Call<'_, Option<Latest>>) -> Poll<()> {
        if let Call::Roused(Some(latest)) = call
            && self.try_follow(latest)
        {
            return Poll::Pending;
        }
        if let Some(rested) = self.resting.take() {
            self.exchange.resume(rested);
        }
        if let Poll::Ready(ended) = self.exchange.poll(&mut self.socket, cx, matches!(call, Call::Woken)) {
            if let Err(error) = ended {
                tracing::debug!(%error, "reader lost");
            }
            return Poll::Ready(());
        }
        self.resting = self.exchange.rest();
        if self.resting.is_none() && self.exchange.is_at_rest() {
            // What it is told next may be long in coming, from the bus for example, and the answer to its handshake may wait for that.
            push(&self.socket);
        }
        Poll::Pending
    }
}
