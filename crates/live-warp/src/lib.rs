//! Makes a page of a [warp](https://docs.rs/warp) application live: posts change on the server, and every open page shows it at
//! once, over WebSocket, Server-Sent Events, long polling or interval polling.
//!
//! # The smallest application
//!
//! ```
//! use live_warp::{ChannelId, Config, Hub, bus};
//! use warp::{Filter, reply::Html};
//!
//! async fn page(hub: Hub) -> Html<String> {
//!     let blog = ChannelId::new("blog").unwrap();
//!     let cursor = hub.cursor(&blog).await.ok(); // Before reading the posts from the database.
//!     let live = hub.element(&blog, cursor);
//!     warp::reply::html(format!("<h1>Live</h1>{}<!-- posts -->{}{}", live.start(), live.end(), live.script()))
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::default();
//! let hub = Hub::new(bus::from_url("sqlite:live.db", &config)?, config)?;
//! let front = hub.clone();
//! let site = warp::path::end().then(move || page(front.clone()));
//! let app = site.or(warp::path("live").and(live_warp::routes(hub.clone())));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
//! live_warp::serve(listener, app, hub).await?;
//! # Ok(()) }
//! ```
//!
//! Publish from anywhere in the process: `hub.publish(&blog, Update::new().render(…), None).await`.
//!
//! # In an existing application
//!
//! Put [`routes`] behind the [`path`](fn@warp::path) of your choice and say so in `Config::public_url`; `app.or(live_warp::routes(hub))`
//! has no prefix. A path that is none of Live's is rejected, so that the other filters have their turn; what Live refuses
//! is an answer, with the reason in it, and not a rejection that your `recover` sees.
//!
//! # Your own authentication, before the upgrade
//!
//! [`respond`] is the level below: one filter per route, behind your own filters, with [`request`] as the last of them.
//!
//! ```
//! use live_warp::{ChannelId, Hub, Route};
//! use warp::{Filter, Rejection, Reply, http::StatusCode, reply::Response};
//!
//! fn subscribers_only(hub: Hub) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone {
//!     warp::path!("subscribers" / String).and(live_warp::request()).then(move |id: String, request: live_warp::Request| {
//!         let hub = hub.clone();
//!         async move {
//!             if !request.headers().contains_key("cookie") {
//!                 return StatusCode::UNAUTHORIZED.into_response();
//!             }
//!             match ChannelId::from_path_segment(&id) {
//!                 Ok(channel) => live_warp::respond(&hub, Route::WebSocket(channel), request).await,
//!                 Err(_) => StatusCode::BAD_REQUEST.into_response(),
//!             }
//!         }
//!     })
//! }
//! ```
//!
//! How long a reader is admitted goes into the request, as an [`Admission`] among its extensions.
//!
//! # Graceful shutdown
//!
//! [`serve`] ends when [`Hub::drain`] is called, for example by a task that waits for Ctrl-C: readers are told when to come back,
//! and what is under way is finished.
//!
//! # With your own `warp::serve`
//!
//! The routes work there, too. What warp's own server does not let us do: it has no time-out for a request's header and none for
//! a peer that stops reading, no limit of its connections, waits a second when it cannot accept, sets no `TCP_NODELAY`
//! (WebSockets get it from us), and its graceful shutdown does not see WebSockets. Call [`Hub::drain`] in its shutdown signal,
//! because streams and long polls would hold it up for ever.
//!
//! # What warp does not let us do
//!
//! - No filter sees the whole request. Under `warp::serve` the header `Host` counts where the host in the target is another.
//! - A body can be taken once: behind a filter that takes the body of every request, Live's routes answer 500.
//! - Filters cannot put anything into a request for those behind them, so an [`Admission`] goes through [`respond`].

