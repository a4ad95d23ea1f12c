//! The body of a request in frameworks that have one of their own.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::{Frame, SizeHint};

/// The body of a request, from a function that polls the framework's own: the counterpart of [`Outgoing`](super::Outgoing).
#[derive(Debug)]
pub struct Incoming<F> {
    poll: F,
    length: SizeHint,
}

impl<F, E> Incoming<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, E>>> + Unpin,
{
    /// A body that is as long as the request's headers say, if they do.
    pub fn new(headers: Option<&HeaderMap>, poll: F) -> Self {
        let length = headers.and_then(|headers| headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok());
        Self { poll, length: length.map_or_else(SizeHint::new, SizeHint::with_exact) }
    }
}

impl<F, E> http_body::Body for Incoming<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, E>>> + Unpin,
{
    type Data = Bytes;
    type Error = E;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        (self.poll)(cx).map_ok(Frame::data)
    }

    fn size_hint(&self) -> SizeHint {
        self.length
    }
}
