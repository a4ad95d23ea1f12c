//! Live on axum, as its documentation shows it.

use anyhow::Context;
use live_axum::{ChannelId, Config, Hub, PostId, Render, Update, bus};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
};

use crate::FRAME_BYTES;

#[tokio::main]
pub(crate) async fn run() -> anyhow::Result<()> {
    let config = Config::default();
    let hub = Hub::new(bus::from_url("memory:", &config)?, config)?;
    let app = axum::Router::new().nest("/live", live_axum::routes(hub.clone()));
    let channel = ChannelId::new("bench")?;
    // The first update continues from a shorter cursor than all others.
    hub.publish(&channel, update()?, None).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    tokio::spawn(live_axum::serve(listener, app, hub.clone()));
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while lines.next_line().await?.is_some() {
        hub.publish(&channel, update()?, None).await.context("publish")?;
    }
    Ok(())
}

/// One post, edited again and again. What the frame has around its text is subtracted, so that the sizes agree.
fn update() -> anyhow::Result<Update> {
    let around = r#"....{"renders":{"1":{"show":true,"content":"<div data-post-id=\"1\"></div>"}},"removals":[],"cursor":"0123456789abcdef-1234567890123456","prev":"0123456789abcdef-1234567890123456"}"#;
    let text = "x".repeat(FRAME_BYTES - around.len());
    Ok(Update::new().render(Render::new(PostId::new("1")?, text)))
}
