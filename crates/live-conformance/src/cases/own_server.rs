//! The routes in a server of the site's own.

use live_core::{Config, TrustedProxies};

use crate::{
    adapter::Adapter,
    case::Case,
    client::{EventStream, Request, WebSocket, Wire, masked, within},
    model::Reader,
    server::quick,
};

async fn every_transport_works_under_another_server(adapter: Adapter) {
    let server = adapter.start_by_the_framework(quick()).await;
    let mut wire = Wire::connect(&server).await;
    assert_eq!(wire.ask(Request::new("GET", "/")).await.text(), "the site's own page");
    server.seed("blog", &["1"]).await;
    for join in server.joins() {
        let frame = join.first_frame(&server, "blog", Some("*")).await.unwrap();
        assert!(frame.reset && frame.ids() == ["1"], "{join:?}");
    }
    for path in ["/nothing", "/events/a/b/", "/ws/blog/"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    assert_eq!(server.get("/events/").await.status, 400);
    server.forgets_its_readers().await;
}

async fn what_comes_right_behind_a_handshake_is_read_under_another_server(adapter: Adapter) {
    let server = adapter.start_by_the_framework(quick()).await;
    let request = Request::handshake("/ws/channel/blog/");
    let close = masked(0x8, &1000u16.to_be_bytes());
    let mut socket = WebSocket::ask_on(Wire::connect(&server).await, request, &close).await;
    assert_eq!(socket.close_frame().await.0, 1000);
    drop(socket);
    server.has_readers(0).await;
}

async fn the_peers_address_is_known_under_another_server(adapter: Adapter) {
    let trusted_proxies = TrustedProxies::new(["127.0.0.1"]).unwrap();
    let config = Config { max_connections_per_address: 1, trusted_proxies, ..quick() };
    let server = adapter.start_by_the_framework(config).await;
    let from = || Request::new("GET", "/events/blog/").header("X-Forwarded-For", "203.0.113.7");
    let _first = EventStream::ask(&server, from()).await;
    assert_eq!(server.ask(from()).await.status, 429);
}

async fn a_drain_lets_another_server_end(adapter: Adapter) {
    let server = adapter.start_by_the_framework(quick()).await;
    let mut socket = WebSocket::open(&server, "blog", Some("*")).await;
    let mut events = EventStream::open(&server, "blog", Some("*")).await;
    let mut reader = Reader::default();
    reader.apply(&socket.frame().await);
    events.frame().await;
    let hub = server.hub.clone();
    let drained = tokio::spawn(async move { hub.drain().await });
    assert_eq!(socket.close_frame().await.0, 1012);
    while events.next().await.is_some() {}
    drop((socket, events));
    within("the drain", drained).await.unwrap();
    server.ends().await;
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    every_transport_works_under_another_server + framework,
    what_comes_right_behind_a_handshake_is_read_under_another_server + framework,
    the_peers_address_is_known_under_another_server + framework,
    a_drain_lets_another_server_end + framework,
];
