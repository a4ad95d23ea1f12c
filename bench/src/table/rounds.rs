//! The servers that are compared, and what their rounds come to.

use anyhow::Result;

use super::options::Options;
use crate::{median::median, peers};

/// The limit first, and Live under each adapter; actix in its two ways.
pub(super) const SERVERS: &[&str] = &["bare", "axum", "warp", "tungstenite", "actix-lean", "actix"];

/// Beside them the loop on tokio, where each piece of the way from the limit to a server counts.
pub(super) const SERVERS_AND_LOOPS: &[&str] =
    &["bare", "bare-tokio", "axum", "warp", "tungstenite", "actix-lean", "actix"];

/// Those that answer more than WebSocket.
pub(super) const HTTP_SERVERS: &[&str] = &["bare", "axum", "warp", "actix-lean", "actix"];

/// These, and the peers that have the transport as well.
pub(super) fn with_peers<'a>(servers: &[&'a str], options: &'a Options, transport: &str) -> Vec<&'a str> {
    let has = |peer: &&str| peers::find(peer).is_some_and(|peer| peer.speaks(transport).is_some());
    servers.iter().copied().chain(options.peers.iter().map(String::as_str).filter(has)).collect()
}

/// The rounds of each server, or of what else is compared; in each round they take turns.
pub(super) fn compare<S: Copy, T>(
    options: &Options,
    servers: &[S],
    measure: impl Fn(S) -> Result<T>,
) -> Result<Vec<Vec<T>>> {
    let mut figures: Vec<Vec<T>> = servers.iter().map(|_| Vec::new()).collect();
    for _ in 0..options.rounds {
        for (server, figures) in servers.iter().zip(&mut figures) {
            figures.push(measure(*server)?);
        }
    }
    Ok(figures)
}

pub(super) fn middle<T>(figures: &[T], of: impl Fn(&T) -> f64) -> f64 {
    median(&mut figures.iter().map(of).collect::<Vec<_>>())
}

/// In the same round, because the machine is not the same in all.
pub(super) fn ratio<T>(own: &[T], other: &[T], of: impl Fn(&T) -> f64) -> f64 {
    median(&mut own.iter().zip(other).map(|(own, other)| of(own) / of(other)).collect::<Vec<_>>())
}
