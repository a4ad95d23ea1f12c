//! The servers and the readers of `cargo xtask bench`, which runs them in processes of their own and compares them.
//!
//! - `live-bench bare`: the limit, a loop of `write` calls over the sockets and nothing else.
//! - `live-bench axum` (or `actix`, `actix-lean`, `tungstenite`, `warp`): Live under an adapter.
//! - `live-bench readers ADDRESS PATH COUNT`: WebSocket readers that count what they get.
//! - `live-bench pollers ADDRESS PATH COUNT`: readers who poll at intervals, for the tests with a cache.
//! - `live-bench bytes [FILE]`: what a reader downloads over each transport, and what compression would save.
//!
//! The servers print their address and path, and publish once for each line on standard input. All frames have [`FRAME_BYTES`] bytes.

mod bare;
mod bytes;
mod live;
mod pollers;
mod readers;

use anyhow::{Context, bail};
use live_adapters::Adapter;

/// Bytes of one WebSocket frame, header and all: a post of a few sentences.
const FRAME_BYTES: usize = 704;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["bare"] => bare::run(),
        ["bytes"] => bytes::run(None),
        ["bytes", file] => bytes::run(Some(file)),
        ["readers", address, path, count] => {
            readers::run(address.parse()?, path, count.parse().context("COUNT is no number")?)
        }
        ["pollers", address, path, count] => {
            pollers::run(address.parse()?, path, count.parse().context("COUNT is no number")?)
        }
        [adapter] => live::run(adapter.parse()?),
        _ => bail!(
            "usage: live-bench bare | {} | bytes [FILE] | readers|pollers ADDRESS PATH COUNT",
            Adapter::names().join(" | ")
        ),
    }
}
