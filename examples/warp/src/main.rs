//! The live blog on warp: Live's routes under a prefix, and the page's own under everything else.

use anyhow::Context;
use http_body_util::{BodyExt, Limited};
use live_example_page::{Options, Page};
use live_warp::{Hub, Request, bus};
use tokio::net::TcpListener;
use warp::{Filter, Reply, http::StatusCode, reply::Response};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    live_example_page::log_to_stderr();
    let options = Options::from_command_line();

    let config = options.config();
    let hub = Hub::new(bus::from_url(&options.bus_url(), &config)?, config)?;
    let page = Page::open(options.clone(), hub.clone()).await?;

    // warp matches segment by segment.
    let segments = options.prefix.split('/').skip(1).map(str::to_owned);
    let prefix = segments.fold(warp::any().boxed(), |path, segment| path.and(warp::path(segment)).boxed());
    let pages = page.clone();
    let site = live_warp::request().then(move |request| answer(pages.clone(), request));
    let app = prefix.and(live_warp::routes(hub.clone())).or(site);

    let listening = TcpListener::bind(options.listen).await;
    let listener = listening.with_context(|| format!("cannot listen on {}", options.listen))?;
    page.begin(listener.local_addr()?);
    tokio::spawn(live_example_page::drain_on_signal(hub.clone()));
    live_warp::serve(listener, app, hub).await?;
    Ok(())
}

async fn answer(page: Page, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY_BYTES).collect().await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let (path, query) = (head.uri.path(), head.uri.query());
    page.respond(&head.method, path, query, &head.headers, body.to_bytes()).await.into_response()
}

/// warp has no limit of its own.
const MAX_BODY_BYTES: usize = 2 << 20;
