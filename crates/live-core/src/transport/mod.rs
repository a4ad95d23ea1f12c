//! The loops that move bytes. All of them are cursors over the page.

mod connection;
#[cfg(feature = "socket")]
mod driven;
mod events;
mod poll;
mod websocket;

#[cfg(feature = "socket")]
pub use self::websocket::drive_websocket;
pub use self::websocket::{WebSocketBody, serve_websocket};
#[cfg(feature = "socket")]
pub(crate) use self::{driven::Driven, events::drive_events};
pub(crate) use self::{
    events::Events,
    poll::{Polled, glance, poll_change, poll_frame},
};
