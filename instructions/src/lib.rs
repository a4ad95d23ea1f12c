//! What the parts of Live that run for every reader and every update cost, by counts that are the same on a busy machine and on an
//! idle one: instructions (`cargo xtask instructions`) and heap allocations (`tests/allocations.rs`).
//!
//! Nothing here leaves the machine, and no result depends on the time.

mod counted;
mod page;
mod readers;
mod requests;
mod scenarios;
mod shared;

pub use self::{
    readers::{Readers, an_update},
    requests::{answer, request},
    scenarios::{SCENARIOS, Scenario},
};
