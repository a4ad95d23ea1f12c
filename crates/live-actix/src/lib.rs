//! Makes a page of an [actix-web](https://docs.rs/actix-web) application live: posts change on the server, and every open page shows
//! it at once, over WebSocket, Server-Sent Events, long polling or interval polling.
//!
//! # The smallest application
//!
//! ```
//! use actix_web::{App, HttpResponse, web};
//! use live_actix::{ChannelId, Config, Hub, bus};
//!
//! async fn page(hub: web::Data<Hub>) -> HttpResponse {
//!     let blog = ChannelId::new("blog").unwrap();
//!     let cursor = hub.cursor(&blog).await.ok(); // Before reading the posts from the database.
//!     let live = hub.element(&blog, cursor);
//!     let html = format!("<h1>Live</h1>{}<!-- posts -->{}{}", live.start(), live.end(), live.script());
//!     HttpResponse::Ok().content_type("text/html").body(html)
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::default();
//! let hub = Hub::new(bus::from_url("sqlite:live.db", &config)?, config)?;
//! let readers = hub.clone();
//! let app = move || {
//!     App::new()
//!         .app_data(web::Data::new(readers.clone()))
//!         .route("/", web::get().to(page))
//!         .service(live_actix::scope("/live", readers.clone()))
//! };
//! let listener = std::net::TcpListener::bind("127.0.0.1:8000")?;
//! live_actix::serve(listener, app, hub).await?;
//! # Ok(()) }
//! ```
//!
//! Publish from anywhere in the process: `hub.publish(&blog, Update::new().render(…), None).await`.
//!
//! Make the hub once, outside of the closure that makes the application, and clone it inside. actix calls that closure for each of its
//! workers; hubs made in it would follow every page once per worker, and share no limit.
//!
//! # In an existing application
//!
//! Add a [`scope`] with a prefix of your choice and say so in `Config::public_url`; or give [`routes`] to the `configure` of a scope of
//! your own, or to that of the application for no prefix. Everything else stays as it is.
//!
//! # Your own authentication, before the upgrade
//!
//! [`respond`] is the level below: one handler per route, behind your own extractors and middleware.
//!
//! ```
//! use actix_web::{HttpRequest, HttpResponse, web::{Data, Path, Payload}};
//! use live_actix::{ChannelId, Hub, Route};
//!
//! async fn subscribers_only(hub: Data<Hub>, id: Path<String>, request: HttpRequest, payload: Payload) -> HttpResponse {
//!     if !request.headers().contains_key("cookie") {
//!         return HttpResponse::Unauthorized().finish();
//!     }
//!     let Ok(channel) = ChannelId::new(id.as_str()) else { return HttpResponse::BadRequest().finish() };
//!     live_actix::respond(&hub, Route::WebSocket(channel), &request, payload).await
//! }
//! ```
//!
//! How long a reader is admitted goes into the request, as an [`Admission`] among its extensions.
//!
//! # Graceful shutdown
//!
//! [`serve`] and [`serve_lean`] end when [`Hub::drain`] is called, for example by a task that waits for Ctrl-C: readers are told when to
//! come back, and what is under way is finished. They listen to no signals themselves.
//!
//! # Many readers
//!
//! actix gives its connections away to nobody, so a WebSocket is the body of a response that does not end. This works in any server of
//! actix, and a reader costs 11 to 12 KB, most of them actix's own buffers. [`serve_lean`] takes the same arguments as
//! [`serve`]: there a WebSocket leaves actix for the bare stream as soon as its handshake is answered, a reader costs about
//! 2 KB, and all limits of `Config` hold. It speaks HTTP/1.1 without TLS.
//!
//! # With your own `HttpServer`
//!
//! The routes work there, too. This is what [`serve`] sets:
//!
//! ```no_run
//! # async fn run(hub: live_actix::Hub) -> std::io::Result<()> {
//! use std::time::Duration;
//! use actix_web::{App, HttpServer};
//!
//! let listener = std::net::TcpListener::bind("127.0.0.1:8000")?;
//! live_actix::socket::tune(&listener, hub.config()); // Its connections inherit that.
//! let (readers, draining) = (hub.clone(), hub.clone());
//! HttpServer::new(move || App::new().configure(live_actix::routes(readers.clone())))
//!     .client_request_timeout(Duration::from_secs(5))
//!     .client_disconnect_timeout(Duration::ZERO)
//!     .h1_allow_half_closed(false)
//!     .shutdown_signal(async move { draining.draining().await })
//!     .listen(listener)?
//!     .run()
//!     .await
//! # }
//! ```
//!
//! Without `client_disconnect_timeout` a connection ends up to a second after its last byte; without `h1_allow_half_closed` a reader of
//! events who has left is noticed at the next heartbeat only; without `tune` a peer that stops reading is held for as
//! long as it likes. An `on_connect` of your own costs 2 KB for each connection.
//!
//! # What actix does not let us do
//!
//! In [`serve_lean`] none of these but the last holds.
//!
//! - A body does not see its socket. The write deadline is the kernel's (`TCP_USER_TIMEOUT`, on Linux), and a slow reader has up to
//!   32 KiB and one frame in actix's buffer before it falls behind in the page's log.
//! - A body cannot close one half of its connection. After a breach of the protocol it ends when the reader has closed or is quiet.
//! - `HttpServer` limits the time of a connection's first header only, answers 408 to a connection that says nothing, and drops
//!   requests whose header is not complete when it stops. WebSockets count among `Config::max_sockets`.
//! - actix reads 128 KiB and 96 lines of a header before it refuses it; Live's routes refuse what is above `Config::max_header_bytes`
//!   then. `Expect: 100-continue` is answered before anybody looks at the request. After a failure to accept actix waits for
//!   half a second.

