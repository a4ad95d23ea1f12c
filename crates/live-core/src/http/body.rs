//! The body of an answer.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

#[cfg(feature = "socket")]
use crate::socket::{LeavingEvents, Loan};
use crate::transport::Events;

/// Bytes that are there, or a stream of events that does not end by itself.
#[derive(Debug)]
pub struct Body(Kind);

#[derive(Debug)]
enum Kind {
    Full(Option<Bytes>),
    Dropped,
    /// Boxed, because most bodies are of the other kind.
    Events(Box<Events>),
    #[cfg(feature = "socket")]
    Leaving(Box<LeavingEvents>),
}

impl Body {
    /// A body of these bytes.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Full(Some(bytes.into()).filter(|bytes| !bytes.is_empty())))
    }

    /// No body.
    pub fn empty() -> Self {
        Self(Kind::Full(None))
    }

    /// The body of an answer to HEAD. Its length is not known, so that nobody states one in place of GET's.
    pub(super) fn dropped() -> Self {
        Self(Kind::Dropped)
    }

    pub(super) fn events(events: Events) -> Self {
        Self(Kind::Events(Box::new(events)))
    }

    /// Has a stream of events leave for the bare stream as soon as its response's head is out, if the connection's socket was lent and
    /// nobody on the way changes what it says.
    #[cfg(feature = "socket")]
    #[must_use]
    pub(crate) fn leave_by(self, socket: Option<&Loan>) -> Self {
        match (self.0, socket) {
            (Kind::Events(events), Some(socket)) => Self(Kind::Leaving(Box::new(LeavingEvents::new(socket, *events)))),
            (kind, _) => Self(kind),
        }
    }

    /// The next bytes, `None` at the end: for frameworks with a body of their own. Cancel safe.
    pub fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match &mut self.0 {
            Kind::Full(bytes) => Poll::Ready(bytes.take()),
            Kind::Dropped => Poll::Ready(None),
            Kind::Events(events) => events.poll_next(cx).map(|event| event.map(|event| event.bytes())),
            #[cfg(feature = "socket")]
            Kind::Leaving(leaving) => leaving.poll_next(cx),
        }
    }

    /// All of it, if it is there.
    pub(super) fn take_full(&mut self) -> Option<Bytes> {
        match &mut self.0 {
            Kind::Full(bytes) => Some(bytes.take().unwrap_or_default()),
            Kind::Dropped => Some(Bytes::new()),
            Kind::Events(_) => None,
            #[cfg(feature = "socket")]
            Kind::Leaving(_) => None,
        }
    }

    /// The length, if it is known.
    pub fn len(&self) -> Option<u64> {
        match &self.0 {
            Kind::Full(bytes) => Some(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Kind::Dropped | Kind::Events(_) => None,
            #[cfg(feature = "socket")]
            Kind::Leaving(_) => None,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.poll_bytes(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.len().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
