//! The `live` binary, started and used as its users do.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod client;
mod files;
mod serve;
mod server;
