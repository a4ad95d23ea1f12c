//! What a cursor gets: exactly what changed since, or the whole page, or the word to reload. The same on every transport.

use std::time::Duration;

use live_core::{Config, Render, Update};

use crate::{
    adapter::Adapter,
    case::Case,
    client::{EventStream, Join, Request, WebSocket},
    model::{Applied, Cursor, Frame, Reader, Shown},
    server::{SetClock, TestServer, post_id, quick, removal, render},
};

/// A whole page whose first changes lie far back, so that a frame's coarse beginning does not reach them.
async fn aged(adapter: Adapter, config: Config) -> (TestServer, SetClock) {
    let time = SetClock::new();
    let server = adapter.start(Config { clock: time.clock(), ..config }).await;
    server.seed("blog", &["1", "2", "3", "4"]).await;
    time.pass(Duration::from_secs(3600));
    (server, time)
}

async fn a_reader_that_resumes_gets_exactly_what_changed_since(adapter: Adapter) {
    let (server, time) = aged(adapter, quick()).await;
    let shown = Shown::by(&server, "blog").await;
    let cursor = server.cursor("blog").await;
    server.post("blog", "2", "edited").await;
    server.publish("blog", Update::new().remove(post_id("3")).render(Render::hidden(post_id("4")))).await;
    time.pass(Duration::from_millis(1));
    let head = server.publish("blog", Update::new().render(render("5", "new")).render(render("6", "newer"))).await;
    for join in server.joins() {
        let frame = join.first_frame(&server, "blog", Some(&cursor)).await.unwrap();
        assert_eq!(frame.ids(), ["2", "4", "5", "6"], "{join:?}");
        assert_eq!(frame.removals, ["3"], "{join:?}");
        assert!(!frame.reset && !frame.reload && frame.cursor == head, "{join:?}: {frame:?}");
        let mut reader = Reader::of_html(&cursor, shown.clone());
        assert_eq!(reader.apply(&frame), Applied::Yes, "{join:?}");
        assert_eq!(reader.shown, Shown::by(&server, "blog").await, "{join:?}");
    }
    server.has_readers(0).await;
}

async fn a_reader_at_the_head_gets_nothing_but_a_hello(adapter: Adapter) {
    let (server, _) = aged(adapter, quick()).await;
    let head = server.cursor("blog").await;
    for join in server.joins() {
        let frame = join.first_frame(&server, "blog", Some(&head)).await;
        let is_poll = matches!(join, Join::Poll | Join::LongPoll);
        assert_eq!(frame.is_none(), is_poll, "{join:?}");
        assert!(frame.is_none_or(|frame| frame.is_empty() && frame.cursor == head), "{join:?}");
    }
}

async fn the_cursor_of_a_page_that_was_never_published_to_gets_its_first_posts(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let cursor = server.cursor("blog").await;
    assert_eq!(Cursor::parse(&cursor).version, 0);
    server.post("blog", "1", "one").await;
    server.post("blog", "2", "two").await;
    for join in server.joins() {
        let frame = join.first_frame(&server, "blog", Some(&cursor)).await.unwrap();
        assert_eq!(frame.ids(), ["1", "2"], "{join:?}");
        assert_eq!(Reader::of_html(&cursor, Shown::default()).apply(&frame), Applied::Yes, "{join:?}");
    }
    assert_eq!(Join::Poll.first_frame(&server, "other", Some(&cursor)).await.map(|frame| frame.reload), None);
}

/// Cursors that nobody gave, with the head's epoch where it says `EPOCH` and its version plus one where it says `NEXT`.
const UNKNOWN: [&str; 24] = [
    "x",
    "-",
    "--",
    "-1",
    "null",
    "undefined",
    "NaN",
    "0",
    "1795321191.581",
    "*x",
    "EPOCH",
    "EPOCH-",
    "EPOCH--1",
    "EPOCH--0",
    "EPOCH-+1",
    "EPOCH-01",
    "EPOCH-1e3",
    "EPOCH-9007199254740992",
    "EPOCH-18446744073709551616",
    "EPOCH-NEXT",
    "EPOCH-9007199254740991",
    "0123456789abcdef-1795321191581000",
    "0123456789ABCDEF-1",
    "EPOCH-1x",
];

fn forged(pattern: &str, head: &str) -> String {
    let head = Cursor::parse(head);
    pattern.replace("EPOCH", &head.epoch).replace("NEXT", &(head.version + 1).to_string())
}

async fn a_cursor_that_nobody_gave_resets_the_reader_of_a_whole_page(adapter: Adapter) {
    let (server, _) = aged(adapter, quick()).await;
    let head = server.publish("blog", removal("3")).await;
    let page = Shown::by(&server, "blog").await;
    for pattern in UNKNOWN {
        let cursor = forged(pattern, &head);
        for join in server.joins() {
            let frame = join.first_frame(&server, "blog", Some(&cursor)).await.unwrap();
            assert!(frame.reset && !frame.reload && frame.cursor == head, "{join:?} {cursor:?}: {frame:?}");
            assert_eq!(
                (frame.ids(), frame.removals.join(" ")),
                (vec!["1", "2", "4"], "3".to_owned()),
                "{join:?} {cursor:?}"
            );
            let mut reader = Reader::of_html("0123456789abcdef-5", Shown::by(&server, "blog").await);
            reader.shown.posts.insert("99".to_owned(), page.posts["1"].clone());
            reader.apply(&frame);
            assert_eq!(reader.shown, page, "{join:?} {cursor:?}");
        }
    }
}

