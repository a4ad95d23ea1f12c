//! WebSocket over whatever carries its bytes. No buffer and no timer belongs to a connection: what is sent are the page's own
//! bytes, and the hub's sweep wakes what is due.
//!
//! `conversation` is what all carriers share. `stream` drives it over a socket; `body` lets a framework drive it that gives no more
//! than a response's body.

mod body;
mod conversation;
mod stream;

pub use self::{body::WebSocketBody, stream::serve_websocket};
