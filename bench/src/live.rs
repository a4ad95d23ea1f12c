//! Live under one of its adapters, as their documentation shows them.

use std::{io::BufRead, net::TcpListener, sync::mpsc, thread};

use anyhow::Context;
use live_adapters::Adapter;
use live_core::{ChannelId, Config, Hub, PostId, Render, Update, bus};
use tokio::runtime::Handle;

use crate::FRAME_BYTES;

pub(crate) fn run(adapter: Adapter) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    println!("{} {}/ws/channel/bench/", listener.local_addr()?, adapter.prefix());
    let (tell, told) = mpsc::sync_channel(1);
    thread::spawn(move || publish(&told));
    adapter.serve(listener, || {
        let config = Config::default();
        let hub = Hub::new(bus::from_url("memory:", &config)?, config)?;
        tell.send((Handle::current(), hub.clone()))?;
        Ok(hub)
    })
}

/// Publishes for each line on standard input, in the server's own runtime.
fn publish(told: &mpsc::Receiver<(Handle, Hub)>) -> anyhow::Result<()> {
    let (runtime, hub) = told.recv()?;
    let channel = ChannelId::new("bench")?;
    let publish = || runtime.block_on(hub.publish(&channel, update()?, None)).context("publish");
    // The first update continues from a shorter cursor than all others.
    publish()?;
    for line in std::io::stdin().lock().lines() {
        line?;
        publish()?;
    }
    Ok(())
}

/// One post, edited again and again. What the frame has around its text is subtracted, so that the sizes agree.
fn update() -> anyhow::Result<Update> {
    let around = r#"....{"renders":{"1":{"show":true,"content":"<div data-post-id=\"1\"></div>"}},"removals":[],"cursor":"0123456789abcdef-1234567890123456","prev":"0123456789abcdef-1234567890123456"}"#;
    let text = "x".repeat(FRAME_BYTES - around.len());
    Ok(Update::new().render(Render::new(PostId::new("1")?, text)))
}
