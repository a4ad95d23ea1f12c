//! live-axum over real sockets: what readers, publishers and strangers see of it.
//!
//! `server` alone knows axum. `client` speaks the protocols without any of our own code, `model` is a reader as
//! `docs/protocol.md` describes it; everything else are cases.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
#![allow(unreachable_pub, reason = "these will be the library that tests every adapter")]

mod client;
mod model;
mod server;

mod admissions;
mod bodies;
mod bursts;
mod channels;
mod crowd;
mod cursors;
mod deadlines;
mod draining;
mod faults;
mod faulty_bus;
mod floods;
mod grace;
mod handshakes;
mod heartbeats;
mod hidden;
mod idempotency;
mod incoming;
mod leaving;
mod limits;
mod logs;
mod origins;
mod own_server;
mod panics;
mod polls;
mod publishing;
mod random;
mod replay;
mod restarts;
mod routes;
mod schedules;
mod scripts;
mod slow;
mod smuggling;
mod streams;
mod wagtail;
mod wagtail_errors;
