//! The commands that talk to a running server.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod bench;
mod command;
mod publish;
mod replay;
mod site;
mod trust;
mod watch;
