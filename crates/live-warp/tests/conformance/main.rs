//! live-warp does what every adapter does, and what is warp's alone.

#![allow(clippy::unwrap_used, reason = "tests")]

mod own;

use std::{net::TcpListener, process::ExitCode};

use live_conformance::{Serve, Serving, Suite, site};
use live_warp::{Hub, Request};
use warp::{Filter, Rejection, Reply, http::StatusCode, reply::Response};

struct Warp;

impl Serve for Warp {
    fn serve(&self, listener: TcpListener, hub: Hub) -> Serving {
        Box::pin(async move {
            let page = warp::path::end().map(|| site::PAGE);
            let panic = warp::path("panic").map(site::panic);
            let live = warp::path("live").and(live_warp::routes(hub.clone()));
            let app = page.or(panic).or(members(hub.clone())).or(live);
            live_warp::serve(tokio::net::TcpListener::from_std(listener)?, app, hub).await
        })
    }

    fn serve_by_the_framework(&self, listener: TcpListener, hub: Hub) -> Option<Serving> {
        Some(Box::pin(async move {
            let app = warp::path::end().map(|| site::PAGE.to_owned()).or(live_warp::routes(hub.clone()));
            let server = warp::serve(app).incoming(tokio::net::TcpListener::from_std(listener)?);
            server.graceful(async move { hub.draining().await }).run().await;
            Ok(())
        }))
    }
}

fn members(hub: Hub) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone {
    warp::path!("members" / String / String / ..).and(live_warp::request()).then(
        move |route: String, channel: String, mut request: Request| {
            let hub = hub.clone();
            async move {
                let cookie = request.headers().get("cookie").and_then(|cookie| cookie.to_str().ok());
                let Some((route, admission)) = site::member(&route, &channel, cookie) else {
                    return StatusCode::UNAUTHORIZED.into_response();
                };
                request.extensions_mut().insert(admission);
                live_warp::respond(&hub, route, request).await
            }
        },
    )
}

fn main() -> ExitCode {
    Suite::new()
        .adapter("warp", &Warp)
        .test("other_filters_have_their_turn_with_what_is_not_lives", own::other_filters_have_their_turn)
        .test("a_handshake_of_http_1_0_is_refused_under_warp_serve", own::a_handshake_of_http_1_0_is_refused)
        .run()
}
