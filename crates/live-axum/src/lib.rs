//! Makes a page of an [axum](https://docs.rs/axum) application live: posts change on the server, and every open page shows it at
//! once, over WebSocket, Server-Sent Events, long polling or interval polling.
//!
//! # The smallest application
//!
//! ```
//! use axum::{Router, extract::State, response::Html, routing::get};
//! use live_axum::{ChannelId, Config, Hub, bus};
//!
//! async fn page(State(hub): State<Hub>) -> Html<String> {
//!     let blog = ChannelId::new("blog").unwrap();
//!     let cursor = hub.cursor(&blog).await.ok(); // Before reading the posts from the database.
//!     let live = hub.element(&blog, cursor);
//!     Html(format!("<h1>Live</h1>{}<!-- posts -->{}{}", live.start(), live.end(), live.script()))
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::default();
//! let hub = Hub::new(bus::from_url("sqlite:live.db", &config)?, config)?;
//! let app = Router::new()
//!     .route("/", get(page))
//!     .with_state(hub.clone())
//!     .nest("/live", live_axum::routes(hub.clone()));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
//! live_axum::serve(listener, app, hub).await?;
//! # Ok(()) }
//! ```
//!
//! Publish from anywhere in the process: `hub.publish(&blog, Update::new().render(…), None).await`.
//!
//! # In an existing application
//!
//! Nest [`routes`] under a prefix of your choice and say so in `Config::public_url`; merge it for no prefix. Everything else of
//! the application stays as it is.
//!
//! # Your own authentication, before the upgrade
//!
//! [`respond`] is the level below: one handler per route, in your own router, behind your own extractors.
//!
//! ```
//! use axum::{extract::{Path, Request, State}, http::StatusCode, response::Response};
//! use live_axum::{ChannelId, Hub, Route};
//!
//! async fn subscribers_only(State(hub): State<Hub>, Path(id): Path<String>, request: Request) -> Result<Response, StatusCode> {
//!     if !request.headers().contains_key("cookie") {
//!         return Err(StatusCode::UNAUTHORIZED);
//!     }
//!     let channel = ChannelId::new(id).map_err(|_| StatusCode::BAD_REQUEST)?;
//!     Ok(live_axum::respond(&hub, Route::WebSocket(channel), request).await)
//! }
//! ```
//!
//! # Graceful shutdown
//!
//! [`serve`] ends when [`Hub::drain`] is called, for example by a task that waits for Ctrl-C: readers are told when to come back,
//! and what is under way is finished.
//!
//! # With your own `axum::serve`
//!
//! The routes work there, too. What axum's own server does not let us do: it has no time-out for a request's header and none for
//! a peer that stops reading, sets no `TCP_NODELAY` (WebSockets get it from us), and its graceful shutdown does not see WebSockets.
//! Call [`Hub::drain`] in its shutdown signal, because streams and long polls would hold it up for ever. The limit of connections
//! per address needs `into_make_service_with_connect_info::<SocketAddr>()`.

use std::{convert::Infallible, io, net::SocketAddr};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    response::Response,
    routing::any_service,
};
use futures_util::FutureExt as _;
pub use live_core::*;

use tokio::net::TcpListener;
use tower::service_fn;

/// All of Live's routes, to nest under a prefix or to merge.
pub fn routes<S: Clone + Send + Sync + 'static>(hub: Hub) -> Router<S> {
    Route::PATTERNS.iter().fold(Router::new(), |router, pattern| {
        let hub = hub.clone();
        // axum's wildcards have names.
        let pattern = pattern.replace("{*}", "{*channel}");
        // Not a handler, whose future keeps room for the request beside its answer's.
        let service = service_fn(move |request| answer(&hub, None, request).map(Ok::<_, Infallible>));
        router.route(&pattern, any_service(service))
    })
}

/// Answers one request to one of Live's routes, whatever its path: for applications that route and authenticate by themselves.
pub async fn respond(hub: &Hub, route: Route, request: Request) -> Response {
    answer(hub, Some(route), request).await
}

/// Serves the application until the hub drains, with the limits of its configuration: header time-out, write deadline,
/// `TCP_NODELAY`, and back-off when accepting fails.
///
/// # Errors
/// As [`live_core::server::serve`].
pub async fn serve(listener: TcpListener, app: Router, hub: Hub) -> io::Result<()> {
    live_core::server::serve(listener, app, hub).await
}

fn answer(hub: &Hub, route: Option<Route>, request: Request) -> impl Future<Output = Response> + use<> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    live_core::server::respond(hub, request, route, peer).map(|response| response.map(Body::new))
}

/// Compiles what the README and the guides show.
#[cfg(doctest)]
mod shown {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/in-your-template.md")]
    struct InYourTemplate;
    #[doc = include_str!("../../../docs/set-up-piesocket.md")]
    struct SetUpPieSocket;
    #[doc = include_str!("../../../docs/set-up-redis-channels.md")]
    struct SetUpRedisChannels;
    #[doc = include_str!("../../../docs/set-up-redis-pubsub.md")]
    struct SetUpRedisPubSub;
}
