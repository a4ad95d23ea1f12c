//! live-actix does what every adapter does: in actix's own server, and in the lean one.

#![allow(clippy::unwrap_used, reason = "tests")]

mod own;

use std::{net::TcpListener, process::ExitCode};

use actix_web::{
    App, HttpMessage, HttpRequest, HttpResponse, HttpServer,
    web::{self, Path, Payload, ServiceConfig},
};
use live_actix::Hub;
use live_conformance::{Habit, Serve, Serving, Suite, site};

/// A WebSocket is the body of a response.
struct Body;

impl Serve for Body {
    fn serve(&self, listener: TcpListener, hub: Hub) -> Serving {
        let served = hub.clone();
        Box::pin(live_actix::serve(listener, move || App::new().configure(site(served.clone())), hub))
    }

    fn serve_by_the_framework(&self, listener: TcpListener, hub: Hub) -> Option<Serving> {
        Some(Box::pin(async move {
            let draining = hub.clone();
            let server = HttpServer::new(move || {
                App::new().route("/", web::get().to(async || site::PAGE)).configure(live_actix::routes(hub.clone()))
            })
            .h1_allow_half_closed(false)
            .listen(listener)?
            .shutdown_signal(async move { draining.draining().await })
            .run();
            server.await
        }))
    }

    fn habits(&self) -> &'static [Habit] {
        &[Habit::ContinuesUnasked, Habit::AnswersSilence, Habit::DropsHalfRequests]
    }
}

/// A WebSocket leaves actix for the bare stream.
struct Lean;

impl Serve for Lean {
    fn serve(&self, listener: TcpListener, hub: Hub) -> Serving {
        let served = hub.clone();
        Box::pin(live_actix::serve_lean(listener, move || App::new().configure(site(served.clone())), hub))
    }

    fn habits(&self) -> &'static [Habit] {
        &[Habit::ContinuesUnasked]
    }
}

fn site(hub: Hub) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        config
            .app_data(web::Data::new(hub.clone()))
            .route("/", web::get().to(async || site::PAGE))
            .route("/panic", web::get().to(async || site::panic()))
            .service(web::resource("/members/{route}/{channel}/").to(members))
            .service(live_actix::scope("/live", hub));
    }
}

async fn members(
    hub: web::Data<Hub>,
    path: Path<(String, String)>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let cookie = request.headers().get("cookie").and_then(|cookie| cookie.to_str().ok());
    let Some((route, admission)) = site::member(&path.0, &path.1, cookie) else {
        return HttpResponse::Unauthorized().finish();
    };
    request.extensions_mut().insert(admission);
    live_actix::respond(&hub, route, &request, payload).await
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

fn main() -> ExitCode {
    Suite::new()
        .adapter("actix", &Body)
        .adapter("actix_lean", &Lean)
        .test("a_channel_is_found_behind_any_prefix_however_it_is_encoded", || {
            run(own::a_channel_is_found_behind_any_prefix_however_it_is_encoded())
        })
        .test("a_websocket_of_the_sites_own_stays_with_actix", || {
            run(own::a_websocket_of_the_sites_own_stays_with_actix())
        })
        .test("the_header_of_a_later_request_has_its_deadline_as_well", || {
            run(own::the_header_of_a_later_request_has_its_deadline_as_well())
        })
        .test("streams_that_have_left_take_no_place_from_others", || {
            run(own::streams_that_have_left_take_no_place_from_others())
        })
        .test("a_publisher_that_is_refused_can_send_to_its_end", || {
            run(own::a_publisher_that_is_refused_can_send_to_its_end())
        })
        .test("a_long_poll_may_wait_longer_than_a_header_may_take", || {
            run(own::a_long_poll_may_wait_longer_than_a_header_may_take())
        })
        .test("what_a_request_needs_while_it_is_answered_is_small", || {
            run(own::what_a_request_needs_while_it_is_answered_is_small())
        })
        .run()
}
