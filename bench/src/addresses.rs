//! Addresses of this machine's own for readers to come from: one has ports for some 28,000 sockets, and keeps them for a minute after
//! their use.

use std::{
    net::Ipv4Addr,
    sync::atomic::{AtomicU32, Ordering},
};

/// The first of as many addresses as so many sockets need, which nobody else came from lately. All of 127.0.0.0/8 is this machine.
pub(crate) fn take(sockets: usize) -> Ipv4Addr {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let count = u32::try_from(sockets.div_ceil(SOCKETS_OF_AN_ADDRESS)).unwrap_or(u32::MAX);
    let taken = TAKEN.fetch_add(count, Ordering::Relaxed);
    // Another run, just before this one, began elsewhere.
    let begin = (std::process::id() << 8) & 0x3f_ff00;
    Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 64, 0, 1)) + begin + taken)
}

/// Where the socket of that index comes from.
pub(crate) fn of_socket(first: Ipv4Addr, index: usize) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(first) + u32::try_from(index / SOCKETS_OF_AN_ADDRESS).unwrap_or(0))
}

/// A third of its ports, so that a free one is found at once.
const SOCKETS_OF_AN_ADDRESS: usize = 10_000;
