//! What every adapter of Live does, and every bus, as suites of named cases: run them on one of your own.
//!
//! # Adapters
//!
//! Over real sockets. An adapter's crate has one test without the usual harness, which says how its server is started:
//!
//! ```no_run
//! # /*
//! // tests/conformance.rs, with `[[test]] name = "conformance", harness = false` in Cargo.toml
//! # */
//! use std::net::TcpListener;
//! use live_conformance::{Serve, Serving, Suite};
//! use live_core::Hub;
//!
//! struct MyAdapter;
//!
//! impl Serve for MyAdapter {
//!     fn serve(&self, listener: TcpListener, hub: Hub) -> Serving {
//!         // The site of `live_conformance::site`, and Live's routes under `/live`.
//!         # drop((listener, hub));
//!         Box::pin(async { Ok(()) })
//!     }
//! }
//!
//! fn main() {
//!     Suite::new().adapter("my_adapter", &MyAdapter).run();
//! }
//! ```
//!
//! `cargo test --test conformance` then runs each case as a test of its own; `cargo test --test conformance slow` those whose
//! names contain `slow`. `LIVE_TEST_SIZE=long` runs the same cases at full size.
//!
//! After each case the suite looks at the server itself: a reader of another page who was there all the time has been served
//! without a break, and whoever comes now sees the page as it is, on every transport.
//!
//! The suite's clients share no code with the server: they write and read bytes.
//!
//! # Buses
//!
//! A bus says how its store is started, and how a node on it:
//!
//! ```no_run
//! use std::{process::ExitCode, sync::Arc};
//! use live_conformance::{BusClass, BusStore, BusUnderTest, Suite};
//! use live_core::{Config, EventBus, bus::{BusFuture, MemoryBus}};
//!
//! struct MyBus;
//!
//! struct MyStore;
//!
//! impl BusUnderTest for MyBus {
//!     fn start(&self) -> Box<dyn BusStore> {
//!         Box::new(MyStore) // A server of its own for each case.
//!     }
//! }
//!
//! impl BusStore for MyStore {
//!     fn node<'a>(&'a self, config: &'a Config) -> BusFuture<'a, Arc<dyn EventBus>> {
//!         Box::pin(async move { Ok(Arc::new(MemoryBus::new(config)?) as Arc<dyn EventBus>) })
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     Suite::new().bus("my_bus", &MyBus).run()
//! }
//! ```
//!
//! The other methods of [`BusUnderTest`] say what the bus promises, and which faults its store can be made to suffer; the cases are
//! chosen by that. They know the bus by its trait alone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure is a failed test")]
#![allow(missing_docs, reason = "the cases speak for themselves")]
#![allow(clippy::missing_panics_doc, reason = "a panic is a failed test")]

#[macro_use]
mod case;

mod adapter;
mod aftermath;
mod buses;
mod bystander;
mod cases;
mod client;
mod corpus;
pub mod crowd;
mod faulty_bus;
mod model;
mod random;
pub mod redis_sentinel;
pub mod redis_server;
mod server;
pub mod site;
mod suite;

pub use self::{
    adapter::{Habit, Routes, Serve, Serving},
    buses::{BusClass, BusFault, BusHabit, BusSharing, BusStore, BusUnderTest},
    suite::Suite,
};