use std::{
    io,
    net::SocketAddr,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::{BodyDataStream, BodyExt};
pub use live_core::*;

use live_core::{
    http::{Incoming, Refusal},
    server::Peer,
    socket::Loan,
};
use tokio::net::TcpListener;
use tower::util::MapRequest;
use warp::{
    Buf, Filter, Rejection, Reply, Stream,
    host::Authority,
    http::{Extensions, HeaderMap, Method, Uri, header, uri::Scheme},
    hyper::upgrade::OnUpgrade,
    path::Peek,
    reply::Response,
};

/// A request as Live reads it: what [`request`] extracts.
pub type Request = warp::http::Request<Incoming<PollChunk>>;

/// The next bytes of a request's body.
pub type PollChunk = Box<dyn FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, warp::Error>>> + Send>;

/// All of Live's routes, to mount under a prefix or beside other filters.
pub fn routes(hub: Hub) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone {
    warp::path::peek().and_then(is_route).untuple_one().and(request()).then(move |request| {
        let hub = hub.clone();
        async move { answer(&hub, None, request).await }
    })
}

/// The request with all that Live needs of it, and with the rest of the path as its path. It takes the body.
pub fn request() -> impl Filter<Extract = (Request,), Error = Rejection> + Clone {
    let query = warp::query::raw().map(Some).or(warp::any().map(|| None)).unify();
    // `warp::serve` speaks HTTP/2 as well, which has the host in the target (RFC 9113 §8.3.1).
    let host = warp::header::value("host").map(|_| None).or(warp::host::optional()).unify();
    let uri = warp::path::peek().and(query).and(host).and(warp::ext::optional()).and_then(uri);
    let connection = warp::ext::optional().and(warp::ext::optional()).and(warp::addr::remote());
    let extensions = warp::ext::optional().and(warp::ext::optional()).and(connection).map(extensions);
    warp::method().and(uri).and(warp::header::headers_cloned()).and(extensions).and(warp::body::stream()).map(assemble)
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
pub async fn serve<F>(listener: TcpListener, app: F, hub: Hub) -> io::Result<()>
where
    F: Filter + Clone + Send + Sync + 'static,
    F::Extract: Reply,
{
    let app = MapRequest::new(warp::service(app), with_line);
    live_core::server::serve(listener, app, hub).await
}

/// What stood in a request's first line, which no filter extracts.
#[derive(Debug, Clone)]
struct RequestLine {
    /// The target, with the host if it is there.
    uri: Uri,
    version: warp::http::Version,
}

fn with_line(mut request: server::Request) -> server::Request {
    let line = RequestLine { uri: request.uri().clone(), version: request.version() };
    request.extensions_mut().insert(line);
    request
}

async fn is_route(rest: Peek) -> Result<(), Rejection> {
    match Route::parse(&["/", rest.as_str()].concat()) {
        Err(Refusal::NotFound) => Err(warp::reject::not_found()),
        // A channel id that is not valid is refused with that reason.
        _ => Ok(()),
    }
}

async fn answer(hub: &Hub, route: Option<Route>, request: Request) -> Response {
    let (parts, body) = live_core::server::respond(hub, request, route, None).await.into_parts();
    let body = match body.len() {
        // warp's streams have no length.
        Some(_) => body.collect().await.unwrap_or_default().to_bytes().into(),
        None => warp::reply::stream(BodyDataStream::new(body)).into_response().into_body(),
    };
    Response::from_parts(parts, body)
}

async fn uri(
    rest: Peek,
    query: Option<String>,
    host: Option<Authority>,
    line: Option<RequestLine>,
) -> Result<Uri, Rejection> {
    let path = match query {
        Some(query) => ["/", rest.as_str(), "?", &query].concat(),
        None => ["/", rest.as_str()].concat(),
    };
    let uri = match line.map_or(host, |line| line.uri.authority().cloned()) {
        Some(host) => Uri::builder().scheme(Scheme::HTTP).authority(host),
        None => Uri::builder(),
    };
    uri.path_and_query(path).build().map_err(|_| warp::reject::not_found())
}

fn extensions(
    line: Option<RequestLine>,
    loan: Option<Loan>,
    on_upgrade: Option<OnUpgrade>,
    peer: Option<Peer>,
    remote: Option<SocketAddr>,
) -> Extensions {
    let mut extensions = Extensions::new();
    line.map(|line| extensions.insert(line));
    loan.map(|loan| extensions.insert(loan));
    on_upgrade.map(|on_upgrade| extensions.insert(on_upgrade));
    peer.or(remote.map(|remote| Peer(remote.ip()))).map(|peer| extensions.insert(peer));
    extensions
}

fn assemble<S, B>(method: Method, uri: Uri, headers: HeaderMap, extensions: Extensions, body: S) -> Request
where
    S: Stream<Item = Result<B, warp::Error>> + Send + 'static,
    B: Buf,
{
    let mut body = Box::pin(body);
    let poll: PollChunk =
        Box::new(move |cx| body.as_mut().poll_next(cx).map_ok(|mut chunk| chunk.copy_to_bytes(chunk.remaining())));
    let mut request = Request::new(Incoming::new(Some(&headers), poll));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.version_mut() = version(&headers, &extensions);
    *request.headers_mut() = headers;
    *request.extensions_mut() = extensions;
    request
}

/// Under `warp::serve` nobody tells: there hyper offers an upgrade to each request that asks for one, unless it is HTTP/1.0.
fn version(headers: &HeaderMap, extensions: &Extensions) -> warp::http::Version {
    match extensions.get::<RequestLine>() {
        Some(line) => line.version,
        None if headers.contains_key(header::UPGRADE) && extensions.get::<OnUpgrade>().is_none() => {
            warp::http::Version::HTTP_10
        }
        None => warp::http::Version::HTTP_11,
    }
}

/// Compiles what the guide shows.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/set-up-warp.md")]
struct SetUp;
