//! The body of an answer in frameworks that give away no more than a request's payload and a response's body.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{header, response::Parts};
use tokio::time::Sleep;

use super::{Answer, Body, Upgrade};
#[cfg(feature = "socket")]
use crate::socket::{Leaving, Loan};
use crate::transport::WebSocketBody;

/// What an answer sends, also where it is a WebSocket: for frameworks that give away no more than a request's payload and a
/// response's body.
///
/// ```
/// # use std::{io, task::{Context, Poll}, time::Duration};
/// # use bytes::Bytes;
/// # use live_core::http::{Answer, Outgoing};
/// # fn respond(answer: Answer, mut poll_payload: impl FnMut(&mut Context<'_>) -> Poll<Option<io::Result<Bytes>>>) {
/// let (head, mut outgoing) = Outgoing::new(answer, Duration::from_secs(30));
/// // Send `head`, and then, whenever the framework asks the response's body for more:
/// let poll_body = |cx: &mut Context<'_>| outgoing.poll_bytes(cx, &mut poll_payload);
/// # drop((head, poll_body));
/// # }
/// ```
#[derive(Debug)]
pub struct Outgoing {
    kind: Kind,
    length: Option<u64>,
}

#[derive(Debug)]
enum Kind {
    Response(Response),
    WebSocket(Box<WebSocketBody>),
    #[cfg(feature = "socket")]
    Leaving(Box<Leaving>),
}

#[derive(Debug)]
struct Response {
    body: Body,
    /// How long the rest of the request may take. While it is not read, the end of the connection would be a reset, which takes
    /// the answer from the client.
    patience: Duration,
    until: Option<Pin<Box<Sleep>>>,
}

impl Outgoing {
    /// Status, headers and body of an answer. What the core has not read of the request is read and dropped after the body, for
    /// as long as `patience`.
    pub fn new(answer: Answer, patience: Duration) -> (Parts, Self) {
        match answer {
            Answer::Response(response) => {
                let (parts, body) = response.into_parts();
                // The answer to HEAD states the length of what it does not send.
                let stated = || parts.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
                let length = body.len().or_else(stated);
                (parts, Self { kind: Kind::Response(Response { body, patience, until: None }), length })
            }
            Answer::Upgrade(upgrade) => {
                let Upgrade { response, reader } = *upgrade;
                let kind = Kind::WebSocket(Box::new(WebSocketBody::new(reader)));
                (response.into_parts().0, Self { kind, length: None })
            }
        }
    }

    /// Has a WebSocket or a stream of events leave for the bare stream as soon as the request is answered, if the connection's socket
    /// was lent.
    #[cfg(feature = "socket")]
    #[must_use]
    pub fn leave_by(self, socket: Option<&Loan>) -> Self {
        match (self.kind, socket) {
            (Kind::WebSocket(body), Some(socket)) => {
                Self { kind: Kind::Leaving(Box::new(Leaving::new(socket, *body))), length: None }
            }
            (Kind::Response(response), socket) => {
                let body = response.body.leave_by(socket);
                Self { kind: Kind::Response(Response { body, ..response }), ..self }
            }
            (kind, _) => Self { kind, ..self },
        }
    }

    /// The whole body, if all of it is there and nothing is to be done after it: then this is all that is left to send.
    pub fn take_full(&mut self) -> Option<Bytes> {
        match &mut self.kind {
            Kind::Response(Response { body, patience, .. }) if patience.is_zero() => body.take_full(),
            _ => None,
        }
    }

    /// The length of the body, if it is known.
    pub fn len(&self) -> Option<u64> {
        self.length
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// The next bytes, `None` at the end. `poll_payload` polls what is left of the request's payload; an error is its end.
    /// Cancel safe.
    pub fn poll_bytes<E>(
        &mut self,
        cx: &mut Context<'_>,
        mut poll_payload: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, E>>>,
    ) -> Poll<Option<Bytes>> {
        let poll_payload = |cx: &mut Context<'_>| poll_payload(cx).map(|bytes| bytes?.ok());
        match &mut self.kind {
            Kind::Response(response) => response.poll_bytes(cx, poll_payload),
            Kind::WebSocket(body) => body.poll_exchange(cx, poll_payload),
            #[cfg(feature = "socket")]
            Kind::Leaving(leaving) => leaving.poll_left(cx, poll_payload).map(|()| None),
        }
    }
}

impl Response {
    fn poll_bytes(
        &mut self,
        cx: &mut Context<'_>,
        mut poll_payload: impl FnMut(&mut Context<'_>) -> Poll<Option<Bytes>>,
    ) -> Poll<Option<Bytes>> {
        if let Some(bytes) = ready!(self.body.poll_bytes(cx)) {
            return Poll::Ready(Some(bytes));
        }
        if self.patience.is_zero() {
            return Poll::Ready(None);
        }
        loop {
            match poll_payload(cx) {
                Poll::Ready(Some(_)) => {}
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => break,
            }
        }
        let until = self.until.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.patience)));
        until.as_mut().poll(cx).map(|()| None)
    }
}
