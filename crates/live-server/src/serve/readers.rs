//! The listeners of readers and publishers: Live's routes, and whether the server is well.

use std::{io, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use live_axum::{Hub, Publishing, server};
use tokio::net::TcpListener;
use tower_service::Service;

use super::{
    health::{Health, Readiness},
    loopback,
};
use crate::tls::Tls;

/// The application on these listeners.
pub(super) fn router(hub: &Hub, prefix: &str, health: &Arc<Health>) -> Router {
    let mut live = live_axum::routes(hub.clone());
    if hub.config().publishing == Publishing::Open {
        live = live.layer(middleware::from_fn(loopback::only_publishes));
    }
    let live = if prefix.is_empty() { live } else { Router::new().nest(prefix, live) };
    live.merge(health_routes(health)).fallback(not_found(prefix))
}

/// `/healthz`: the process lives. `/readyz`: it may be sent readers.
pub(super) fn health_routes(health: &Arc<Health>) -> Router {
    Router::new()
        .route("/healthz", get(async || text(StatusCode::OK, "alive")))
        .route("/readyz", get(readyz))
        .with_state(Arc::clone(health))
}

async fn readyz(State(health): State<Arc<Health>>) -> Response {
    match health.readiness() {
        Readiness::Ready => text(StatusCode::OK, "ready"),
        Readiness::BusDown(trouble) => text(StatusCode::SERVICE_UNAVAILABLE, &trouble),
        Readiness::Stopping => text(StatusCode::SERVICE_UNAVAILABLE, "the server stops"),
    }
}

fn text(status: StatusCode, line: &str) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (status, headers, format!("{line}\n")).into_response()
}

fn not_found(prefix: &str) -> axum::routing::MethodRouter {
    let line = format!(
        "no such route; Live's begin with {prefix}/ws/channel/, /events/, /updates/, /get-updates/ and /publish/"
    );
    axum::routing::any(async move || text(StatusCode::NOT_FOUND, &line))
}

/// Serves a listener until the hub drains.
pub(super) async fn serve(listener: TcpListener, tls: Option<Arc<Tls>>, app: Router, hub: Hub) -> io::Result<()> {
    let Some(tls) = tls else { return live_axum::serve(listener, app, hub).await };
    let handshake = move |stream| {
        let tls = Arc::clone(&tls);
        async move { tls.accept(stream).await }
    };
    let answer = move |request: server::Request| {
        let mut app = app.clone();
        async move {
            let request: Request = request.map(Body::new);
            let Ok(response) = app.call(request).await;
            response
        }
    };
    server::serve_over(listener, handshake, answer, hub).await
}
