//! WebSocket over whatever carries its bytes. No buffer and no timer belongs to a connection: what is sent are the page's own
//! bytes, and the hub's sweep wakes what is due.
//!
//! `conversation` is what all carriers share. `connection` beside this folder drives it over a stream, `driven` over many in one task; `body` lets a framework drive it that gives no more
//! than a response's body.

mod body;
mod conversation;
#[cfg(feature = "socket")]
mod driven;

pub use self::body::WebSocketBody;
pub(super) use self::conversation::Conversation;
#[cfg(feature = "socket")]
pub(crate) use self::driven::drive_websocket;
