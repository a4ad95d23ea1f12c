//! The live blog on axum: Live's routes under a prefix, and the page's own under everything else.

use anyhow::Context;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Response, Uri},
};
use live_axum::{Hub, bus};
use live_example_page::{Options, Page};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    live_example_page::log_to_stderr();
    let options = Options::from_command_line();

    let config = options.config();
    let hub = Hub::new(bus::from_url(&options.bus_url(), &config)?, config)?;
    let page = Page::open(options.clone(), hub.clone()).await?;

    let app =
        Router::new().nest(&options.prefix, live_axum::routes(hub.clone())).fallback(answer).with_state(page.clone());

    let listening = TcpListener::bind(options.listen).await;
    let listener = listening.with_context(|| format!("cannot listen on {}", options.listen))?;
    page.begin(listener.local_addr()?);
    tokio::spawn(live_example_page::drain_on_signal(hub.clone()));
    live_axum::serve(listener, app, hub).await?;
    Ok(())
}

async fn answer(State(page): State<Page>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    page.respond(&method, uri.path(), uri.query(), &headers, body).await.map(Body::from)
}
