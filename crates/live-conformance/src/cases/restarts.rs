//! The server restarts: with its bus kept nobody notices, with the bus lost nobody's page is wiped.

use std::sync::Arc;

use live_core::Update;

use crate::{
    adapter::Adapter,
    case::Case,
    client::{EventStream, Join, WebSocket},
    model::{Applied, Post, Reader, Shown},
    server::{TestServer, post_id, quick, removal, render},
};

/// What the site's own HTML shows, which Live has never seen.
fn rendered_by_the_host(ids: &[&str]) -> Shown {
    let post = |id: &&str| {
        let content = format!("<div data-post-id=\"{id}\">by the host</div>");
        (id.to_string(), Post { show: true, content, sort: None })
    };
    Shown { posts: ids.iter().map(post).collect() }
}

async fn after_a_restart_that_lost_the_bus_one_publish_does_not_wipe_the_page(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let reader = Reader::of_html(&server.cursor("blog").await, rendered_by_the_host(&["1", "2", "3"]));
    server.end();

    let server = adapter.start(quick()).await;
    for join in server.joins() {
        let mut reader = reader.clone();
        let frame = join.first_frame(&server, "blog", reader.start().as_deref()).await.unwrap();
        assert!(frame.reload && !frame.reset, "{join:?}: {frame:?}");
        assert_eq!(reader.apply(&frame), Applied::Yes);
        assert_eq!(reader.shown.ids(), ["1", "2", "3"], "{join:?}: nothing is wiped");
    }
    let mut socket = WebSocket::open(&server, "blog", reader.start().as_deref()).await;
    let mut reader = reader.clone();
    reader.apply(&socket.frame().await);
    let html = (server.cursor("blog").await, rendered_by_the_host(&["1", "2", "3"]));
    server.post("blog", "4", "after the restart").await;
    reader.apply(&socket.frame().await);
    assert_eq!(reader.shown.ids(), ["1", "2", "3", "4"], "the stream that said reload goes on from its head");

    assert!(reader.wants_reload);
    reader.reload(&html.0, html.1);
    let frame = Join::Poll.first_frame(&server, "blog", reader.start().as_deref()).await.unwrap();
    assert!(!frame.reload && !frame.reset);
    assert_eq!(reader.apply(&frame), Applied::Yes);
    assert_eq!(reader.shown.ids(), ["1", "2", "3", "4"]);
}

async fn after_a_restart_that_lost_the_bus_a_seeded_page_replaces_what_readers_show(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.seed("blog", &["1", "2", "3"]).await;
    let cursor = server.cursor("blog").await;
    let shown = Shown::by(&server, "blog").await;
    server.end();

    let server = adapter.start(quick()).await;
    server.seed("blog", &["1", "2", "4"]).await;
    server.publish("blog", removal("2")).await;
    for join in server.joins() {
        let frame = join.first_frame(&server, "blog", Some(&cursor)).await.unwrap();
        assert!(frame.reset && frame.ids() == ["1", "4"] && frame.removals == ["2"], "{join:?}: {frame:?}");
        let mut reader = Reader::of_html(&cursor, shown.clone());
        reader.apply(&frame);
        assert_eq!(reader.shown, Shown::by(&server, "blog").await, "{join:?}");
    }
}

async fn a_page_that_is_seeded_while_it_is_read_replaces_what_its_readers_show(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.post("blog", "1", "before the seed").await;
    let mut socket = WebSocket::open(&server, "blog", Some("*")).await;
    let mut events = EventStream::open(&server, "blog", Some("*")).await;
    let mut readers = [Reader::default(), Reader::default()];
    readers[0].apply(&socket.frame().await);
    readers[1].apply(&events.frame().await);
    server.seed("blog", &["2", "3"]).await;
    for (reader, frame) in readers.iter_mut().zip([socket.frame().await, events.frame().await]) {
        assert!(frame.reset && frame.removals == ["1"], "{frame:?}");
        reader.apply(&frame);
        assert_eq!(reader.shown, Shown::by(&server, "blog").await);
    }
    // A seed of a page that is whole is only its difference.
    server.publish("blog", Update::replace([render("3", "3 as seeded"), render("4", "new")])).await;
    let frame = socket.frame().await;
    assert!(!frame.reset && frame.ids() == ["4"] && frame.removals == ["2"], "{frame:?}");
}

/// One reader on each transport, with what it shows.
async fn readers_of(server: &TestServer) -> Vec<(Join, Reader)> {
    let mut readers = Vec::new();
    for join in server.joins() {
        let mut reader = Reader::default();
        reader.apply(&join.first_frame(server, "blog", Some("*")).await.unwrap());
        readers.push((join, reader));
    }
    readers
}

async fn after_a_restart_that_kept_the_bus_nobody_is_reset(adapter: Adapter) {
    for is_whole in [true, false] {
        let first = adapter.start(quick()).await;
        if is_whole {
            first.seed("blog", &["1", "2", "3"]).await;
        } else {
            first
                .publish(
                    "blog",
                    ["1", "2", "3"].map(|id| render(id, "x")).into_iter().fold(Update::new(), Update::render),
                )
                .await;
        }
        let bus = Arc::clone(&first.bus);
        let mut readers = readers_of(&first).await;
        first.end();
        for round in 0..2 {
            let server = adapter.start_on(Arc::clone(&bus), quick()).await;
            let update =
                Update::new().render(render(&format!("new {round}"), "x")).render(render("1", &format!("{round}")));
            server.publish("blog", update.remove(post_id(&round.to_string()))).await;
            for (join, reader) in &mut readers {
                let frame = join.first_frame(&server, "blog", reader.start().as_deref()).await.unwrap();
                assert!(!frame.reset && !frame.reload, "{join:?}: {frame:?}");
                assert_eq!(reader.apply(&frame), Applied::Yes, "{join:?}");
                assert_eq!(reader.shown.contents(), Shown::by(&server, "blog").await.contents(), "{join:?}");
            }
            server.forgets_its_readers().await;
        }
    }
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    after_a_restart_that_lost_the_bus_one_publish_does_not_wipe_the_page,
    after_a_restart_that_lost_the_bus_a_seeded_page_replaces_what_readers_show + websocket,
    a_page_that_is_seeded_while_it_is_read_replaces_what_its_readers_show,
    after_a_restart_that_kept_the_bus_nobody_is_reset + websocket,
];
