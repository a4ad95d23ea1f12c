//! The accept loop: header time-out, TCP_NODELAY, back-off when accepting fails, and draining.

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use live_sync::WakeList;
use tokio::{net::TcpListener, task::JoinSet};
use tower_service::Service;

use super::{Peer, guarded::Guarded, socket};
use crate::hub::Hub;

/// Serves an application on a listener until the hub [drains](Hub::drain), and returns when its connections have ended or
/// `Config::drain_deadline` is over.
///
/// Each request carries a [`Peer`].
///
/// # Errors
/// None at present: failures to accept are waited out.
pub async fn serve<S, B>(listener: TcpListener, app: S, hub: Hub) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let wake = Arc::new(WakeList::default());
    hub.sweep_also(&wake);
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
                    socket::tune(&stream, hub.config());
                    let stream = Guarded::new(stream, hub.clone(), &wake);
                    connections.spawn(serve_connection(stream, peer, app.clone(), hub.clone()));
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

async fn serve_connection<S, B>(stream: Guarded, peer: SocketAddr, app: S, hub: Hub)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let service = TowerToHyperService::new(app);
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        hyper::service::Service::call(&service, request)
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(hub.config().header_timeout)
        .max_buf_size(hub.config().max_header_bytes);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let served = tokio::select! {
        served = connection.as_mut() => served,
        // Streams end by themselves when the hub drains; an idle connection ends here.
        () = hub.draining() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, %peer, "connection ended");
    }
}
