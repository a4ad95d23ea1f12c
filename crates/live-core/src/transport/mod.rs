//! The loops that move bytes. All of them are cursors over the page.

mod events;
mod poll;
mod websocket;

#[cfg(feature = "socket")]
pub(crate) use self::websocket::{Driven, drive_websocket};
pub use self::websocket::{WebSocketBody, serve_websocket};
pub(crate) use self::{
    events::Events,
    poll::{Polled, poll_change, poll_frame},
};
