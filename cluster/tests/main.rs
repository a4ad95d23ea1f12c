//! Nodes of a site on one bus: killed and started again while readers hop between them, and what happens to the bus itself.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod faults;
mod messages;
mod nodes;
mod play;
