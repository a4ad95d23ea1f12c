//! A bus that does not answer, or loses what it announced: nobody is told an untruth, and all are current again by themselves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use live_core::{
    BusError, ChannelId, Config, Cursor, EventBus, IdempotencyKey, Published, Update,
    bus::{self, BusFuture, MemoryBus, Subscription},
    page::Standing,
};

use crate::{
    client::{EventStream, Join, Message, Request, WebSocket, eventually, within},
    model::{Reader, Shown},
    server::{TestServer, channel_id, quick, render, start, start_on},
};

/// A memory bus that can be told to hang.
struct Hanging {
    bus: MemoryBus,
    hangs: AtomicBool,
}

impl Hanging {
    async fn answers(&self) {
        while self.hangs.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl EventBus for Hanging {
    fn publish<'a>(
        &'a self,
        channel: &'a ChannelId,
        update: Update,
        key: Option<&'a IdempotencyKey>,
    ) -> BusFuture<'a, Published> {
        Box::pin(async move {
            if self.hangs.load(Ordering::SeqCst) {
                return Err(BusError::Unavailable);
            }
            self.bus.publish(channel, update, key).await
        })
    }

    fn subscribe<'a>(&'a self, channel: &'a ChannelId) -> BusFuture<'a, Subscription> {
        Box::pin(async move {
            self.answers().await;
            self.bus.subscribe(channel).await
        })
    }

    fn heads<'a>(&'a self, channels: &'a [ChannelId]) -> BusFuture<'a, Vec<Cursor>> {
        Box::pin(async move {
            self.answers().await;
            self.bus.heads(channels).await
        })
    }

    fn standing<'a>(&'a self, channel: &'a ChannelId, cursor: Cursor) -> BusFuture<'a, Standing> {
        Box::pin(async move {
            self.answers().await;
            self.bus.standing(channel, cursor).await
        })
    }

    fn subscriptions(&self) -> usize {
        self.bus.subscriptions()
    }
}

fn impatient() -> Config {
    Config {
        bus_deadline: Duration::from_millis(200),
        compare_interval: Duration::from_millis(100),
        heartbeat: Duration::from_millis(100),
        ..quick()
    }
}

async fn hanging() -> (TestServer, Arc<Hanging>) {
    let bus = Arc::new(Hanging { bus: MemoryBus::new(&impatient()).unwrap(), hangs: AtomicBool::new(false) });
    (start_on(Arc::clone(&bus) as Arc<dyn EventBus>, impatient()).await, bus)
}

#[tokio::test]
async fn a_page_cannot_be_joined_while_the_bus_does_not_answer() {
    let (server, bus) = hanging().await;
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

#[tokio::test]
async fn a_cursor_that_only_the_bus_can_place_is_not_reset_while_the_bus_is_silent() {
    let (server, bus) = hanging().await;
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

#[tokio::test]
async fn a_reader_is_told_while_the_bus_does_not_confirm_what_it_shows() {
    let (server, bus) = hanging().await;
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

/// Announces nothing at all: its subscriptions are to a bus that nobody publishes to, until it is mended.
struct Mute {
    bus: MemoryBus,
    deaf: MemoryBus,
    mended: AtomicBool,
}

impl EventBus for Mute {
    fn publish<'a>(
        &'a self,
        channel: &'a ChannelId,
        update: Update,
        key: Option<&'a IdempotencyKey>,
    ) -> BusFuture<'a, Published> {
        self.bus.publish(channel, update, key)
    }

    fn subscribe<'a>(&'a self, channel: &'a ChannelId) -> BusFuture<'a, Subscription> {
        if self.mended.load(Ordering::SeqCst) { self.bus.subscribe(channel) } else { self.deaf.subscribe(channel) }
    }

    fn heads<'a>(&'a self, channels: &'a [ChannelId]) -> BusFuture<'a, Vec<Cursor>> {
        if self.mended.load(Ordering::SeqCst) { self.bus.heads(channels) } else { self.deaf.heads(channels) }
    }

    fn standing<'a>(&'a self, channel: &'a ChannelId, cursor: Cursor) -> BusFuture<'a, Standing> {
        self.bus.standing(channel, cursor)
    }

    fn subscriptions(&self) -> usize {
        self.bus.subscriptions() + self.deaf.subscriptions()
    }
}

#[tokio::test]
async fn an_announcement_that_was_lost_is_noticed_without_another_publish() {
    let new = || MemoryBus::new(&impatient()).unwrap();
    let bus = Arc::new(Mute { bus: new(), deaf: new(), mended: AtomicBool::new(false) });
    let server = start_on(Arc::clone(&bus) as Arc<dyn EventBus>, impatient()).await;
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

#[tokio::test]
async fn a_poll_of_wagtail_live_is_not_turned_back_by_a_server_that_lags() {
    let new = || MemoryBus::new(&impatient()).unwrap();
    let bus = Arc::new(Mute { bus: new(), deaf: new(), mended: AtomicBool::new(false) });
    let config = Config { compare_interval: Duration::from_secs(60), ..impatient() };
    let server = start_on(Arc::clone(&bus) as Arc<dyn EventBus>, config).await;
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

#[tokio::test]
async fn a_burst_beyond_what_the_hub_is_told_of_reaches_every_reader() {
    let server = start(quick()).await;
    server.seed("blog", &["1"]).await;
    let mut socket = WebSocket::open(&server, "blog", Some("*")).await;
    let mut events = EventStream::open(&server, "blog", Some("*")).await;
    let (mut by_socket, mut by_events) = (Reader::default(), Reader::default());
    by_socket.apply(&socket.frame().await);
    by_events.apply(&events.frame().await);
    // Publishing to the bus of this process never waits, so nothing else runs meanwhile.
    let mut head = String::new();
    for number in 0..5_000 {
        head = server.post("blog", &(number % 100).to_string(), &number.to_string()).await;
    }
    while !by_socket.is_at(&head) {
        by_socket.apply(&socket.frame().await);
    }
    while !by_events.is_at(&head) {
        by_events.apply(&events.frame().await);
    }
    let page = Shown::by(&server, "blog").await;
    assert_eq!((&by_socket.shown, &by_events.shown), (&page, &page));
    assert_eq!((by_socket.resets, by_events.resets), (1, 1));
}

#[tokio::test]
async fn a_page_is_joined_once_however_many_come_at_a_time() {
    let config = impatient();
    let server = start_on(bus::from_url("memory:", &config).unwrap(), config).await;
    let handshake = Request::handshake("/ws/channel/blog/").under(server.prefix).to_bytes();
    let mut wires = Vec::new();
    for _ in 0..50 {
        let mut wire = crate::client::Wire::connect(&server).await;
        wire.send(&handshake).await;
        wires.push(wire);
    }
    server.has_readers(50).await;
    eventually("one subscription", || server.bus.subscriptions() == 1 && server.hub.open_pages() == 1).await;
    drop(wires);
    server.forgets_its_readers().await;
    server.publish("blog", Update::new().render(render("1", "one"))).await;
    assert!(Join::Poll.first_frame(&server, "blog", None).await.is_some());
}
