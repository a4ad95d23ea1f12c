//! How many readers there are at a time, in all and from one address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex},
};

use super::address::counted_as;
use crate::sync::lock;

/// Counts readers and refuses those above the limits.
#[derive(Debug)]
pub struct Connections {
    counts: Mutex<Counts>,
    max: usize,
    max_per_address: usize,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    /// Only addresses that have a connection.
    by_address: HashMap<IpAddr, usize>,
}

/// Why a reader is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// The server has as many readers as it may.
    #[error("the server has as many readers as it may")]
    Server,
    /// The address has as many readers as it may.
    #[error("too many connections from this address")]
    Address,
}

impl Connections {
    pub(crate) fn new(max: usize, max_per_address: usize) -> Self {
        Self { counts: Mutex::default(), max, max_per_address }
    }

    /// Lets one more reader in. Loopback has no limit per address; neither has a peer without one (a Unix socket).
    ///
    /// # Errors
    /// [`Full`] says which limit is reached.
    pub fn enter(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Permit, Full> {
        let address = limited(address);
        let mut counts = lock(&self.counts);
        self.check(&counts, address)?;
        if let Some(address) = address {
            *counts.by_address.entry(address).or_default() += 1;
        }
        counts.total += 1;
        Ok(Permit { connections: Arc::clone(self), address })
    }

    /// Whether one more reader would be let in.
    pub(crate) fn has_room(&self, address: Option<IpAddr>) -> Result<(), Full> {
        self.check(&lock(&self.counts), limited(address))
    }

    fn check(&self, counts: &Counts, address: Option<IpAddr>) -> Result<(), Full> {
        if counts.total >= self.max {
            return Err(Full::Server);
        }
        let from_address = address.and_then(|address| counts.by_address.get(&address)).copied().unwrap_or_default();
        if address.is_some() && from_address >= self.max_per_address { Err(Full::Address) } else { Ok(()) }
    }

    /// How many readers there are.
    pub fn len(&self) -> usize {
        lock(&self.counts).total
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The address that a reader is counted by, if it has one that is limited.
fn limited(address: Option<IpAddr>) -> Option<IpAddr> {
    address.filter(|address| !address.to_canonical().is_loopback()).map(counted_as)
}

/// One reader's place. Dropping it makes room.
#[derive(Debug)]
pub struct Permit {
    connections: Arc<Connections>,
    address: Option<IpAddr>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = lock(&self.connections.counts);
        counts.total -= 1;
        let Some(address) = self.address else { return };
        if let Some(count) = counts.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold_and_counters_return_to_zero() {
        let connections = Arc::new(Connections::new(4, 2));
        let from = |address: &str| connections.enter(Some(address.parse().unwrap()));
        let permits = [from("192.0.2.1").unwrap(), from("192.0.2.1").unwrap()];
        assert_eq!(from("192.0.2.1").unwrap_err(), Full::Address);
        let loopback = [from("127.0.0.1").unwrap(), from("::1").unwrap()];
        assert_eq!(from("192.0.2.2").unwrap_err(), Full::Server);
        drop(permits);
        drop(loopback);
        assert!(connections.is_empty());
        assert!(lock(&connections.counts).by_address.is_empty());
    }
}
