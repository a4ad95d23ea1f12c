//! A server for each adapter that sends every WebSocket message back: what `cargo xtask autobahn` judges.
//!
//!     live-echo --adapter axum [--listen 127.0.0.1:0]
//!
//! It prints the URL to connect to, and serves until it is ended. Its readers go through the adapter's own routes and the session
//! that every reader has; only `Config::echo` is set, and the page keeps silent (see `silent_bus.rs`).

mod silent_bus;

use std::{net::TcpListener, sync::Arc, time::Duration};

use anyhow::{Result, bail};
use live_adapters::Adapter;
use live_core::{Config, Hub};

use self::silent_bus::{READER, SilentBus};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (adapter, listen) = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--adapter", adapter] => (adapter.parse()?, "127.0.0.1:0"),
        ["--adapter", adapter, "--listen", listen] => (adapter.parse()?, *listen),
        _ => bail!("usage: live-echo --adapter {} [--listen ADDRESS]", Adapter::names().join("|")),
    };
    serve(adapter, TcpListener::bind(listen)?)
}

fn serve(adapter: Adapter, listener: TcpListener) -> Result<()> {
    println!("ws://{}{}/ws/channel/echo/?cursor={READER}", listener.local_addr()?, adapter.prefix());
    listener.set_nonblocking(true)?;
    adapter.serve(listener, hub)
}

fn hub() -> Result<Hub> {
    let config = config();
    Ok(Hub::new(Arc::new(SilentBus::new(&config)?), config)?)
}

/// What the suite sends is answered, and nothing else is sent.
fn config() -> Config {
    const LONG: Duration = Duration::from_secs(24 * 60 * 60);
    Config {
        echo: true,
        // The suite's longest message has 16 MiB.
        max_incoming_bytes: 16 << 20,
        heartbeat: LONG,
        silence_deadline: 2 * LONG,
        bus_deadline: LONG,
        ..Config::default()
    }
}