async fn a_cursor_that_nobody_gave_reloads_the_reader_of_a_page_that_is_not_whole(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let head = server.post("blog", "1", "one").await;
    for pattern in UNKNOWN {
        let cursor = forged(pattern, &head);
        for join in server.joins() {
            let frame = join.first_frame(&server, "blog", Some(&cursor)).await.unwrap();
            assert!(frame.reload && !frame.reset && frame.cursor == head, "{join:?} {cursor:?}: {frame:?}");
            assert!(frame.renders.is_empty() && frame.removals.is_empty(), "{join:?} {cursor:?}: {frame:?}");
        }
    }
}

async fn a_star_asks_for_everything(adapter: Adapter) {
    let (server, _) = aged(adapter, quick()).await;
    server.publish("blog", removal("3")).await;
    server.post("stream", "1", "one").await;
    server.post("stream", "2", "two").await;
    for join in server.joins() {
        let whole = join.first_frame(&server, "blog", Some("*")).await.unwrap();
        assert!(whole.reset && whole.ids() == ["1", "2", "4"] && whole.removals == ["3"], "{join:?}: {whole:?}");
        let part = join.first_frame(&server, "stream", Some("*")).await.unwrap();
        assert!(!part.reset && !part.reload && part.ids() == ["1", "2"], "{join:?}: {part:?}");
        let nothing = join.first_frame(&server, "silent", Some("*")).await.unwrap();
        assert!(nothing.is_empty(), "{join:?}: {nothing:?}");
    }
}

async fn the_last_event_id_wins_over_the_cursor_of_the_url(adapter: Adapter) {
    let (server, _) = aged(adapter, quick()).await;
    let old = server.cursor("blog").await;
    let head = server.post("blog", "2", "edited").await;
    let ask = |cursor: &str, id: &str| {
        Request::new("GET", &format!("/events/blog/?cursor={cursor}")).header("Last-Event-ID", id)
    };
    let frame = EventStream::ask(&server, ask(&old, &head)).await.frame().await;
    assert!(frame.is_empty(), "{frame:?}");
    let frame = EventStream::ask(&server, ask(&head, &old)).await.frame().await;
    assert_eq!(frame.ids(), ["2"]);
    let frame = EventStream::ask(&server, ask(&head, "garbage")).await.frame().await;
    assert!(frame.reset, "{frame:?}");
    let frame = EventStream::ask(&server, ask(&old, "")).await.frame().await;
    assert_eq!(frame.ids(), ["2"], "an empty id is none");
}

async fn a_cursor_from_before_the_memory_of_removals_cannot_be_resumed(adapter: Adapter) {
    let (server, _) = aged(adapter, Config { max_tombstones: 2, ..quick() }).await;
    let cursor = server.cursor("blog").await;
    server.publish("blog", removal("1")).await;
    server.publish("blog", removal("2")).await;
    for join in server.joins() {
        let frame = join.first_frame(&server, "blog", Some(&cursor)).await.unwrap();
        assert_eq!((frame.reset, frame.removals), (false, vec!["1".to_owned(), "2".to_owned()]), "{join:?}");
    }
    server.publish("blog", removal("3")).await;
    for join in server.joins() {
        let frame = join.first_frame(&server, "blog", Some(&cursor)).await.unwrap();
        assert_eq!((frame.reset, frame.ids()), (true, vec!["4"]), "{join:?}");
    }
}

async fn a_reader_can_change_its_transport_in_mid_session(adapter: Adapter) {
    let (server, _) = aged(adapter, quick()).await;
    let mut reader = Reader::of_html(&server.cursor("blog").await, Shown::by(&server, "blog").await);
    for round in 0..3 {
        for join in server.joins() {
            server.post("blog", "2", &format!("{round} {join:?}")).await;
            server.post("blog", &format!("{round}{join:?}"), "new").await;
            let frame = join.first_frame(&server, "blog", reader.start().as_deref()).await.unwrap();
            assert_eq!((reader.apply(&frame), frame.reset), (Applied::Yes, false));
            assert_eq!(reader.shown, Shown::by(&server, "blog").await);
        }
    }
    server.has_readers(0).await;
}

async fn a_stream_goes_on_from_the_frame_that_said_reset(adapter: Adapter) {
    let (server, _) = aged(adapter, quick()).await;
    let mut socket = WebSocket::open(&server, "blog", Some("garbage")).await;
    let mut events = EventStream::open(&server, "blog", Some("garbage")).await;
    let resets: [Frame; 2] = [socket.frame().await, events.frame().await];
    let head = server.post("blog", "5", "new").await;
    for (reset, next) in resets.iter().zip([socket.frame().await, events.frame().await]) {
        assert!(reset.reset && next.prev == reset.cursor && next.cursor == head, "{next:?}");
        assert_eq!(next.ids(), ["5"]);
    }
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    a_reader_that_resumes_gets_exactly_what_changed_since + websocket,
    a_reader_at_the_head_gets_nothing_but_a_hello,
    the_cursor_of_a_page_that_was_never_published_to_gets_its_first_posts,
    a_cursor_that_nobody_gave_resets_the_reader_of_a_whole_page + websocket,
    a_cursor_that_nobody_gave_reloads_the_reader_of_a_page_that_is_not_whole + websocket,
    a_star_asks_for_everything + websocket,
    the_last_event_id_wins_over_the_cursor_of_the_url,
    a_cursor_from_before_the_memory_of_removals_cannot_be_resumed + websocket,
    a_reader_can_change_its_transport_in_mid_session,
    a_stream_goes_on_from_the_frame_that_said_reset,
];
