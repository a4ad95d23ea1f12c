//! An adapter of Live for a framework of one's own. Here the framework is bare [hyper](https://docs.rs/hyper) 1: a connection, a
//! request, a response. `docs/adding-an-adapter.md` goes through this file step by step.
//!
//! An adapter decides nothing. It hands each request to the hub, sends the answer, and after a WebSocket handshake gives the
//! hub's session the bare stream. The rest is the server around it, which hyper leaves to its user.

use std::{convert::Infallible, io, net::IpAddr, pin::pin, time::Duration};

use bytes::Bytes;
use hyper::{
    Uri,
    body::Incoming,
    http::uri::PathAndQuery,
    server::conn::http1,
    service::service_fn,
    upgrade::{OnUpgrade, Parts},
};
use hyper_util::rt::{TokioIo, TokioTimer};
pub use live_core::*;

use live_core::{
    http::{Answer, Body},
    socket::{Guarded, Guards},
};
use tokio::{net::TcpListener, task::JoinSet};

/// A request of the framework.
pub type Request = hyper::Request<Incoming>;

/// A response of the framework. Live's body is one of hyper's; a framework with bodies of its own asks `Body::poll_bytes`.
pub type Response = hyper::Response<Body>;

/// Answers a request to any of Live's routes below `prefix`. Any other request is given back, for the site's own routes.
///
/// # Errors
/// The request, if its path is not below the prefix.
pub async fn route(hub: &Hub, prefix: &str, mut request: Request, peer: IpAddr) -> Result<Response, Request> {
    let Some(uri) = below(prefix, request.uri()) else { return Err(request) };
    *request.uri_mut() = uri;
    Ok(answer(hub, None, request, peer).await)
}

/// Answers one request to one of Live's routes, whatever its path: for a site that routes and authenticates by itself. How long
/// it lets the reader in goes into the request's extensions, as an [`Admission`].
pub async fn respond(hub: &Hub, route: Route, request: Request, peer: IpAddr) -> Response {
    answer(hub, Some(route), request, peer).await
}

/// The target as the hub reads it: relative to the prefix. Everything else in it stays as it came, the escapes too.
fn below(prefix: &str, uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_prefix(prefix).filter(|path| path.starts_with('/'))?;
    let target = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    Uri::from_parts(parts).ok()
}

// Accept: the request goes in, the answer comes out. By then a reader on a WebSocket is checked, counted and joined to its page.
async fn answer(hub: &Hub, route: Option<Route>, mut request: Request, peer: IpAddr) -> Response {
    // Before the hub has the request: this is how hyper gives a connection away.
    let upgrade = hyper::upgrade::on(&mut request);
    let answer = match route {
        Some(route) => hub.respond_to(route, request, Some(peer)).await,
        None => hub.respond(request, Some(peer)).await,
    };
    match answer {
        Answer::Response(response) => response,
        Answer::Upgrade(accepted) => {
            tokio::spawn(serve_reader(upgrade, accepted.reader));
            accepted.response.map(|()| Body::empty())
        }
    }
}

// Send, and wait for the close: the session does both. When it returns, the reader has been taken off its page.
async fn serve_reader(upgrade: OnUpgrade, reader: Reader) {
    let upgraded = match upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => return tracing::debug!(%error, "reader left during the handshake"),
    };
    let served = match upgraded.downcast::<TokioIo<Guarded>>() {
        // What hyper has read beyond the handshake is the reader's first words. Copied, because the slice would keep hyper's buffer.
        Ok(Parts { io, read_buf, .. }) => {
            serve_websocket(io.into_inner().into_inner(), Bytes::copy_from_slice(&read_buf), reader).await
        }
        // Another server's stream, of a kind that this adapter does not know: it serves, and costs hyper's buffers.
        Err(upgraded) => serve_websocket(TokioIo::new(upgraded), Bytes::new(), reader).await,
    };
    if let Err(error) = served {
        tracing::debug!(%error, "reader lost");
    }
}

