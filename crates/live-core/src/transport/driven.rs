//! What a task drives together with others of its page: a reader on a bare socket, whatever is spoken there.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use live_sync::{Call, Member};

use super::{events::DrivenEvents, websocket::DrivenWebSocket};

/// One of them.
#[derive(Debug)]
pub(crate) enum Driven {
    WebSocket(DrivenWebSocket),
    Events(DrivenEvents),
}

impl Member for Driven {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>, call: Call) -> Poll<()> {
        match self.get_mut() {
            Self::WebSocket(reader) => reader.poll(cx, call),
            Self::Events(reader) => reader.poll(cx, call),
        }
    }
}
