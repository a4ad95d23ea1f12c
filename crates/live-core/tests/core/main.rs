//! How live-core behaves from without. One binary: linking is most of a test's build.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod driven;
mod faulty_bus;
mod hub;
#[cfg(feature = "hyper")]
mod leaving;
mod log;
mod memory_bus;
#[cfg(feature = "piesocket")]
mod piesocket;
mod publishers;
#[cfg(all(unix, feature = "redis"))]
mod redis;
#[cfg(all(unix, feature = "redis"))]
mod redis_log;
#[cfg(all(unix, feature = "redis"))]
#[allow(dead_code, unreachable_pub, reason = "it is another crate's, which depends on this one")]
#[path = "../../../live-conformance/src/redis_sentinel.rs"]
mod redis_sentinel;
#[cfg(all(unix, feature = "redis"))]
#[allow(dead_code, unreachable_pub, reason = "it is another crate's, which depends on this one")]
#[path = "../../../live-conformance/src/redis_server.rs"]
mod redis_server;
// Their processes are killed, stopped and lose rights as on Unix.
#[cfg(all(unix, feature = "sqlite"))]
mod sqlite;
