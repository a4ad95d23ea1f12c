//! live-tungstenite does what every adapter does, on the one route that it has, and what is its own.

#![allow(clippy::unwrap_used, reason = "tests")]

mod own;

use std::{net::TcpListener, process::ExitCode};

use live_conformance::{Routes, Serve, Serving, Suite};
use live_tungstenite::Hub;

struct Tungstenite;

impl Serve for Tungstenite {
    fn serve(&self, listener: TcpListener, hub: Hub) -> Serving {
        Box::pin(async move { live_tungstenite::serve(tokio::net::TcpListener::from_std(listener)?, hub).await })
    }

    fn routes(&self) -> Routes {
        Routes::WebSocket
    }

    fn prefix(&self) -> &'static str {
        ""
    }
}

fn main() -> ExitCode {
    Suite::new()
        .adapter("tungstenite", &Tungstenite)
        .test("what_is_no_websocket_is_told_so", own::what_is_no_websocket_is_told_so)
        .test("a_check_of_ones_own_comes_before_the_upgrade", own::a_check_of_ones_own_comes_before_the_upgrade)
        .test("an_admission_of_ones_own_ends", own::an_admission_of_ones_own_ends)
        .test("a_stream_that_tungstenite_accepted_is_served", own::a_stream_that_tungstenite_accepted_is_served)
        .run()
}
