//! How many readers and pages there may be at a time.

use std::time::Duration;

use live_core::{Config, ForwardedHeader, TrustedProxies};

use crate::{
    adapter::Adapter,
    case::Case,
    client::{EventStream, Request, Response, WebSocket, Wire},
    server::{TestServer, quick, removal},
};

/// The ways in as requests.
fn joins(channel: &str) -> [Request; 4] {
    [
        Request::handshake(&format!("/ws/channel/{channel}/")),
        Request::new("GET", &format!("/events/{channel}/")),
        Request::new("GET", &format!("/updates/{channel}/?wait")),
        Request::new("GET", &format!("/updates/{channel}/")),
    ]
}

async fn head(server: &TestServer, request: Request) -> (Response, Wire) {
    let mut wire = Wire::connect(server).await;
    wire.send(request.under(server.prefix).to_bytes()).await;
    (wire.head().await.unwrap(), wire)
}

fn is_refused(response: &Response, status: u16) {
    assert_eq!(response.status, status, "{response:?}");
    assert!(response.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    assert_eq!(response.header("cache-control"), Some("no-store"));
}

async fn more_readers_than_there_may_be_are_told_to_come_back(adapter: Adapter) {
    let server = adapter.start_alone(Config { max_connections: 2, ..quick() }).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    let mut events = EventStream::open(&server, "blog", None).await;
    for request in joins("blog") {
        is_refused(&head(&server, request).await.0, 503);
    }
    assert_eq!(server.readers(), 2);
    socket.frame().await;
    events.frame().await;
    let cursor = server.post("blog", "1", "for those who are in").await;
    assert_eq!(socket.frame().await.cursor, cursor);
    assert_eq!(events.frame().await.cursor, cursor);
    drop(events);
    server.has_readers(1).await;
    assert_eq!(head(&server, joins("blog")[0].clone()).await.0.status, 101);
    drop(socket);
    server.forgets_its_readers().await;
}

async fn publishers_need_no_place_among_the_readers(adapter: Adapter) {
    let server = adapter.start_alone(Config { max_connections: 1, ..quick() }).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    socket.frame().await;
    assert_eq!(server.ask(Request::publish("blog", r#"{"removals": ["1"]}"#)).await.status, 200);
    assert_eq!(socket.frame().await.removals, ["1"]);
}

async fn behind_a_proxy(adapter: Adapter, max: usize) -> TestServer {
    let trusted_proxies = TrustedProxies::new(["127.0.0.1"]).unwrap();
    adapter.start(Config { max_connections_per_address: max, trusted_proxies, ..quick() }).await
}

async fn one_address_cannot_take_all_places(adapter: Adapter) {
    let server = behind_a_proxy(adapter, 2).await;
    let from = |request: &Request, address: &str| request.clone().header("X-Forwarded-For", address);
    let first = head(&server, from(&joins("blog")[0], "203.0.113.7")).await;
    let second = head(&server, from(&joins("other")[1], "203.0.113.7")).await;
    assert_eq!((first.0.status, second.0.status), (101, 200));
    for request in joins("blog") {
        is_refused(&head(&server, from(&request, "203.0.113.7")).await.0, 429);
        is_refused(&head(&server, from(&request, "6.6.6.6, 203.0.113.7")).await.0, 429);
        is_refused(&head(&server, from(&request, "::ffff:203.0.113.7")).await.0, 429);
    }
    assert_eq!(head(&server, from(&joins("blog")[3], "203.0.113.8")).await.0.status, 200);
    drop(first);
    server.has_readers(1).await;
    assert_eq!(head(&server, from(&joins("blog")[0], "203.0.113.7")).await.0.status, 101);
    drop(second);
    server.has_readers(0).await;
}

async fn the_addresses_of_one_subscriber_count_as_one(adapter: Adapter) {
    let trusted_proxies = TrustedProxies::new(["127.0.0.1"]).unwrap().header(ForwardedHeader::Forwarded);
    let server = adapter.start(Config { max_connections_per_address: 1, trusted_proxies, ..quick() }).await;
    let from =
        |request: &Request, node: &str| request.clone().header("Forwarded", &format!("for=\"{node}\";proto=https"));
    let first = head(&server, from(&joins("blog")[0], "[2001:db8:1:2::1]:4711")).await;
    assert_eq!(first.0.status, 101);
    is_refused(&head(&server, from(&joins("blog")[0], "[2001:db8:1:2:ffff::9]")).await.0, 429);
    assert_eq!(head(&server, from(&joins("blog")[0], "[2001:db8:1:3::1]")).await.0.status, 101);
}

async fn nobody_but_a_trusted_proxy_says_whom_it_forwards_for(adapter: Adapter) {
    let trusted_proxies = TrustedProxies::new(["10.0.0.0/8"]).unwrap();
    let server = adapter.start(Config { max_connections_per_address: 1, trusted_proxies, ..quick() }).await;
    let mut readers = Vec::new();
    // Loopback has no limit; the address in the header would.
    for _ in 0..3 {
        readers.push(head(&server, joins("blog")[0].clone().header("X-Forwarded-For", "203.0.113.7")).await);
    }
    assert!(readers.iter().all(|(response, _)| response.status == 101));
}

async fn more_pages_than_may_be_open_are_refused_while_all_have_readers(adapter: Adapter) {
    let server = adapter.start_alone(Config { max_open_pages: 2, ..quick() }).await;
    let mut one = WebSocket::open(&server, "one", None).await;
    let two = WebSocket::open(&server, "two", None).await;
    for request in joins("three") {
        is_refused(&head(&server, request).await.0, 503);
    }
    let (response, _third) = head(&server, joins("one")[0].clone()).await;
    assert_eq!(response.status, 101, "a page that is open takes more readers");
    drop(two);
    server.has_readers(2).await;
    let (response, _wire) = head(&server, joins("three")[0].clone()).await;
    assert_eq!(response.status, 101, "a page that only lingers makes room");
    assert_eq!(server.open_pages(), 2);
    one.frame().await;
    let cursor = server.post("one", "1", "for those who are in").await;
    assert_eq!(one.frame().await.cursor, cursor);
}

async fn polls_of_pages_that_nobody_reads_do_not_shut_others_out(adapter: Adapter) {
    let server = adapter.start_alone(Config { max_open_pages: 3, ..quick() }).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    socket.frame().await;
    for number in 0..20 {
        assert_eq!(server.get(&format!("/updates/{number}/")).await.status, 200);
        assert!(server.open_pages() <= 3 && server.subscriptions() <= 4);
    }
    let cursor = server.post("blog", "1", "still open").await;
    assert_eq!(socket.frame().await.cursor, cursor);
    drop(socket);
    server.forgets_its_readers().await;
}

async fn sockets_above_the_limit_wait_until_there_is_room(adapter: Adapter) {
    let server = adapter.start_alone(Config { max_sockets: 2, ..quick() }).await;
    let (mut first, mut second) = (Wire::connect(&server).await, Wire::connect(&server).await);
    let request = Request::new("GET", "/updates/blog/").under(server.prefix);
    assert_eq!(first.ask(request.clone()).await.status, 200);
    assert_eq!(second.ask(request.clone()).await.status, 200);
    let mut third = Wire::connect(&server).await;
    third.send(request.to_bytes()).await;
    assert!(third.take_for(Duration::from_millis(100)).await.is_empty());
    assert_eq!(second.ask(request).await.status, 200, "those who are in are served");
    drop(first);
    assert_eq!(third.response("GET").await.unwrap().status, 200);
}

async fn a_full_store_refuses_new_pages_and_takes_updates_of_old_ones(adapter: Adapter) {
    let server = adapter.start_alone(Config { max_pages: 1, ..quick() }).await;
    let publish = |channel: &str| Request::publish(channel, r#"{"removals": ["1"]}"#);
    assert_eq!(server.ask(publish("one")).await.status, 200);
    is_refused(&server.ask(publish("two")).await, 503);
    server.publish("one", removal("2")).await;
    assert_eq!(server.get("/updates/two/").await.status, 200, "reading creates nothing");
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    more_readers_than_there_may_be_are_told_to_come_back,
    publishers_need_no_place_among_the_readers,
    one_address_cannot_take_all_places,
    the_addresses_of_one_subscriber_count_as_one,
    nobody_but_a_trusted_proxy_says_whom_it_forwards_for,
    more_pages_than_may_be_open_are_refused_while_all_have_readers,
    polls_of_pages_that_nobody_reads_do_not_shut_others_out,
    sockets_above_the_limit_wait_until_there_is_room,
    a_full_store_refuses_new_pages_and_takes_updates_of_old_ones,
];
