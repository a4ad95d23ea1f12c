//! Readers without a cursor: what was published within the last minute, and not what is older.

use std::time::Duration;

use live_core::{Config, Update};

use crate::{
    adapter::Adapter,
    case::Case,
    client::{Join, WebSocket},
    model::{Reader, Shown},
    server::{SetClock, TestServer, post_id, quick, render},
};

const SECOND: Duration = Duration::from_secs(1);

async fn with_clock(adapter: Adapter) -> (TestServer, SetClock) {
    let time = SetClock::new();
    let server = adapter.start(Config { clock: time.clock(), ..quick() }).await;
    (server, time)
}

async fn what_was_published_between_html_and_socket_reaches_a_reader_without_a_cursor(adapter: Adapter) {
    let (server, time) = with_clock(adapter).await;
    server.post("blog", "old", "an hour ago").await;
    time.pass(3600 * SECOND);
    server.publish("blog", Update::new().render(render("new", "just now")).remove(post_id("gone"))).await;
    time.pass(59 * SECOND);
    for join in server.joins() {
        let frame = join.first_frame(&server, "blog", None).await.unwrap();
        assert_eq!(
            (frame.ids().join(" "), frame.removals.join(" ")),
            ("new".to_owned(), "gone".to_owned()),
            "{join:?}"
        );
    }
}

async fn what_is_older_than_the_grace_does_not(adapter: Adapter) {
    let (server, time) = with_clock(adapter).await;
    let head = server.post("blog", "old", "an hour ago").await;
    time.pass(61 * SECOND);
    for join in server.joins() {
        let frame = join.first_frame(&server, "blog", None).await.unwrap();
        assert!(frame.is_empty() && frame.cursor == head, "{join:?}: {frame:?}");
    }
}

async fn a_page_that_was_seeded_within_the_grace_is_sent_whole(adapter: Adapter) {
    let (server, time) = with_clock(adapter).await;
    server.seed("blog", &["1", "2"]).await;
    time.pass(SECOND);
    for join in server.joins() {
        let frame = join.first_frame(&server, "blog", None).await.unwrap();
        assert!(frame.reset && frame.ids() == ["1", "2"], "{join:?}: {frame:?}");
    }
}

async fn an_empty_cursor_is_none(adapter: Adapter) {
    let (server, time) = with_clock(adapter).await;
    server.post("blog", "old", "an hour ago").await;
    time.pass(3600 * SECOND);
    for join in [Join::WebSocket, Join::Events, Join::Poll] {
        assert!(join.first_frame(&server, "blog", Some("")).await.unwrap().is_empty(), "{join:?}");
    }
}

async fn a_clock_that_goes_back_loses_nothing(adapter: Adapter) {
    let time = SetClock::new();
    time.pass(7200 * SECOND);
    let ahead = time.clock();
    let server = adapter.start(Config { clock: ahead, ..quick() }).await;
    server.seed("blog", &["1"]).await;
    let mut reader = Reader::of_html(&server.cursor("blog").await, Shown::by(&server, "blog").await);
    let mut socket = WebSocket::open(&server, "blog", reader.start().as_deref()).await;
    reader.apply(&socket.frame().await);
    for number in 2..6 {
        time.go_back(1800 * SECOND);
        server.post("blog", &number.to_string(), "in the past").await;
        reader.apply(&socket.frame().await);
    }
    assert_eq!(reader.shown, Shown::by(&server, "blog").await);
    let ids: Vec<_> = Join::Poll.first_frame(&server, "blog", None).await.unwrap().renders;
    assert_eq!(ids.len(), 5, "all of it lies in this clock's future");
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    what_was_published_between_html_and_socket_reaches_a_reader_without_a_cursor + websocket,
    what_is_older_than_the_grace_does_not + websocket,
    a_page_that_was_seeded_within_the_grace_is_sent_whole + websocket,
    an_empty_cursor_is_none,
    a_clock_that_goes_back_loses_nothing,
];
