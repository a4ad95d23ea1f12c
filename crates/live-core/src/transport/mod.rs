//! The loops that move bytes. All of them are cursors over the page.

mod connection;
mod events;
mod poll;
mod websocket;

pub use self::{connection::serve_websocket, websocket::WebSocketBody};
#[cfg(feature = "socket")]
pub(crate) use self::{events::DrivenEvents, websocket::drive_websocket};
pub(crate) use self::{
    events::Events,
    poll::{Polled, glance, poll_change, poll_frame},
};
