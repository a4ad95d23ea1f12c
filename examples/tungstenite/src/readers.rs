//! The readers' server of the live blog: WebSocket alone, on a port of its own. It knows nothing of the site but the bus.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;
use live_tungstenite::{Config, Hub, bus};
use tokio::net::TcpListener;

/// The readers' server of the live blog, over WebSocket alone; the site is example-tungstenite-site
#[derive(Parser)]
struct Options {
    /// The address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8765")]
    listen: SocketAddr,

    /// Where the site publishes
    #[arg(long, value_name = "URL", default_value = "redis+pubsub://127.0.0.1:6379/1")]
    redis: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    live_example_page::log_to_stderr();
    let options = Options::parse();
    let config = Config::default();
    let hub = Hub::new(bus::from_url(&options.redis, &config)?, config)?;

    let listener = TcpListener::bind(options.listen).await.context("cannot listen; see --listen")?;
    println!("Readers connect to ws://{}/ws/channel/blog/", listener.local_addr()?);
    tokio::spawn(live_example_page::drain_on_signal(hub.clone()));
    live_tungstenite::serve(listener, hub).await?;
    Ok(())
}
