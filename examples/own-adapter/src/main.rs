//! A live page on the own adapter, with a publisher of its own that is chosen by name: `LIVE_PUBLISHER=own`.
//!
//! Each line on standard input is a post; `/edit ID TEXT`, `/hide ID` and `/delete ID` change one.

mod page;
mod posts;
mod publisher;

use std::{io::Write, net::IpAddr, sync::Arc};

use anyhow::Context;
use own_adapter::{ChannelId, Chosen, Config, Hub, Publishers, Request, Response, bus};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
};

use crate::{posts::Posts, publisher::OwnPublisher};

/// What the requests of the site need.
#[derive(Clone)]
struct Site {
    hub: Hub,
    channel: ChannelId,
    posts: Arc<Posts>,
    chosen: Chosen,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_env_filter(log_filter()).with_writer(std::io::stderr).init();
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8000".to_owned());

    // The event bus runs from here on; `Hub::drain` ends it.
    let config = Config::default();
    let posts = Arc::new(Posts::default());
    let hub = Hub::with_source(bus::from_url("memory:", &config)?, posts.clone(), config)?;

    let publishers = Publishers::new(hub.clone()).register("own", Arc::new(OwnPublisher::new(hub.clone())), &[]);
    let chosen = publishers.from_env()?;

    let site = Site { hub: hub.clone(), channel: ChannelId::new(posts::CHANNEL)?, posts, chosen };
    let listener = TcpListener::bind(&address).await.with_context(|| format!("cannot listen on {address}"))?;
    println!("http://{}/", listener.local_addr()?);
    tokio::spawn(publish_lines(site.clone()));
    tokio::spawn(drain_on_signal(hub.clone()));
    own_adapter::serve(listener, move |request, peer| answer(site.clone(), request, peer), hub).await?;
    // The thread that reads standard input would be waited for.
    std::process::exit(0)
}

/// Live's routes first, and the site's own for whatever is not below their prefix.
async fn answer(site: Site, request: Request, peer: IpAddr) -> Response {
    match own_adapter::route(&site.hub, "/live", request, peer).await {
        Ok(response) => response,
        Err(request) => page::respond(&site, request.method(), request.uri().path()).await,
    }
}

/// Changes the posts, and then publishes the change: in this order, because a reader may load the page at once.
async fn publish_lines(site: Site) -> anyhow::Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let Some(update) = site.posts.apply(&line) else {
            eprintln!("no such post, or no such command: {line}");
            continue;
        };
        match site.chosen.publisher.publish(&site.channel, update).await {
            Ok(published) => println!("published {}", published.cursor),
            Err(error) => eprintln!("not published: {error}"),
        }
        std::io::stdout().flush()?;
    }
    Ok(())
}

async fn drain_on_signal(hub: Hub) -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed?,
        _ = terminate.recv() => {}
    }
    hub.drain().await;
    Ok(())
}

fn log_filter() -> tracing_subscriber::EnvFilter {
    tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into())
}
