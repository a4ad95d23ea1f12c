//! What only warp has: rejections, and a server that hands on little of the request.

use std::{net::SocketAddr, time::Duration};

use live_warp::{Config, Hub, bus};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use warp::Filter;

const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) fn other_filters_have_their_turn() {
    run(async {
        let hub = hub();
        let live = warp::path("live").and(live_warp::routes(hub.clone()));
        let others = warp::path!("live" / "others" / ..).map(|| "another's".to_owned());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(live_warp::serve(listener, live.or(others), hub));
        for (path, status, text) in [
            ("/live/others/", "200", "another's"),
            ("/live/others/events/a/", "200", "another's"),
            ("/live/events/", "400", "channel id is empty"),
            ("/live/others%2F", "404", ""),
            ("/live", "404", ""),
            ("/lives/events/a/", "404", ""),
        ] {
            let answer = ask(address, &format!("GET {path} HTTP/1.1")).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(text), "{path}: {answer}");
        }
    });
}

pub(crate) fn a_handshake_of_http_1_0_is_refused() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(warp::serve(live_warp::routes(hub())).incoming(listener).run());
        let handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
        let answer = ask(address, &format!("GET /ws/channel/a/ HTTP/1.0\r\n{handshake}")).await;
        assert!(answer.starts_with("HTTP/1.0 400"), "{answer}");
    });
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { timeout(2 * DEADLINE, test).await.unwrap() });
    runtime.shutdown_background();
}

fn hub() -> Hub {
    let config = Config::default();
    Hub::new(bus::from_url("memory:", &config).unwrap(), config).unwrap()
}

/// The whole answer, on a connection that ends with it.
async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{request}\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}
