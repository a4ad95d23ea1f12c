//! What every adapter of Live does, as a suite of named cases over real sockets: run it on an adapter of your own.
//!
//! An adapter's crate has one test without the usual harness, which says how its server is started:
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

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure is a failed test")]
#![allow(missing_docs, reason = "the cases speak for themselves")]
#![allow(clippy::missing_panics_doc, reason = "a panic is a failed test")]

#[macro_use]
mod case;

mod adapter;
mod aftermath;
mod bystander;
mod cases;
mod client;
mod corpus;
pub mod crowd;
mod faulty_bus;
mod model;
mod random;
pub mod redis_server;
mod server;
pub mod site;
mod suite;

pub use self::{
    adapter::{Habit, Routes, Serve, Serving},
    suite::Suite,
};
