//! `/metrics`.

use std::{collections::BTreeMap, io::Write};

use super::{
    http::{connect, get, publish},
    reader::Reader,
};
use crate::server::{Server, wait_until};

/// The samples by name and labels, as Prometheus reads them.
fn scrape(admin: &str) -> BTreeMap<String, f64> {
    let answer = get(&format!("{admin}/metrics"));
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: application/openmetrics-text"), "{}", answer.head);
    assert!(answer.body.ends_with("# EOF\n"));
    let samples = answer.body.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

#[test]
fn what_readers_get_is_counted_by_transport() {
    let server = Server::start(&["--admin", "127.0.0.1:0", "--publish-token", "none"]);
    let admin = server.admin_url();
    let mut reader = Reader::join(&server.url, "news");
    let mut events = connect(server.address());
    events.write_all(format!("GET /events/news/ HTTP/1.1\r\nHost: {}\r\n\r\n", server.address()).as_bytes()).unwrap();
    wait_until("both readers are there", || {
        let now = scrape(&admin);
        (now["live_readers{transport=\"websocket\"}"], now["live_readers{transport=\"sse\"}"]) == (1.0, 1.0)
    });
    for post in ["1", "2"] {
        assert_eq!(publish(&server.url, "news", post, None).status, 200);
        reader.until(&format!("post {post}"));
    }
    assert_eq!(get(&format!("{}/updates/news/?cursor=*", server.url)).status, 200);
    assert_eq!(publish(&server.url, "nobody-reads", "1", None).status, 200);
    wait_until("the last delivery is counted", || scrape(&admin)["live_deliveries_total{transport=\"sse\"}"] == 2.0);
    let now = scrape(&admin);
    assert_eq!(now["live_deliveries_total{transport=\"websocket\"}"], 2.0);
    assert_eq!(now["live_deliveries_total{transport=\"interval-polling\"}"], 1.0);
    assert_eq!(now["live_joins_total{transport=\"interval-polling\"}"], 1.0);
    assert_eq!(now["live_readers{transport=\"interval-polling\"}"], 0.0);
    assert_eq!((now["live_updates_total"], now["live_publishes_total"]), (2.0, 3.0));
    assert_eq!((now["live_fan_out_seconds_count"], now["live_fan_out_seconds_bucket{le=\"+Inf\"}"]), (4.0, 4.0));
    assert_eq!((now["live_open_pages"], now["live_bus_subscriptions"], now["live_stale_pages"]), (1.0, 1.0, 0.0));
    assert_eq!((now["live_bus_up"], now["live_stopping"]), (1.0, 0.0));
    assert!(now["live_sent_bytes_total{transport=\"websocket\"}"] > 200.0);
    assert!(now.keys().all(|name| !name.contains("news")), "{now:?}");
    drop(reader);
    drop(events);
    wait_until("both readers are gone", || {
        let now = scrape(&admin);
        (now["live_readers{transport=\"websocket\"}"], now["live_readers{transport=\"sse\"}"]) == (0.0, 0.0)
    });
}

#[test]
fn resets_and_reloads_are_counted_and_a_hello_is_no_delivery() {
    let server = Server::start(&["--admin", "127.0.0.1:0", "--publish-token", "none"]);
    let admin = server.admin_url();
    let unknown = "cursor=0123456789abcdef-1795321191581000";
    let poll = || get(&format!("{}/updates/news/?{unknown}", server.url));
    assert!(poll().body.contains("\"reload\":true"));
    let seed = "{\"renders\": {}, \"removals\": [], \"reset\": true}";
    assert_eq!(super::http::request(&format!("{}/publish/news/", server.url), "POST", &[], seed).status, 200);
    // The server's own copy of the page follows the bus, a moment later.
    wait_until("the page is whole", || poll().body.contains("\"reset\":true"));
    let _hello = Reader::join(&server.url, "other");
    let now = scrape(&admin);
    assert!(now["live_reloads_total{transport=\"interval-polling\"}"] >= 1.0);
    assert_eq!(now["live_resets_total{transport=\"interval-polling\"}"], 1.0);
    assert_eq!(now["live_deliveries_total{transport=\"websocket\"}"], 0.0);
    assert!(now["live_sent_bytes_total{transport=\"websocket\"}"] > 0.0);
}

#[test]
fn the_readers_listener_has_no_metrics() {
    let server = Server::start(&["--admin", "127.0.0.1:0"]);
    assert_eq!(get(&format!("{}/metrics", server.url)).status, 404);
    let admin = server.admin_url();
    assert_eq!(get(&format!("{admin}/healthz")).status, 200);
    wait_until("the server is ready", || get(&format!("{admin}/readyz")).status == 200);
}
