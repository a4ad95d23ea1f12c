//! Polling with cursors: at once, or as soon as there is something.

use std::time::{Duration, Instant};

use live_core::Config;

use crate::{
    adapter::Adapter,
    case::Case,
    client::{Request, Response, Wire},
    model::{Frame, Reader, Shown},
    server::{TestServer, quick},
};

/// Deadlines are kept in whole milliseconds.
const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A poll that is under way.
async fn begin(server: &TestServer, query: &str) -> Wire {
    let mut wire = Wire::connect(server).await;
    wire.send(Request::new("GET", &format!("/updates/blog/?{query}")).under(server.prefix).to_bytes()).await;
    wire
}

async fn timed(server: &TestServer, query: &str) -> (Response, Duration) {
    let began = Instant::now();
    let response = server.get(&format!("/updates/blog/?{query}")).await;
    (response, began.elapsed())
}

async fn a_poll_with_nothing_new_is_204_at_once(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let head = server.post("blog", "1", "one").await;
    let (response, took) = timed(&server, &format!("cursor={head}")).await;
    assert_eq!((response.status, response.body.len()), (204, 0));
    assert!(took < Duration::from_secs(1), "{took:?}");
    server.has_readers(0).await;
}

async fn a_poll_gets_all_that_is_new_in_one_frame(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let cursor = server.seed("blog", &["1", "2"]).await;
    let mut reader = Reader::of_html(&cursor, Shown::by(&server, "blog").await);
    for number in 3..20 {
        server.post("blog", &number.to_string(), "new").await;
    }
    let response = server.get(&format!("/updates/blog/?cursor={cursor}")).await;
    assert_eq!(response.header("content-type"), Some("application/json"));
    reader.apply(&Frame::parse(&response.body));
    assert_eq!(reader.shown, Shown::by(&server, "blog").await);
    assert!(reader.is_at(&server.cursor("blog").await));
}

async fn a_poll_without_a_cursor_is_told_where_the_page_is(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    for query in ["", "wait", "wait=5"] {
        let (response, took) = timed(&server, query).await;
        assert!(Frame::parse(&response.body).is_empty(), "{query}");
        assert!(took < Duration::from_secs(1), "{query}: {took:?}");
    }
}

async fn polls_of_public_pages_may_be_cached_for_a_second(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let head = server.post("blog", "1", "one").await;
    for query in ["", "cursor=x", &format!("cursor={head}")] {
        let response = server.get(&format!("/updates/blog/?{query}")).await;
        assert_eq!(response.header("cache-control"), Some("public, max-age=1"), "{query}");
        let waiting = server.get(&format!("/updates/blog/?wait=0.01&{query}")).await;
        assert_eq!(waiting.header("cache-control"), Some("private, no-store"), "{query}");
        for response in [response, waiting] {
            assert_eq!(response.header("live-poll-interval"), Some("250"), "{query}");
        }
    }
    let private = adapter.start(Config { public_cache: false, ..quick() }).await;
    assert_eq!(private.get("/updates/blog/").await.header("cache-control"), Some("private, no-store"));
}

/// What a poll is told to wait, in milliseconds.
async fn told(server: &TestServer, wire: &mut Wire, query: &str) -> u64 {
    let request = Request::new("GET", &format!("/updates/blog/?{query}")).under(server.prefix);
    wire.ask(request).await.header("live-poll-interval").unwrap().parse().unwrap()
}

async fn the_more_readers_poll_the_longer_they_are_told_to_wait(adapter: Adapter) {
    let longest = Duration::from_secs(10);
    let limits = Config { polls_per_second: 4, max_poll_interval: longest, linger: 3 * longest, ..quick() };
    let server = adapter.start(limits).await;
    let mut wire = Wire::connect(&server).await;
    assert_eq!(told(&server, &mut wire, "cursor=x").await, 250);
    // 40 who come 4 in a second come every 10 s.
    for polls in 1.. {
        match told(&server, &mut wire, "cursor=x").await {
            10_000 => break,
            wait => assert!(wait < 10_000 && polls < 1_000, "{wait} after {polls}"),
        }
    }
    // It is the same for all of them, so a cache may keep it.
    let response = server.get("/updates/blog/").await;
    assert_eq!(response.header("cache-control"), Some("public, max-age=1"));
    // Whoever waits at the server is not among them, neither as one who counts nor as one who is told.
    assert_eq!(told(&server, &mut wire, "wait=0.01").await, 250);
}

async fn few_readers_poll_as_often_as_the_site_chose(adapter: Adapter) {
    let server = adapter.start(Config { polls_per_second: 1_000, ..quick() }).await;
    let mut wire = Wire::connect(&server).await;
    for _ in 0..50 {
        assert_eq!(told(&server, &mut wire, "").await, 250);
    }
}