mod servers;
mod translate;

use std::{pin::Pin, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse, Scope,
    web::{self, Payload, ServiceConfig},
};
use futures_util::Stream;
pub use live_core::*;

pub use self::servers::{serve, serve_lean};

/// All of Live's routes under a prefix.
///
/// ```
/// # fn app(hub: live_actix::Hub) {
/// let app = actix_web::App::new().service(live_actix::scope("/live", hub));
/// # }
/// ```
pub fn scope(prefix: &str, hub: Hub) -> Scope {
    web::scope(prefix).configure(routes(hub))
}

/// All of Live's routes, for the `configure` of an application or of a scope.
///
/// ```
/// # fn app(hub: live_actix::Hub) {
/// let app = actix_web::App::new().configure(live_actix::routes(hub));
/// # }
/// ```
pub fn routes(hub: Hub) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        for pattern in Route::PATTERNS {
            let hub = hub.clone();
            // What ends in a wildcard is a scope, because what begins alike is found without the regular expression of a pattern.
            let prefix = pattern.strip_suffix("/{*}");
            let start = prefix.unwrap_or(pattern);
            let route = web::to(move |request: HttpRequest, payload: Payload| {
                let hub = hub.clone();
                async move { answer(&hub, None, offset(start, &request), &request, payload).await }
            });
            match prefix {
                Some(prefix) => config.service(web::scope(prefix).default_service(route)),
                None => config.route(pattern, route),
            };
        }
    }
}

/// Answers one request to one of Live's routes, whatever its path: for applications that route and authenticate by themselves.
pub async fn respond(hub: &Hub, route: Route, request: &HttpRequest, payload: Payload) -> HttpResponse {
    answer(hub, Some(route), 0, request, payload).await
}

async fn answer(
    hub: &Hub,
    route: Option<Route>,
    start: usize,
    request: &HttpRequest,
    mut payload: Payload,
) -> HttpResponse {
    let peer = request.peer_addr().map(|peer| peer.ip());
    let head = translate::read(request, start);
    let body = http::Incoming::new(head.headers_ref(), |cx| Pin::new(&mut payload).poll_next(cx));
    // Boxed, because then it is gone before a WebSocket allocates what stays. Actix boxes this whole future behind the connection's
    // buffers, and drops it later: 3.5 KB, which what stays would cut off, with their pages, from the next connection.
    let answer = match (head.body(body), route) {
        (Ok(request), Some(route)) => Box::pin(hub.respond_to(route, request, peer)).await,
        (Ok(request), None) => Box::pin(hub.respond(request, peer)).await,
        (Err(error), _) => http::Refusal::Bad(error.to_string()).into(),
    };
    let patience = if request.method().is_safe() { Duration::ZERO } else { hub.config().body_timeout };
    translate::write(answer, request, payload, patience)
}

/// Where the path that starts so begins in the path as it came, behind the application's prefix. actix has matched it decoded, all but
/// the slashes, so these count the way from the end.
fn offset(start: &str, request: &HttpRequest) -> usize {
    let slashes = |text: &str| text.matches('/').count();
    let count = slashes(start) + slashes(request.match_info().unprocessed());
    let starts = request.uri().path().rmatch_indices('/');
    starts.take(count).last().map_or(0, |(start, _)| start)
}

/// Compiles what the guide shows.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/set-up-actix.md")]
struct SetUp;
