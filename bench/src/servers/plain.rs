//! The frameworks themselves: a handler that answers nothing, and one that answers the same bytes each time.

use std::{convert::Infallible, io, net::TcpListener, thread, time::Duration};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, http::KeepAlive, web};
use anyhow::{Result, bail};
use axum::{
    Router,
    http::StatusCode,
    routing::{any, get},
};
use live_core::Route;
use warp::Filter as _;

use crate::update::FRAME_BYTES;

/// `/empty` is 204, and so is `/live/updates/` with whatever follows, routed as Live's own routes are; `/bytes` has as many bytes
/// as an update. Ends with its standard input.
pub(crate) fn run(framework: &str) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    println!("{} ", listener.local_addr()?);
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        std::process::exit(0);
    });
    match framework {
        // Its workers run beside each other on one core, as Live's do.
        "actix" | "actix-lean" => actix_web::rt::System::new().block_on(actix(listener)),
        "axum" => tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(axum(listener)),
        "warp" => tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(warp(listener)),
        other => bail!("{other} answers no polls"),
    }
}

async fn actix(listener: TcpListener) -> Result<()> {
    let app = || {
        let empty = web::get().to(|| async { HttpResponse::NoContent().finish() });
        let bytes = web::get().to(|| async { HttpResponse::Ok().content_type(JSON).body(BYTES) });
        let mut routed = web::scope("/live");
        for pattern in Route::PATTERNS {
            let route = web::to(|_: HttpRequest| async { HttpResponse::NoContent().finish() });
            routed = match pattern.strip_suffix("/{*}") {
                Some(prefix) => routed.service(web::scope(prefix).default_service(route)),
                None => routed.route(pattern, route),
            };
        }
        App::new().route("/empty", empty).route("/bytes", bytes).service(routed)
    };
    // Its own time-outs end connections that have only just been answered, when very many come at once.
    let server = HttpServer::new(app).keep_alive(KeepAlive::Os).client_request_timeout(Duration::ZERO);
    Ok(server.listen(listener)?.run().await?)
}

async fn axum(listener: TcpListener) -> Result<()> {
    let routed = Route::PATTERNS.iter().fold(Router::new(), |router, pattern| {
        router.route(
            &pattern.replace("{*}", "{*channel}"),
            any(|_: axum::extract::Request| async { StatusCode::NO_CONTENT }),
        )
    });
    let app = Router::new()
        .nest("/live", routed)
        .route("/empty", get(|| async { StatusCode::NO_CONTENT }))
        .route("/bytes", get(|| async { ([("content-type", JSON)], BYTES) }));
    Ok(axum::serve(tokio::net::TcpListener::from_std(listener)?, app).await?)
}

async fn warp(listener: TcpListener) -> Result<()> {
    let empty = warp::path("empty").and_then(|| async { Ok::<_, Infallible>(warp::http::StatusCode::NO_CONTENT) });
    let bytes = warp::path("bytes").map(|| warp::reply::with_header(BYTES, "content-type", JSON));
    // What a handler has to ask for that reads a request: its parts come by themselves.
    let parts = warp::query::raw().and(warp::header::headers_cloned()).and(warp::addr::remote());
    let routed = warp::path("live").and(warp::path("updates")).and(warp::path::tail()).and(parts);
    let routed = routed.then(|_, _, _, _| async { warp::http::StatusCode::NO_CONTENT });
    let listener = tokio::net::TcpListener::from_std(listener)?;
    warp::serve(empty.or(bytes).or(routed)).incoming(listener).run().await;
    Ok(())
}

const JSON: &str = "application/json";
const BYTES: &str = match str::from_utf8(&[b'x'; FRAME_BYTES]) {
    Ok(bytes) => bytes,
    Err(_) => "",
};