async fn polls_with_the_wagtail_protocol_count_but_are_told_what_the_site_chose(adapter: Adapter) {
    let longest = Duration::from_secs(10);
    let limits = Config {
        polls_per_second: 1,
        max_poll_interval: longest,
        linger: 3 * longest,
        poll_interval: 3 * SECOND,
        ..quick()
    };
    let server = adapter.start(limits).await;
    server.seed("blog", &["1"]).await;
    let mut wire = Wire::connect(&server).await;
    assert_eq!(told(&server, &mut wire, "").await, 3_000);
    for _ in 0..20 {
        server.ask(Request::new("HEAD", "/get-updates/blog/")).await;
    }
    assert!(told(&server, &mut wire, "").await > 3_000);
    let handshake = server.ask(Request::new("POST", "/get-updates/blog/")).await;
    let handshake: serde_json::Value = serde_json::from_slice(&handshake.body).unwrap();
    assert_eq!(handshake["pollingInterval"], 3_000);
}

async fn a_waiting_poll_is_answered_by_the_next_publish(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let head = server.post("blog", "1", "one").await;
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(begin(&server, &format!("cursor={head}&wait")).await);
    }
    server.has_readers(5).await;
    let next = server.post("blog", "2", "two").await;
    for wire in &mut waiting {
        let frame = Frame::parse(&wire.response("GET").await.unwrap().body);
        assert_eq!((frame.ids(), frame.prev == head, frame.cursor == next), (vec!["2"], true, true));
    }
    server.has_readers(0).await;
    drop(waiting);
    server.forgets_its_readers().await;
}

async fn a_waiting_poll_is_answered_at_once_if_there_is_something(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let cursor = server.post("blog", "1", "one").await;
    server.post("blog", "2", "two").await;
    let (response, took) = timed(&server, &format!("cursor={cursor}&wait=60")).await;
    assert!(response.status == 200 && took < Duration::from_secs(1), "{took:?}");
}

async fn a_poll_waits_as_long_as_it_asks_to(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let head = server.post("blog", "1", "one").await;
    for (wait, least) in [("0.2", 200), ("0", 0), ("1", 1000), ("00.3", 300)] {
        let (response, took) = timed(&server, &format!("cursor={head}&wait={wait}")).await;
        assert_eq!((response.status, response.body.len()), (204, 0), "{wait}");
        let least = Duration::from_millis(least);
        assert!(took + MILLISECOND >= least && took < least + Duration::from_millis(900), "{wait}: {took:?}");
    }
    server.has_readers(0).await;
}

async fn a_poll_never_waits_longer_than_the_server_does(adapter: Adapter) {
    let server = adapter.start(Config { long_poll_timeout: Duration::from_millis(300), ..quick() }).await;
    let head = server.post("blog", "1", "one").await;
    for wait in ["wait", "wait=", "wait=60", "wait=x", "wait=nan", "wait=inf", "wait=-1", "wait=1e400"] {
        let (response, took) = timed(&server, &format!("cursor={head}&{wait}")).await;
        assert_eq!(response.status, 204, "{wait}");
        assert!(took >= Duration::from_millis(300) - MILLISECOND && took < Duration::from_secs(1), "{wait}: {took:?}");
    }
}

async fn a_page_can_be_followed_by_polls_alone(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.seed("blog", &["1"]).await;
    let mut reader = Reader::default();
    let mut wire = Wire::connect(&server).await;
    for number in 0..10 {
        server.post("blog", &number.to_string(), &format!("{number}")).await;
        let query = reader.start().map(|cursor| format!("cursor={cursor}&wait")).unwrap_or_default();
        let request = Request::new("GET", &format!("/updates/blog/?{query}")).under(server.prefix);
        reader.apply(&Frame::parse(&wire.ask(request).await.body));
        assert_eq!(reader.shown, Shown::by(&server, "blog").await);
    }
    assert_eq!(reader.resets, 1, "the first");
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    a_poll_with_nothing_new_is_204_at_once,
    a_poll_gets_all_that_is_new_in_one_frame,
    a_poll_without_a_cursor_is_told_where_the_page_is,
    polls_of_public_pages_may_be_cached_for_a_second,
    the_more_readers_poll_the_longer_they_are_told_to_wait,
    few_readers_poll_as_often_as_the_site_chose,
    polls_with_the_wagtail_protocol_count_but_are_told_what_the_site_chose,
    a_waiting_poll_is_answered_by_the_next_publish,
    a_waiting_poll_is_answered_at_once_if_there_is_something,
    a_poll_waits_as_long_as_it_asks_to,
    a_poll_never_waits_longer_than_the_server_does,
    a_page_can_be_followed_by_polls_alone,
];
