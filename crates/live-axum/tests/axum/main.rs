//! live-axum over real sockets: what readers, publishers and strangers see of it.
//!
//! `server` alone knows axum. `client` speaks the protocols without any of our own code, `model` is a reader as
//! `docs/protocol.md` describes it; everything else are cases.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
#![allow(unreachable_pub, reason = "these will be the library that tests every adapter")]

mod client;
mod model;
mod server;

mod channels;
mod cursors;
mod deadlines;
mod floods;
mod grace;
mod handshakes;
mod incoming;
mod limits;
mod origins;
mod polls;
mod restarts;
mod routes;
mod scripts;
mod slow;
mod streams;
mod wagtail;
mod wagtail_errors;