/// Serves `site` on a listener until the hub drains, and returns when its connections have ended and all readers have left, or
/// `Config::drain_deadline` is over. `site` gets each request with the address at the other end of its connection.
///
/// # Errors
/// None at present: failures to accept are waited out.
pub async fn serve<S, F>(listener: TcpListener, site: S, hub: Hub) -> io::Result<()>
where
    S: Fn(Request, IpAddr) -> F + Clone + Send + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    // Tunes the sockets and keeps their write deadline.
    let guards = Guards::new(hub.clone());
    let mut connections = JoinSet::new();
    let mut back_off = FIRST_BACK_OFF;
    let mut draining = pin!(hub.draining());
    loop {
        tokio::select! {
            () = &mut draining => break,
            // A task per connection: a panic in one of them ends that connection and no other.
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if connections.len() < hub.config().max_sockets => match accepted {
                Ok((stream, peer)) => {
                    back_off = FIRST_BACK_OFF;
                    let stream = guards.guard(stream);
                    connections.spawn(serve_connection(stream, peer.ip(), site.clone(), hub.clone()));
                }
                // Most often too many open files, which passes. Without a pause this loop would take the whole processor.
                Err(error) => {
                    tracing::warn!(%error, ?back_off, "accept failed");
                    tokio::time::sleep(back_off).await;
                    back_off = (back_off * 2).min(LAST_BACK_OFF);
                }
            },
        }
    }
    drop(listener);
    let ended = async {
        while connections.join_next().await.is_some() {}
        // Those on a WebSocket have left their connections behind, and are still being told when to come back.
        hub.all_left().await;
    };
    let _ = tokio::time::timeout(hub.config().drain_deadline, ended).await;
    Ok(())
}

const FIRST_BACK_OFF: Duration = Duration::from_millis(5);
const LAST_BACK_OFF: Duration = Duration::from_secs(1);

async fn serve_connection<S, F>(stream: Guarded, peer: IpAddr, site: S, hub: Hub)
where
    S: Fn(Request, IpAddr) -> F,
    F: Future<Output = Response>,
{
    let service = service_fn(move |request| {
        let response = site(request, peer);
        async { Ok::<_, Infallible>(response.await) }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(hub.config().header_timeout)
        .max_buf_size(hub.config().max_header_bytes);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let served = tokio::select! {
        served = connection.as_mut() => served,
        // Streams and long polls end by themselves when the hub drains. A connection between two requests ends here.
        () = hub.draining() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, %peer, "connection ended");
    }
}

/// Compiles what the guides show.
#[cfg(doctest)]
mod shown {
    #[doc = include_str!("../../../docs/adding-an-adapter.md")]
    struct AddingAnAdapter;
    #[doc = include_str!("../../../docs/set-up-axum.md")]
    struct Axum;
    #[doc = include_str!("../../../docs/set-up-websocket.md")]
    struct WebSocket;
    #[doc = include_str!("../../../docs/set-up-sse.md")]
    struct ServerSentEvents;
    #[doc = include_str!("../../../docs/set-up-long-polling.md")]
    struct LongPolling;
    #[doc = include_str!("../../../docs/set-up-interval-polling.md")]
    struct IntervalPolling;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_the_prefix_is_handed_on_as_it_came_and_any_other_is_the_sites() {
        let below = |uri: &str| below("/live", &uri.parse().unwrap()).map(|uri| uri.to_string());
        for (uri, expected) in [
            ("/live/events/a%2Fb/?cursor=%2A&x", "/events/a%2Fb/?cursor=%2A&x"),
            ("http://live.example:80/live/live.js", "http://live.example:80/live.js"),
            ("/live//events/a", "//events/a"),
            ("/live/", "/"),
        ] {
            assert_eq!(below(uri).as_deref(), Some(expected), "{uri}");
        }
        for uri in ["/", "/live", "/live?x", "/liveblog/", "/other/live/", "*"] {
            assert_eq!(below(uri), None, "{uri}");
        }
    }
}
