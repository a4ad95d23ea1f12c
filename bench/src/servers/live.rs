//! Live under one of its adapters, as their documentation shows them.

use std::{io::BufRead, net::TcpListener, sync::mpsc, thread, time::Duration};

use anyhow::Context;
use live_adapters::Adapter;
use live_core::{ChannelId, Config, Hub, PostId, Render, Update, bus};
use tokio::runtime::Handle;

use super::Order;
use crate::update::{FRAME_BYTES, Label};

/// Serves on a port that the system picks, with a bus by its URL.
pub(crate) fn run(adapter: Adapter, bus: &str, channels: usize, heartbeat: Duration) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    println!("{} {}", listener.local_addr()?, adapter.prefix());
    let (tell, told) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let published = publish(&told, channels);
        if let Err(error) = &published {
            eprintln!("live-bench: {error:#}");
        }
        // Whoever started this server has ended, or has seen enough.
        std::process::exit(i32::from(published.is_err()));
    });
    adapter.serve(listener, || {
        let config = Config {
            heartbeat,
            silence_deadline: 2 * heartbeat + Duration::from_secs(10),
            // Dozens of nodes may share a core here: late is a figure, and not an error.
            publish_deadline: Duration::from_secs(60),
            ..Config::default()
        };
        let hub = Hub::new(bus::from_url(bus, &config)?, config)?;
        tell.send((Handle::current(), hub.clone()))?;
        Ok(hub)
    })
}

/// Does what standard input says, in the server's own runtime.
fn publish(told: &mpsc::Receiver<(Handle, Hub)>, channels: usize) -> anyhow::Result<()> {
    let (runtime, hub) = told.recv()?;
    let channels: Vec<_> =
        (0..channels).map(|channel| ChannelId::new(channel.to_string())).collect::<Result<_, _>>()?;
    for line in std::io::stdin().lock().lines() {
        let Order::Publish { number, to } = line?.parse()? else {
            println!("{}", runtime.block_on(hub.cursor(&channels[0]))?);
            continue;
        };
        let channels = to.map_or(channels.as_slice(), |(only, _)| &channels[only..=only]);
        for channel in channels {
            runtime.block_on(hub.publish(channel, update(super::label(number, to))?, None)).context("publish")?;
        }
    }
    Ok(())
}

/// One post, edited again and again. What the frame has around its text is subtracted, so that the sizes agree.
fn update(label: Label) -> anyhow::Result<Update> {
    let around = r#"....{"renders":{"1":{"show":true,"content":"<div data-post-id=\"1\"></div>"}},"removals":[],"cursor":"0123456789abcdef-1234567890123456","prev":"0123456789abcdef-1234567890123456"}"#;
    let text = label.text(FRAME_BYTES - around.len());
    let post = Render::new(PostId::new("1")?, text);
    // The first one makes the page whole, which Wagtail Live's polling asks for.
    Ok(if label.number == 1 { Update::replace([post]) } else { Update::new().render(post) })
}
