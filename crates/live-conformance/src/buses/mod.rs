//! The suite for buses: the cases, what they ask of a bus, and what they use.

#[macro_use]
mod case;

mod cases;
mod picture;
mod reader;
mod store;
mod tampering;
mod under_test;

pub use self::under_test::{BusClass, BusFault, BusHabit, BusSharing, BusStore, BusUnderTest};
pub(crate) use self::{case::BusCase, cases::all};
