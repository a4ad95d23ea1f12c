//! The concurrent parts of Live that have to be right for every interleaving, without a runtime, so that
//! [loom](https://docs.rs/loom) can try them all (`RUSTFLAGS="--cfg loom" cargo test -p live-sync`).
//!
//! - [`Announcements`] and [`Subscription`]: the join of a snapshot and the tail that follows it. Subscribe first, then read
//!   the snapshot, then drop what is older: no gap and no double.
//! - [`WakeList`]: the readers that wait for something new. A reader that looks, waits, and looks again is never missed.
//! - [`Shard`]: many readers that one task drives, so that something new wakes the task and not each reader.
//!
//! It is an implementation detail of `live-core`.

mod announce;
mod shard;
mod sync;
mod wake;

pub use self::{
    announce::{Announcements, Event, Sleepers, Subscription, Tail},
    shard::{Call, Entrance, Member, Rouser, Shard, Turn},
    wake::{Waiter, WakeList},
};

#[cfg(all(test, loom))]
mod models;
