//! Everything that can happen to a bus, while a publisher posts and readers hop between two nodes.
//!
//! In each case no reader ends in a state that differs from the page's, a publish returns an error or keeps its promise, `check` says
//! what is wrong meanwhile, and all goes on by itself afterwards. The figures are printed; `cargo xtask faults` shows them.

mod cases;
mod proxy;
mod server;
mod site;

pub(crate) use self::cases::trials;
