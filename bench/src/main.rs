//! The servers and the readers of `cargo xtask bench`, which runs them in processes of their own and compares them.
//!
//! - `live-bench bare`: the limit, a loop of `write` calls over the sockets and nothing else.
//! - `live-bench axum`: Live on axum.
//! - `live-bench readers ADDRESS COUNT`: WebSocket readers that count what they get.
//!
//! The servers print their address, and publish once for each line on standard input. All frames have [`FRAME_BYTES`] bytes.

mod axum_server;
mod bare;
mod readers;

use anyhow::{Context, bail};

/// Bytes of one WebSocket frame, header and all: a post of a few sentences.
const FRAME_BYTES: usize = 704;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["bare"] => bare::run(),
        ["axum"] => axum_server::run(),
        ["readers", address, count] => readers::run(address.parse()?, count.parse().context("COUNT is no number")?),
        _ => bail!("usage: live-bench bare | axum | readers ADDRESS COUNT"),
    }
}
