//! Whether the server is well, and where its routes are.

use std::net::TcpListener;

use live_conformance::redis_server::RedisServer;

use super::{
    http::{connect, get},
    reader::Reader,
};
use crate::server::{Server, ran, serve, wait_until};

#[test]
fn a_server_with_its_bus_is_ready() {
    let server = Server::start(&[]);
    wait_until("the server is ready", || get(&format!("{}/readyz", server.url)).status == 200);
    let alive = get(&format!("{}/healthz", server.url));
    assert_eq!((alive.status, alive.body.as_str()), (200, "alive\n"));
    assert!(alive.head.contains("cache-control: no-store"), "{}", alive.head);
}

#[test]
fn a_server_whose_bus_is_down_starts_and_is_not_ready_and_lets_nobody_in() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::start(&["--bus", &format!("redis+pubsub://{free}/1"), "--bus-deadline", "300ms"]);
    // From its first moment it is not ready, and as soon as it knows it says why.
    wait_until("it says what is wrong", || {
        let ready = get(&format!("{}/readyz", server.url));
        assert_eq!(ready.status, 503, "{}", ready.body);
        ready.body.starts_with("the bus is down: ") && ready.body.contains("refused")
    });
    assert_eq!(get(&format!("{}/healthz", server.url)).status, 200);
    let url = format!("ws://{}/ws/channel/news/", server.address());
    let refused = Reader::try_over(connect(server.address()), &url).err().unwrap().to_string();
    assert!(refused.contains("503"), "{refused}");
}

#[test]
fn a_prefix_moves_the_routes_and_leaves_the_health() {
    let server = Server::start(&["--prefix", "/live/", "--publish-token", "none"]);
    assert!(server.url.ends_with("/live"), "{}", server.url);
    let root = format!("http://{}", server.address());
    assert_eq!(get(&format!("{}/live.js", server.url)).status, 200);
    assert_eq!(get(&format!("{root}/healthz")).status, 200);
    let elsewhere = get(&format!("{root}/live.js"));
    assert!(elsewhere.status == 404 && elsewhere.body.contains("/live/ws/channel/"), "{elsewhere:?}");
    let mut reader = Reader::join(&server.url, "news");
    assert_eq!(super::http::publish(&server.url, "news", "1", None).status, 200);
    assert!(reader.next().contains("post 1"));
}

#[test]
fn one_server_listens_on_several_addresses() {
    let server = Server::start(&["--listen", "127.0.0.1:0,127.0.0.2:0"]);
    let second = server.next_line();
    let second = second.strip_prefix("listening on ").unwrap();
    assert!(second.starts_with("http://127.0.0.2:"), "{second}");
    assert_eq!(get(&format!("{second}/healthz")).status, 200);
    assert_eq!(get(&format!("{}/healthz", server.url)).status, 200);
}

#[test]
fn a_redis_that_throws_pages_away_is_an_error_at_once() {
    let redis = RedisServer::start_with(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    let mut command = serve();
    command.args(["--bus", &format!("redis://127.0.0.1:{}", redis.port())]);
    let (code, _, error) = ran(command);
    assert!(code == 1 && error.contains("allkeys-lru") && error.contains("evicting=allow"), "{code}: {error}");
}
