//! live-axum over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::time::Duration;

use live_axum::{ChannelId, Config, Hub, PostId, Render, Update, bus};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

async fn start() -> (Hub, std::net::SocketAddr) {
    let config = Config::default();
    let hub = Hub::new(bus::from_url("memory:", &config).unwrap(), config).unwrap();
    let app = axum::Router::new().nest("/live", live_axum::routes(hub.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(live_axum::serve(listener, app, hub.clone()));
    (hub, address)
}

async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut seen = Vec::new();
    let deadline = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            let mut buffer = [0; 4096];
            let n = stream.read(&mut buffer).await.unwrap();
            seen.extend_from_slice(&buffer[..n]);
            let now = String::from_utf8_lossy(&seen).into_owned();
            if now.contains(text) || n == 0 {
                return now;
            }
        }
    })
    .await;
    deadline.unwrap_or_else(|_| panic!("no {text}"))
}

#[tokio::test]
async fn smoke() {
    let (hub, address) = start().await;
    let blog = ChannelId::new("blog").unwrap();
    let mut ws = TcpStream::connect(address).await.unwrap();
    ws.write_all(b"GET /live/ws/channel/blog/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").await.unwrap();
    println!("{}", read_until(&mut ws, "prev").await);
    let mut sse = TcpStream::connect(address).await.unwrap();
    sse.write_all(b"GET /live/events/blog/ HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    println!("{}", read_until(&mut sse, "prev").await);
    let mut poll = TcpStream::connect(address).await.unwrap();
    let cursor = hub.cursor(&blog).await.unwrap();
    poll.write_all(format!("GET /live/updates/blog/?wait&cursor={cursor} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())
        .await
        .unwrap();
    hub.publish(&blog, Update::new().render(Render::new(PostId::new("1").unwrap(), "hello")), None).await.unwrap();
    println!("{}", read_until(&mut ws, "hello").await);
    println!("{}", read_until(&mut sse, "hello").await);
    println!("{}", read_until(&mut poll, "hello").await);
}
