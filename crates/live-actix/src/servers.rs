//! Servers with the limits of the hub's configuration: actix's own, and a lean one.

use std::time::Duration;
use std::{fmt::Debug, future::ready, io, net::TcpListener, num::NonZero};

use actix_http::{HttpService, Protocol, Request, Response};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt};
use actix_web::body::{self, BodySize, BodyStream, BoxBody, MessageBody, SizedStream};
use actix_web::{Error, HttpServer, dev::AppConfig, http::KeepAlive, rt::net::TcpStream};
use live_core::{Hub, socket};

/// Serves the application until the hub drains, in an `HttpServer` with the limits of the hub's configuration as far as it has them.
/// `app` is what an `HttpServer` is made of; each worker calls it.
///
/// # Errors
/// The listener cannot be used, or a worker cannot start.
pub async fn serve<F, I, S, B>(listener: TcpListener, app: F, hub: Hub) -> io::Result<()>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig, Error: Into<Error> + 'static, InitError: Debug> + 'static,
    S::Response: Into<Response<B>> + 'static,
    S::Service: Service<Request, Future: 'static> + 'static,
    B: MessageBody + 'static,
{
    let (config, draining) = (hub.config(), hub.clone());
    // Its connections inherit that. actix's own hook for them would cost 2 KB each.
    socket::tune(&listener, config);
    // actix counts from a moment that it notes twice a second.
    let header_timeout = config.header_timeout + Duration::from_millis(500);
    let server = HttpServer::new(app)
        .max_connections(sockets_per_worker(&hub))
        .client_request_timeout(header_timeout)
        .keep_alive(header_timeout)
        // Else a connection would be held open after the last byte of a body.
        .client_disconnect_timeout(Duration::ZERO)
        .h1_allow_half_closed(false)
        .shutdown_timeout(config.drain_deadline.as_secs().max(1))
        .shutdown_signal(async move { draining.draining().await })
        .listen(listener)?
        .run();
    server.await
}

/// Serves the application until the hub drains, without actix's `HttpServer`: with all limits of its configuration, and with WebSockets
/// on the bare stream. `app` is what an `HttpServer` is made of; each worker calls it.
///
/// # Errors
/// As [`serve`].
pub async fn serve_lean<F, I, S, B>(listener: TcpListener, app: F, hub: Hub) -> io::Result<()>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig, Error: Into<Error> + 'static, InitError: Debug> + 'static,
    S::Response: Into<Response<B>> + 'static,
    S::Service: Service<Request, Future: 'static> + 'static,
    B: MessageBody + 'static,
{
    let guards = socket::Guards::new(hub.clone());
    let (lending, header_timeout) = (guards.clone(), hub.config().header_timeout);
    let server = actix_server::Server::build()
        .max_concurrent_connections(sockets_per_worker(&hub))
        .shutdown_timeout(hub.config().drain_deadline.as_secs().max(1))
        .shutdown_signal(async move { guards.drained().await })
        .listen("live", listener, move || {
            let app = app().into_factory().map_err(|error| error.into().error_response());
            let app = actix_service::map_config(app, |()| AppConfig::default());
            let app = actix_service::apply_fn_factory(app, |request: Request, app| {
                let answering = request.conn_data().map(socket::Loan::answer_request);
                let response = app.call(request);
                async { Ok(response.await?.into().map_body(|_, body| answered(body.boxed(), answering))) }
            });
            let http = HttpService::build()
                // The guards do what its own timers would.
                .client_request_timeout(Duration::ZERO)
                .keep_alive(KeepAlive::Os)
                .client_disconnect_timeout(header_timeout)
                .h1_allow_half_closed(false)
                .on_connect_ext(|socket: &socket::Lent, data| drop(data.insert(socket.loan())))
                .finish(app);
            let lending = lending.clone();
            let lend = move |socket: TcpStream| {
                let peer = socket.peer_addr().ok();
                ready(Ok((lending.lend(socket), Protocol::Http1, peer)))
            };
            actix_service::fn_service(lend).and_then(http)
        })?
        .run();
    server.await
}

/// The body, with which the answer to its request ends.
fn answered(mut body: BoxBody, answering: Option<socket::Answering>) -> BoxBody {
    let size = body.size();
    let body = futures_util::stream::poll_fn(move |cx| {
        let _ = &answering;
        body.as_pin_mut().poll_next(cx)
    });
    match size {
        BodySize::None => BoxBody::new(body::None::new()),
        BodySize::Sized(length) => BoxBody::new(SizedStream::new(length, body)),
        BodySize::Stream => BoxBody::new(BodyStream::new(body)),
    }
}

/// actix has a limit for each of its workers, of which there is one per core.
fn sockets_per_worker(hub: &Hub) -> usize {
    hub.config().max_sockets.div_ceil(std::thread::available_parallelism().map_or(1, NonZero::get))
}
