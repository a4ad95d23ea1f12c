//! live-axum does what every adapter does.

use std::{
    net::{SocketAddr, TcpListener},
    process::ExitCode,
};

use axum::{
    Router,
    extract::{Path, Request, State},
    http::StatusCode,
    response::Response,
    routing::{any, get},
};
use live_axum::Hub;
use live_conformance::{Serve, Serving, Suite, site};

struct Axum;

impl Serve for Axum {
    fn serve(&self, listener: TcpListener, hub: Hub) -> Serving {
        Box::pin(async move {
            let app = Router::new()
                .route("/", get(site::PAGE))
                .route("/panic", get(async || site::panic()))
                .route("/members/{route}/{channel}/", any(members))
                .with_state(hub.clone())
                .nest("/live", live_axum::routes(hub.clone()));
            live_axum::serve(tokio::net::TcpListener::from_std(listener)?, app, hub).await
        })
    }

    fn serve_by_the_framework(&self, listener: TcpListener, hub: Hub) -> Option<Serving> {
        Some(Box::pin(async move {
            let app = Router::new().route("/", get(site::PAGE)).merge(live_axum::routes(hub.clone()));
            axum::serve(
                tokio::net::TcpListener::from_std(listener)?,
                app.into_make_service_with_connect_info::<SocketAddr>(),
            )
            .with_graceful_shutdown(async move { hub.draining().await })
            .await
        }))
    }
}

async fn members(
    State(hub): State<Hub>,
    Path((route, channel)): Path<(String, String)>,
    mut request: Request,
) -> Result<Response, StatusCode> {
    let cookie = request.headers().get("cookie").and_then(|cookie| cookie.to_str().ok());
    let (route, admission) = site::member(&route, &channel, cookie).ok_or(StatusCode::UNAUTHORIZED)?;
    request.extensions_mut().insert(admission);
    Ok(live_axum::respond(&hub, route, request).await)
}

fn main() -> ExitCode {
    Suite::new().adapter("axum", &Axum).run()
}
