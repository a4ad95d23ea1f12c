//! How live-core behaves from without. One binary: linking is most of a test's build.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod faulty_bus;
mod hub;
mod memory_bus;
mod publishers;
// Its children are killed and lose rights as on Unix.
#[cfg(all(unix, feature = "sqlite"))]
mod sqlite;
