//! Three nodes of different adapters on one Redis, killed and started again, while readers hop between them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

#[path = "cluster/messages.rs"]
mod messages;
#[path = "cluster/nodes.rs"]
mod nodes;
#[path = "cluster/play.rs"]
mod play;
