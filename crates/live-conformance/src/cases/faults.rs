//! A bus that does not answer, or loses what it announced: nobody is told an untruth, and all are current again by themselves.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use live_core::{Config, EventBus, Update};

use crate::{
    adapter::Adapter,
    case::Case,
    client::{EventStream, Message, Request, WebSocket, within},
    faulty_bus::{Hanging, Mute},
    model::{Reader, Shown},
    server::{TestServer, channel_id, quick, render},
};

fn impatient() -> Config {
    Config {
        bus_deadline: Duration::from_millis(500),
        compare_interval: Duration::from_millis(100),
        heartbeat: Duration::from_millis(100),
        ..quick()
    }
}

async fn hanging(adapter: Adapter) -> (TestServer, Arc<Hanging>) {
    let bus = Arc::new(Hanging::new(&impatient()));
    (adapter.start_alone_on(Arc::clone(&bus) as Arc<dyn EventBus>, impatient()).await, bus)
}

async fn a_page_cannot_be_joined_while_the_bus_does_not_answer(adapter: Adapter) {
    let (server, bus) = hanging(adapter).await;
    bus.hangs.store(true, Ordering::SeqCst);
    for request in [
        Request::handshake("/ws/channel/blog/"),
        Request::new("GET", "/events/blog/"),
        Request::new("GET", "/updates/blog/"),
        Request::new("POST", "/get-updates/blog/").body(""),
        Request::publish("blog", r#"{"removals": ["1"]}"#),
    ] {
        let response = server.ask(request.clone()).await;
        assert_eq!(response.status, 503, "{request:?}");
        assert!(response.header("retry-after").is_some());
    }
    server.forgets_its_readers().await;
    bus.hangs.store(false, Ordering::SeqCst);
    assert_eq!(server.get("/updates/blog/").await.status, 200, "it is back");
}

async fn a_cursor_that_only_the_bus_can_place_is_not_reset_while_the_bus_is_silent(adapter: Adapter) {
    let (server, bus) = hanging(adapter).await;
    server.seed("blog", &["1"]).await;
    let mut opener = WebSocket::open(&server, "blog", None).await;
    opener.frame().await;
    bus.hangs.store(true, Ordering::SeqCst);
    let unknown = "0123456789abcdef-1795321191581000";
    let response = server.get(&format!("/updates/blog/?cursor={unknown}")).await;
    assert_eq!(response.status, 503, "{response:?}");
    assert!(response.header("retry-after").is_some());
    let mut socket = WebSocket::open(&server, "blog", Some(unknown)).await;
    for _ in 0..3 {
        assert_eq!(socket.next().await, Message::Ping(Vec::new()), "nothing but signs of life");
        socket.send(0xa, b"").await;
    }
    bus.hangs.store(false, Ordering::SeqCst);
    let frame = socket.frame().await;
    assert!(frame.reset && frame.ids() == ["1"], "{frame:?}");
}

async fn a_reader_is_told_while_the_bus_does_not_confirm_what_it_shows(adapter: Adapter) {
    let (server, bus) = hanging(adapter).await;
    let head = server.post("blog", "1", "one").await;
    let mut socket = WebSocket::open(&server, "blog", Some(&head)).await;
    let mut events = EventStream::open(&server, "blog", Some(&head)).await;
    assert!(!socket.frame().await.stale);
    bus.hangs.store(true, Ordering::SeqCst);
    within("stale", async { while !socket.frame().await.stale {} }).await;
    within("stale", async { while !events.frame().await.stale {} }).await;
    assert_eq!(server.get(&format!("/updates/blog/?cursor={head}")).await.status, 503, "who knows what is new");
    bus.hangs.store(false, Ordering::SeqCst);
    within("confirmed", async { while socket.frame().await.stale {} }).await;
    within("confirmed", async { while events.frame().await.stale {} }).await;
    assert_eq!(server.get(&format!("/updates/blog/?cursor={head}")).await.status, 204);
    let next = server.post("blog", "2", "two").await;
    within("the next", async { while socket.frame().await.cursor != *next {} }).await;
}

async fn an_announcement_that_was_lost_is_noticed_without_another_publish(adapter: Adapter) {
    let bus = Arc::new(Mute::new(&impatient()));
    let server = adapter.start_alone_on(Arc::clone(&bus) as Arc<dyn EventBus>, impatient()).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    let mut reader = Reader::default();
    reader.apply(&socket.frame().await);
    server.seed("blog", &["1", "2"]).await;
    assert!(socket.frame().await.is_empty(), "it was lost");
    bus.mended.store(true, Ordering::SeqCst);
    let head = server.hub.cursor(&channel_id("blog")).await.unwrap().to_string();
    within("the reader is current", async {
        while !reader.is_at(&head) {
            reader.apply(&socket.frame().await);
        }
    })
    .await;
    assert_eq!(reader.shown, Shown::by(&server, "blog").await);
    drop(socket);
    server.forgets_its_readers().await;
}

async fn a_poll_of_wagtail_live_is_not_turned_back_by_a_server_that_lags(adapter: Adapter) {
    let bus = Arc::new(Mute::new(&impatient()));
    let config = Config { compare_interval: Duration::from_secs(60), ..impatient() };
    let server = adapter.start_alone_on(Arc::clone(&bus) as Arc<dyn EventBus>, config).await;
    let seed = || Update::replace([render("1", "one")]);
    bus.deaf.publish(&channel_id("blog"), seed(), None).await.unwrap();
    // The server's copy is at the seed that it was told of, and will be for as long as this test takes.
    assert_eq!(server.get("/get-updates/blog/?last_update_ts=0").await.status, 200);
    let head = bus.bus.publish(&channel_id("blog"), seed(), None).await.unwrap().version().number();
    bus.mended.store(true, Ordering::SeqCst);
    let since = |version: u64| format!("/get-updates/blog/?last_update_ts={}", version as f64 / 1e6);
    let (given, never) = (since(head), since(head + 60_000_000));
    let (given, never) = tokio::join!(server.get(&given), server.get(&never));
    assert_eq!(given.status, 503, "another server gave this time: {given:?}");
    assert_eq!(never.status, 200, "nobody gave this time: {never:?}");
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    a_page_cannot_be_joined_while_the_bus_does_not_answer,
    a_cursor_that_only_the_bus_can_place_is_not_reset_while_the_bus_is_silent,
    a_reader_is_told_while_the_bus_does_not_confirm_what_it_shows,
    an_announcement_that_was_lost_is_noticed_without_another_publish + websocket,
    a_poll_of_wagtail_live_is_not_turned_back_by_a_server_that_lags,
];
