//! The accept loop: header time-out, TCP_NODELAY, back-off when accepting fails, and draining.

use std::{
    convert::Infallible,
    future::{poll_fn, ready},
    io,
    net::SocketAddr,
    pin::pin,
    time::Duration,
};

use futures_util::FutureExt as _;
use http::Response;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinSet,
};
use tower_service::Service;

use super::{Peer, Request};
use crate::{
    hub::Hub,
    socket::{Guarded, Guards, Lent, Loan},
};

/// Serves a tower service on a listener: as [`serve_with`].
///
/// # Errors
/// As [`serve_with`].
pub async fn serve<S, B>(listener: TcpListener, app: S, hub: Hub) -> io::Result<()>
where
    S: Service<Request, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let answer = move |request| {
        let mut app = app.clone();
        async move {
            let Ok(()) = poll_fn(|cx| app.poll_ready(cx)).await;
            let Ok(response) = app.call(request).await;
            response
        }
    };
    serve_with(listener, answer, hub).await
}

/// Serves what `answer` makes of each request on a listener until the hub [drains](Hub::drain), and returns when its
/// connections have ended or `Config::drain_deadline` is over. A connection with half a request's header then still has what
/// is left of `Config::header_timeout`, and one whose handshake is not done ends at once.
///
/// Each request carries a [`Peer`] and the [`Loan`] of its socket. Whoever adds to the body of a stream of events takes
/// the loan out of the request before [`respond`](super::respond) sees it, so that the stream stays in the body.
///
/// # Errors
/// The runtime ends. Failures to accept are waited out.
pub async fn serve_with<A, F, B>(listener: TcpListener, answer: A, hub: Hub) -> io::Result<()>
where
    A: Fn(Request) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let lend = |stream| {
        let lent = Lent::new(stream);
        let loan = lent.loan();
        ready(Ok((lent, Some(loan))))
    };
    in_own_task(accept_all(listener, lend, answer, hub)).await
}

/// As [`serve_with`], over what `handshake` makes of each connection before HTTP is spoken on it: TLS, for example. It has
/// `Config::header_timeout` for that.
///
/// # Errors
/// As [`serve_with`].
pub async fn serve_over<H, G, S, A, F, B>(listener: TcpListener, handshake: H, answer: A, hub: Hub) -> io::Result<()>
where
    H: Fn(Guarded) -> G + Send + 'static,
    G: Future<Output = io::Result<S>> + Send + 'static,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    // What is encrypted is said through the handshake's stream only: its socket is not lent.
    let handshake = move |stream| {
        let handshake = handshake(stream);
        async { Ok((handshake.await?, None)) }
    };
    in_own_task(accept_all(listener, handshake, answer, hub)).await
}

/// In a runtime of several threads, what `main` awaits is polled by one more, which would hand each connection over to those that serve it.
async fn in_own_task(accepting: impl Future<Output = io::Result<()>> + Send + 'static) -> io::Result<()> {
    // Ends it with this future.
    let mut tasks = JoinSet::new();
    tasks.spawn(accepting);
    match tasks.join_next().await {
        Some(Ok(ended)) => ended,
        Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        _ => Err(io::Error::other("the runtime ended under the server")),
    }
}

async fn accept_all<H, G, S, A, F, B>(listener: TcpListener, handshake: H, answer: A, hub: Hub) -> io::Result<()>
where
    H: Fn(Guarded) -> G + Send + 'static,
    G: Future<Output = io::Result<(S, Option<Loan>)>> + Send + 'static,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let guards = Guards::new(hub.clone());
    let mut connections = JoinSet::new();
    let mut back_off = FIRST_BACK_OFF;
    let mut draining = pin!(hub.draining());
    loop {
        tokio::select! {
            () = &mut draining => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if connections.len() < hub.config().max_sockets => match accepted {
                Ok((stream, peer)) => {
                    back_off = FIRST_BACK_OFF;
                    let handshake = handshake(guards.guard(stream));
                    connections.spawn(begin_connection(handshake, peer, answer.clone(), hub.clone()));
                }
                // The connection that failed is the client's affair; too many open files is ours, and passes.
                Err(error) => {
                    tracing::warn!(%error, ?back_off, "accept failed");
                    tokio::time::sleep(back_off).await;
                    back_off = (back_off * 2).min(LAST_BACK_OFF);
                }
            },
        }
    }
    drop(listener);
    let deadline = hub.config().drain_deadline;
    let _ = tokio::time::timeout(deadline, async {
        while connections.join_next().await.is_some() {}
        // WebSockets left their connections behind, and are still being told when to come back.
        hub.all_left().await;
    })
    .await;
    Ok(())
}

const FIRST_BACK_OFF: Duration = Duration::from_millis(5);
const LAST_BACK_OFF: Duration = Duration::from_secs(1);

async fn begin_connection<G, S, A, F, B>(handshake: G, peer: SocketAddr, answer: A, hub: Hub)
where
    G: Future<Output = io::Result<(S, Option<Loan>)>>,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request) -> F,
    F: Future<Output = Response<B>>,
    B: http_body::Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>> + 'static,
{
    let shaken = tokio::select! {
        // One that is done is served, also by a hub that drains: health is asked for then.
        biased;
        shaken = tokio::time::timeout(hub.config().header_timeout, handshake) => shaken,
        () = hub.draining() => return tracing::debug!(%peer, "handshake was under way when the server stopped"),
    };
    match shaken {
        Ok(Ok((stream, loan))) => serve_connection(stream, loan, peer, answer, hub).await,
        Ok(Err(error)) => tracing::debug!(%error, %peer, "handshake failed"),
        Err(_) => tracing::debug!(%peer, "handshake did not end in time"),
    }
}

async fn serve_connection<S, A, F, B>(stream: S, loan: Option<Loan>, peer: SocketAddr, answer: A, hub: Hub)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request) -> F,
    F: Future<Output = Response<B>>,
    B: http_body::Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>> + 'static,
{
    let service = hyper::service::service_fn(move |mut request: Request| {
        request.extensions_mut().insert(Peer(peer.ip()));
        loan.clone().map(|loan| request.extensions_mut().insert(loan));
        answer(request).map(Ok::<_, Infallible>)
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(hub.config().header_timeout)
        .max_buf_size(hub.config().max_header_bytes);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let served = tokio::select! {
        served = connection.as_mut() => served,
        // Streams end by themselves when the hub drains; an idle connection ends here. One in the middle of a header
        // gets its answer, or ends with `header_timeout`.
        () = hub.draining() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, %peer, "connection ended");
    }
}
