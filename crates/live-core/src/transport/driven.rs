//! What a task drives together with others of its page: a reader on a bare socket, whatever is spoken there.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use super::{events::DrivenEvents, websocket::DrivenWebSocket};

/// One of them.
#[derive(Debug)]
pub(crate) enum Driven {
    WebSocket(DrivenWebSocket),
    Events(DrivenEvents),
}

impl Future for Driven {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.get_mut() {
            Self::WebSocket(reader) => Pin::new(reader).poll(cx),
            Self::Events(reader) => Pin::new(reader).poll(cx),
        }
    }
}
