//! One node of a cluster, under an adapter by name: what `cargo xtask cluster` starts, kills and starts again.
//!
//!     live-node ADAPTER BUS LISTEN
//!
//! It prints a line once it listens, and serves until it is ended.

use std::{net::TcpListener, time::Duration};

use anyhow::{Result, bail};
use live_adapters::Adapter;
use live_core::{Config, Hub, bus};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [adapter, bus_url, listen] = arguments.as_slice() else {
        bail!("usage: live-node {} BUS LISTEN", Adapter::names().join("|"))
    };
    let listener = TcpListener::bind(listen)?;
    listener.set_nonblocking(true)?;
    println!("listening on {}", listener.local_addr()?);
    adapter.parse::<Adapter>()?.serve(listener, || {
        let config = Config {
            // Readers come back for the end of the play in time.
            long_poll_timeout: Duration::from_secs(2),
            ..Config::default()
        };
        Ok(Hub::new(bus::from_url(bus_url, &config)?, config)?)
    })
}
