//! Serves the readers of live pages over WebSocket on a port of its own, without a web framework: the pages are a site's, which
//! may be another process, and both meet on a bus.
//!
//! # The smallest application
//!
//! ```
//! use live_tungstenite::{Config, Hub, bus};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::default();
//! let hub = Hub::new(bus::from_url("memory:", &config)?, config)?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8765").await?;
//! live_tungstenite::serve(listener, hub).await?;
//! # Ok(()) }
//! ```
//!
//! Readers connect to `ws://127.0.0.1:8765/ws/channel/{channel}/`, and with `Config::piesocket` also to `/v3/{channel}`. With `memory:`, whoever publishes is in this process:
//! `hub.publish(&blog, Update::new().render(…), None).await`.
//!
//! # Beside an existing application
//!
//! Whatever makes the site's pages, their element names this server: in a Rust site by `Config::public_url`
//! (`http://127.0.0.1:8765`) and `Config::transports` (WebSocket alone), anywhere else in the HTML itself. The script `live.js` is
//! the site's to serve. Pages of the same host may connect, whatever their port; for others see `Config::origins`.
//!
//! Whatever asks for no WebSocket is answered 426 here, with the reason. For a server that has them all, and WebSocket
//! on the site's own port, take the adapter of a framework.
//!
//! # Your own authentication, before the upgrade
//!
//! [`serve_checked`] shows each request to your own check first. How long a reader is admitted goes into the request.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use live_tungstenite::{Admission, Body, Hub, Request, Response};
//!
//! async fn subscribers_only(mut request: Request) -> Result<Request, Response> {
//!     if !request.headers().contains_key("cookie") {
//!         let mut response = Response::new(Body::full("for subscribers\n"));
//!         *response.status_mut() = http::StatusCode::UNAUTHORIZED;
//!         return Err(response);
//!     }
//!     request.extensions_mut().insert(Admission { until: Instant::now() + Duration::from_secs(3600) });
//!     Ok(request)
//! }
//!
//! # async fn run(listener: tokio::net::TcpListener, hub: Hub) -> std::io::Result<()> {
//! live_tungstenite::serve_checked(listener, hub, subscribers_only).await
//! # }
//! ```
//!
//! # Graceful shutdown
//!
//! [`serve`] ends when [`Hub::drain`] is called, for example by a task that waits for Ctrl-C: readers are told when to come back.
//!
//! # With your own accept loop
//!
//! [`serve_websocket`] is the level below: it takes any stream whose handshake is done, such as one that tokio-tungstenite has
//! accepted.
//!
//! ```
//! use live_tungstenite::{Hub, Route, Start, serve_websocket};
//! use tokio_tungstenite::{accept_hdr_async, tungstenite::handshake::server::{Request, Response}};
//!
//! async fn serve_one(stream: tokio::net::TcpStream, hub: Hub) -> Result<(), Box<dyn std::error::Error>> {
//!     stream.set_nodelay(true)?;
//!     let permit = hub.admit(Some(stream.peer_addr()?.ip()))?;
//!     let mut path = String::new();
//!     let mut socket = accept_hdr_async(stream, |request: &Request, response: Response| {
//!         path = request.uri().path().to_owned();
//!         Ok(response)
//!     })
//!     .await?;
//!     let Ok(Route::WebSocket(channel)) = Route::parse(&path) else {
//!         return Ok(socket.close(None).await?);
//!     };
//!     let reader = hub.join(&channel, Start::parse(None), permit).await?;
//!     Ok(serve_websocket(socket.into_inner(), bytes::Bytes::new(), reader).await?)
//! }
//! ```
//!
//! Where it is a bare `TcpStream`, as here, [`drive_websocket`] serves it in a task that it shares with others of its page,
//! which makes an update to many readers cheaper; the function returns before the reader has left then.
//!
//! Take the stream before you read a message from it: what tungstenite has read ahead stays behind in it. What [`serve`] does before it
//! answers 101 is yours to do then: to check `Origin` in the callback, to limit the time of the handshake, and to send readers
//! away while the bus is down.
//!
//! # What tungstenite does not let us do
//!
//! Its own accept reads HTTP without a time-out, closes without a reply where a handshake is not valid, and answers nothing else. So
//! under [`serve`] hyper reads the request, as for every other adapter; tungstenite checks the handshake and reads the
//! messages. There is no TLS here: put a proxy in front, or accept by yourself.

use std::io;

pub use live_core::{
    http::Body,
    server::{Peer, Request},
    *,
};

use live_core::http::{Answer, Refusal};
use tokio::net::TcpListener;

/// An answer of your own.
pub type Response = ::http::Response<Body>;

/// Serves the readers of this hub until it drains, with the limits of its configuration: header time-out, write deadline,
/// `TCP_NODELAY`, and back-off when accepting fails.
///
/// # Errors
/// As [`live_core::server::serve`].
pub async fn serve(listener: TcpListener, hub: Hub) -> io::Result<()> {
    serve_checked(listener, hub, |request| async { Ok(request) }).await
}

/// Serves readers whom `check` lets in: it sees each request first, and hands it on or answers it by itself.
///
/// # Errors
/// As [`live_core::server::serve`].
pub async fn serve_checked<C, F>(listener: TcpListener, hub: Hub, check: C) -> io::Result<()>
where
    C: Fn(Request) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Request, Response>> + Send + 'static,
{
    let readers = hub.clone();
    let answer = move |request| {
        let (checked, hub) = (check(request), readers.clone());
        async move {
            match checked.await {
                Ok(request) => respond(&hub, request).await,
                Err(response) => response,
            }
        }
    };
    live_core::server::serve_with(listener, answer, hub).await
}

async fn respond(hub: &Hub, request: Request) -> Response {
    let asks_for_upgrade = request.headers().contains_key(::http::header::UPGRADE);
    match Route::parse(request.uri().path()) {
        Ok(Route::WebSocket(_) | Route::PieSocket(_)) | Err(Refusal::Bad(_)) => {
            live_core::server::respond(hub, request, None, None).await
        }
        Err(_) if asks_for_upgrade => live_core::server::respond(hub, request, None, None).await,
        _ => match Answer::from(Refusal::Upgrade("this server speaks WebSocket only, at /ws/channel/{channel}/")) {
            Answer::Response(response) => response,
            Answer::Upgrade(upgrade) => upgrade.response.map(|()| Body::empty()),
        },
    }
}

/// Compiles what the guide shows.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/set-up-tungstenite.md")]
struct SetUp;
