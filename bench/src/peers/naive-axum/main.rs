//! A live page by hand, as everyone writes it first: axum's own WebSocket, a broadcast channel for each page, a task for each reader.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{
        Path, State,
        ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    response::Response,
    routing::{get, post},
};
use tokio::sync::broadcast::{self, Receiver, Sender, error::RecvError};

type Pages = Arc<Mutex<HashMap<String, Sender<Utf8Bytes>>>>;

#[tokio::main]
async fn main() {
    let port: u16 = std::env::args().nth(1).and_then(|port| port.parse().ok()).expect("a port");
    let app = Router::new()
        .route("/ws/channel/{channel}/", get(connect))
        .route("/publish/{channel}", post(publish))
        .with_state(Pages::default());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("a free port");
    axum::serve(listener, app).await.expect("a server");
}

fn page(pages: &Pages, channel: String) -> Sender<Utf8Bytes> {
    let mut pages = pages.lock().expect("nobody panics with the pages");
    pages.entry(channel).or_insert_with(|| broadcast::channel(16).0).clone()
}

async fn publish(State(pages): State<Pages>, Path(channel): Path<String>, text: String) {
    // An error says that nobody reads.
    let _ = page(&pages, channel).send(text.into());
}

async fn connect(State(pages): State<Pages>, Path(channel): Path<String>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| read(socket, page(&pages, channel).subscribe()))
}

async fn read(mut socket: WebSocket, mut updates: Receiver<Utf8Bytes>) {
    // In the place of Live's hello.
    if socket.send(Message::text("{}")).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            update = updates.recv() => match update {
                Ok(text) => {
                    if socket.send(Message::Text(text)).await.is_err() {
                        return;
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
            message = socket.recv() => match message {
                Some(Ok(_)) => {}
                _ => return,
            },
        }
    }
}
