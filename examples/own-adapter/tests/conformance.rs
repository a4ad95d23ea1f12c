//! The own adapter does what every adapter does.

use std::{
    net::{IpAddr, TcpListener},
    process::ExitCode,
};

use hyper::StatusCode;
use live_conformance::{Serve, Serving, Suite, site};
use own_adapter::{Hub, Request, Response, http::Body};

struct OwnAdapter;

impl Serve for OwnAdapter {
    fn serve(&self, listener: TcpListener, hub: Hub) -> Serving {
        Box::pin(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let served = hub.clone();
            own_adapter::serve(listener, move |request, peer| answer(hub.clone(), request, peer), served).await
        })
    }
}

async fn answer(hub: Hub, request: Request, peer: IpAddr) -> Response {
    let request = match own_adapter::route(&hub, "/live", request, peer).await {
        Ok(response) => return response,
        Err(request) => request,
    };
    let path = request.uri().path().to_owned();
    match path.strip_prefix("/members/").map(|rest| rest.trim_end_matches('/').split('/').collect::<Vec<_>>()) {
        Some(names) if names.len() == 2 => members(&hub, names[0], names[1], request, peer).await,
        _ if path == "/" => Response::new(Body::full(site::PAGE)),
        _ if path == "/panic" => Response::new(Body::full(site::panic())),
        _ => status(StatusCode::NOT_FOUND),
    }
}

/// The site's own authentication, and then one of Live's routes.
async fn members(hub: &Hub, route: &str, channel: &str, mut request: Request, peer: IpAddr) -> Response {
    let cookie = request.headers().get("cookie").and_then(|cookie| cookie.to_str().ok());
    let Some((route, admission)) = site::member(route, channel, cookie) else {
        return status(StatusCode::UNAUTHORIZED);
    };
    request.extensions_mut().insert(admission);
    own_adapter::respond(hub, route, request, peer).await
}

fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn main() -> ExitCode {
    Suite::new().adapter("own_adapter", &OwnAdapter).run()
}
