//! The site of the live blog: its pages, and no readers. They are served by another process, which it meets on the bus.

use anyhow::Context;
use axum::{Router, body, extract::State, http::request::Parts, response::Response, routing::get};
use clap::Parser;
use live_axum::{Hub, Route, bus};
use live_example_page::{Options, Page};
use tokio::net::TcpListener;

/// The live blog's pages; its readers' server is example-tungstenite
#[derive(Parser)]
#[command(mut_arg("publisher", |publisher| publisher.help("The transport that readers use: their server has only websocket")))]
struct SiteOptions {
    /// Where the readers' server is, as browsers reach it
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8765")]
    readers: String,

    /// Where the readers' server listens for updates
    #[arg(long, value_name = "URL", default_value = "redis+pubsub://127.0.0.1:6379/1")]
    redis: String,

    #[command(flatten)]
    page: Options,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    live_example_page::log_to_stderr();
    let SiteOptions { readers, redis, page: options } = SiteOptions::parse();
    let options = options.with_readers_at(readers).unwrap_or_else(|wrong| wrong.exit());

    let config = options.config();
    let hub = Hub::new(bus::from_url(&redis, &config)?, config)?;
    let page = Page::open(options.clone(), hub.clone()).await?;

    let (script, client) = (format!("{}/live.js", options.prefix), hub.clone());
    let client = get(async move |request| live_axum::respond(&client, Route::Client, request).await);
    let app = Router::new().route(&script, client).fallback(answer).with_state(page.clone());

    let listener = TcpListener::bind(options.listen).await.context("cannot listen; see --listen")?;
    page.begin(listener.local_addr()?);
    tokio::spawn(live_example_page::drain_on_signal(hub.clone()));
    live_axum::serve(listener, app, hub).await?;
    Ok(())
}

async fn answer(State(page): State<Page>, head: Parts, body: body::Bytes) -> Response {
    page.respond(&head.method, head.uri.path(), head.uri.query(), &head.headers, body).await.map(body::Body::from)
}
