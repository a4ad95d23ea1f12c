//! Socket.IO for Rust, over WebSocket alone: a room for each page, and an event for each update.

use std::time::Duration;

use axum::{
    Router,
    extract::{Path, State},
    routing::post,
};
use socketioxide::{SocketIo, TransportType, extract::SocketRef};

#[tokio::main]
async fn main() {
    let port: u16 = std::env::args().nth(1).and_then(|port| port.parse().ok()).expect("a port");
    // No pings, as for the others.
    let builder = SocketIo::builder().transports([TransportType::Websocket]).ping_interval(Duration::from_secs(36_000));
    let (layer, io) = builder.build_layer();
    io.ns("/", connect);
    let app = Router::new().route("/publish/{channel}", post(publish)).layer(layer).with_state(io);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("a free port");
    axum::serve(listener, app).await.expect("a server");
}

/// `?channel=` says which page it reads.
async fn connect(socket: SocketRef) {
    let query = socket.req_parts().uri.query().unwrap_or_default();
    let channel = query.split('&').find_map(|part| part.strip_prefix("channel=")).unwrap_or_default().to_owned();
    socket.join(channel);
    // In the place of Live's hello.
    let _ = socket.emit("hello", "{}");
}

async fn publish(State(io): State<SocketIo>, Path(channel): Path<String>, text: String) {
    // An error says that nobody reads.
    let _ = io.to(channel).emit("update", &text).await;
}
