//! The commands that talk HTTP and WebSocket to a running server.

pub(crate) mod bench;
pub(crate) mod publish;
pub(crate) mod replay;
pub(crate) mod watch;

mod connect;
mod failure;
mod http;
mod lines;
mod link;
mod notices;
mod post;
mod publisher;
mod retry;
mod seconds;
mod server;
mod text;

pub(crate) use self::server::VARIABLES;
