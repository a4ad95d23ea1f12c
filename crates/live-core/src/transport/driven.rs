//! A reader on a bare socket whom a shard drives: at rest most of the time, and then small.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use live_sync::{Call, Member};
use tokio::net::TcpStream;

use super::connection::{Dialogue, Exchange};
use crate::{
    hub::{Latest, Resting},
    socket::write_now,
};

/// A dialogue on a socket, as a member of a shard.
///
/// What a delivery to a reader at rest needs is here, and the rest is elsewhere: with ten thousand readers each piece of memory that is
/// touched is one that has to be fetched, which takes as long as a hundred instructions.
#[derive(Debug)]
pub(super) struct Driven<D> {
    socket: TcpStream,
    resting: Option<Resting>,
    exchange: Box<Exchange<D>>,
}

impl<D: Dialogue> Driven<D> {
    pub(super) fn new(socket: TcpStream, dialogue: D) -> Self {
        Self { socket, resting: None, exchange: Box::new(Exchange::new(dialogue)) }
    }

    /// Writes what is new for all to a reader at rest. `false` if there is more to do.
    fn try_follow(&mut self, latest: &Latest) -> bool {
        let Some(frame) = self.resting.as_mut().and_then(|resting| resting.follow(latest)) else { return false };
        let bytes = D::bytes_of(frame);
        // An error is met again by whoever goes on from here, as is a socket that is full.
        let written = write_now(&self.socket, bytes).unwrap_or(0);
        let is_out = written == bytes.len();
        if !is_out {
            self.exchange.push_rest(bytes.slice(written..));
        }
        is_out
    }
}

impl<D: Dialogue + fmt::Debug> Member<Option<Latest>> for Driven<D> {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, call: Call<'_, Option<Latest>>) -> Poll<()> {
        if let Call::Roused(Some(latest)) = call
            && self.try_follow(latest)
        {
            return Poll::Pending;
        }
        let Self { socket, resting, exchange } = &mut *self;
        if let Some(rested) = resting.take() {
            exchange.dialogue.resume(rested);
        }
        if let Poll::Ready(ended) = exchange.poll(socket, cx, matches!(call, Call::Woken)) {
            if let Err(error) = ended {
                tracing::debug!(%error, "reader lost");
            }
            return Poll::Ready(());
        }
        if exchange.is_at_rest() {
            *resting = exchange.dialogue.rest();
        }
        Poll::Pending
    }
}
