//! The hub between a bus that fails and readers who must not notice, and pages from the site's own database.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Empty};
use live_core::{
    ChannelId, Config, EventBus, Hub, PageSource, PostId, Render, SourceFuture, Start, Update, bus, http::Answer,
    serve_websocket,
};
use serde_json::Value;
use tokio::io::AsyncReadExt;

use crate::{faulty_bus::FaultyBus, log::Log};

fn channel() -> ChannelId {
    ChannelId::new("blog").unwrap()
}

fn post(name: &str) -> Render {
    Render::new(PostId::new(name).unwrap(), name)
}

/// Everything that a hub waits for is over in a moment.
fn brisk() -> Config {
    Config {
        poll_interval: Duration::from_millis(250),
        max_poll_interval: Duration::from_millis(250),
        linger: Duration::from_millis(750),
        compare_interval: Duration::from_millis(40),
        bus_deadline: Duration::from_millis(300),
        ..Config::default()
    }
}

async fn get(hub: &Hub, path: &str) -> (u16, Value) {
    let request = http::Request::get(path).header("host", "localhost").body(Empty::<bytes::Bytes>::new()).unwrap();
    let answer = tokio::time::timeout(DEADLINE, hub.respond(request, None)).await.expect("no answer in time");
    let Answer::Response(response) = answer else { panic!("not a response") };
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn poll(hub: &Hub, cursor: &str) -> (u16, Value) {
    get(hub, &format!("/updates/blog/?cursor={cursor}")).await
}

/// Asks again until the answer is what is wanted.
async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    tokio::time::timeout(DEADLINE, async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("it never came to that")
}

const DEADLINE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_bus_that_is_down_is_a_503_and_the_next_reader_tries_again() {
    let bus = FaultyBus::new(&brisk());
    let hub = Hub::new(bus.clone(), brisk()).unwrap();
    bus.is_down.store(true, Ordering::SeqCst);
    assert_eq!(poll(&hub, "*").await.0, 503);
    assert_eq!(hub.open_pages(), 0);
    bus.is_down.store(false, Ordering::SeqCst);
    assert_eq!(poll(&hub, "*").await.0, 200);
}

#[tokio::test]
async fn an_announcement_that_is_lost_in_silence_is_made_good_without_a_new_publish() {
    let bus = FaultyBus::new(&brisk());
    let hub = Hub::new(bus.clone(), brisk()).unwrap();
    bus.is_deaf.store(true, Ordering::SeqCst);
    let (_, hello) = poll(&hub, "*").await;
    hub.publish(&channel(), Update::new().render(post("a")), None).await.unwrap();
    let cursor = hello["cursor"].as_str().unwrap();
    let frame = eventually(async || Some(poll(&hub, cursor).await).filter(|(status, _)| *status == 200)).await.1;
    assert!(frame["renders"]["a"].is_object(), "{frame}");
}

#[tokio::test]
async fn while_the_bus_is_away_a_poll_does_not_claim_that_nothing_is_new() {
    let bus = FaultyBus::new(&brisk());
    let hub = Hub::new(bus.clone(), brisk()).unwrap();
    let (_, hello) = poll(&hub, "*").await;
    let cursor = hello["cursor"].as_str().unwrap();
    assert_eq!(poll(&hub, cursor).await.0, 204);
    bus.is_down.store(true, Ordering::SeqCst);
    eventually(async || (poll(&hub, cursor).await.0 == 503).then_some(())).await;
    // A cursor that this node cannot place is not declared dead meanwhile.
    let ahead = format!("{}-9007199254740991", &cursor[..16]);
    assert_eq!(poll(&hub, &ahead).await.0, 503);
    bus.is_down.store(false, Ordering::SeqCst);
    eventually(async || (poll(&hub, cursor).await.0 == 204).then_some(())).await;
    let (status, frame) =
        eventually(async || Some(poll(&hub, &ahead).await).filter(|(status, _)| *status == 200)).await;
    assert_eq!((status, &frame["reload"]), (200, &Value::Bool(true)));
}

#[tokio::test]
async fn polls_that_are_answered_at_once_are_counted_and_leave_no_reader() {
    let hub = Hub::new(bus::from_url("memory:", &brisk()).unwrap(), brisk()).unwrap();
    let published = hub.publish(&channel(), Update::replace([post("1")]), None).await.unwrap();
    let mut statuses = Vec::new();
    for cursor in ["*".to_owned(), published.cursor.to_string(), String::new(), "strange".to_owned()] {
        statuses.push(poll(&hub, &cursor).await.0);
    }
    assert_eq!(statuses, [200, 204, 200, 200]);
    assert_eq!(get(&hub, "/get-updates/blog/?last_update_ts=0").await.0, 200);
    let [.., long, interval] = hub.metrics().transports;
    assert_eq!((interval.joined, interval.readers, interval.deliveries), (4, 0, 3));
    assert_eq!((long.joined, long.readers, long.deliveries), (1, 0, 1));
    assert_eq!((hub.readers(), hub.channels()), (0, vec![(channel(), 0)]));
}

#[tokio::test]
async fn reading_creates_no_state_and_the_linger_ends_the_subscription() {
    let bus = FaultyBus::new(&brisk());
    let hub = Hub::new(bus.clone(), brisk()).unwrap();
    let before = hub.cursor(&channel()).await.unwrap();
    assert_eq!(poll(&hub, "*").await.0, 200);
    assert_eq!(hub.cursor(&channel()).await.unwrap(), before);
    assert_eq!((hub.open_pages(), bus.subscriptions()), (1, 1));
    eventually(async || (hub.open_pages() == 0 && bus.subscriptions() == 0).then_some(())).await;
    assert_eq!(hub.readers(), 0);
}

/// Counts its loads, and does something before the first answers.
struct Database {
    loads: AtomicUsize,
    first: Box<dyn Fn() -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>,
}

impl Database {
    fn new(
        first: impl Fn() -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { loads: AtomicUsize::new(0), first: Box::new(first) })
    }
}

impl PageSource for Database {
    fn load<'a>(&'a self, channel: &'a ChannelId) -> SourceFuture<'a> {
        Box::pin(async move {
            if self.loads.fetch_add(1, Ordering::SeqCst) == 0 {
                (self.first)().await;
            }
            Ok((channel.as_str() == "blog").then(|| vec![post("a"), post("b")]))
        })
    }
}

#[tokio::test]
async fn a_page_source_makes_a_page_whole_with_one_load_for_a_crowd() {
    let database = Database::new(|| Box::pin(async {}));
    let hub = Hub::with_source(FaultyBus::new(&brisk()), database.clone(), brisk()).unwrap();
    let (first, second) = tokio::join!(poll(&hub, "garbage"), poll(&hub, "*"));
    for (status, frame) in [first, second] {
        assert_eq!((status, &frame["reset"]), (200, &Value::Bool(true)), "{frame}");
        assert_eq!(frame["renders"].as_object().unwrap().len(), 2);
    }
    assert_eq!(database.loads.load(Ordering::SeqCst), 1);
    // A page that the site does not have stays without a log.
    let (_, frame) = get(&hub, "/updates/other/?cursor=garbage").await;
    assert_eq!(frame["reload"], true);
}

#[tokio::test]
async fn what_is_published_while_the_page_loads_is_not_undone() {
    let bus = FaultyBus::new(&brisk());
    let publisher = bus.clone();
    let database = Database::new(move || {
        let bus = publisher.clone();
        Box::pin(async move {
            EventBus::publish(&*bus, &channel(), Update::new().render(post("c")), None).await.unwrap();
        })
    });
    let hub = Hub::with_source(bus, database.clone(), brisk()).unwrap();
    let (_, frame) = poll(&hub, "*").await;
    assert_eq!(frame["reset"], true);
    assert_eq!(database.loads.load(Ordering::SeqCst), 2, "loaded again, because the first load may be older");
}

#[tokio::test]
async fn a_source_that_does_not_answer_leaves_the_page_live_but_not_whole() {
    let config = Config { bus_deadline: Duration::from_millis(400), ..brisk() };
    let database = Database::new(|| Box::pin(std::future::pending()));
    let hub = Hub::with_source(FaultyBus::new(&config), database, config).unwrap();
    let (status, _) = eventually(async || Some(poll(&hub, "garbage").await).filter(|(status, _)| *status == 200)).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_seed_whose_announcement_is_lost_in_silence_is_found_all_the_same() {
    let bus = FaultyBus::new(&brisk());
    bus.is_deaf.store(true, Ordering::SeqCst);
    let hub = Hub::with_source(bus, Database::new(|| Box::pin(async {})), brisk()).unwrap();
    let frame = eventually(async || Some(poll(&hub, "*").await).filter(|(status, _)| *status == 200)).await.1;
    assert_eq!(frame["reset"], true, "{frame}");
}

#[derive(Default)]
struct FailsAtFirst(AtomicUsize);

impl PageSource for FailsAtFirst {
    fn load<'a>(&'a self, _: &'a ChannelId) -> SourceFuture<'a> {
        Box::pin(async move {
            match self.0.fetch_add(1, Ordering::SeqCst) {
                0..2 => Err("the database is away".into()),
                _ => Ok(Some(vec![post("a"), post("b")])),
            }
        })
    }
}

#[tokio::test]
async fn a_load_that_failed_is_tried_again() {
    let hub = Hub::with_source(FaultyBus::new(&brisk()), Arc::new(FailsAtFirst::default()), brisk()).unwrap();
    let (_, frame) = poll(&hub, "garbage").await;
    assert_eq!(frame["reload"], true, "live at once, but not whole");
    let frame =
        eventually(async || Some(poll(&hub, "garbage").await.1).filter(|frame| frame["reload"].is_null())).await;
    assert_eq!((&frame["reset"], frame["renders"].as_object().unwrap().len()), (&Value::Bool(true), 2), "{frame}");
}

/// Counts how many of its loads are under way at a time.
#[derive(Default)]
struct Crowded {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl PageSource for Crowded {
    fn load<'a>(&'a self, _: &'a ChannelId) -> SourceFuture<'a> {
        Box::pin(async move {
            self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Time for all others to begin, too.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            self.now.fetch_sub(1, Ordering::SeqCst);
            Ok(Some(vec![post("a")]))
        })
    }
}

#[tokio::test]
async fn of_many_pages_only_a_few_are_loaded_at_a_time() {
    let database = Arc::new(Crowded::default());
    let config = || Config { max_page_loads: 3, bus_deadline: DEADLINE, ..brisk() };
    let hub = Hub::with_source(FaultyBus::new(&config()), database.clone(), config()).unwrap();
    let mut readers = tokio::task::JoinSet::new();
    for number in 0..20 {
        let hub = hub.clone();
        readers.spawn(async move { get(&hub, &format!("/updates/page-{number}/?cursor=*")).await });
    }
    for (status, frame) in readers.join_all().await {
        assert_eq!((status, &frame["reset"]), (200, &Value::Bool(true)), "{frame}");
    }
    assert_eq!(database.most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_outage_is_logged_once_however_many_pages_there_are() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let bus = FaultyBus::new(&brisk());
    let config = Config { linger: DEADLINE, ..brisk() };
    let hub = Hub::new(bus.clone(), config).unwrap();
    bus.is_deaf.store(true, Ordering::SeqCst);
    for name in ["a", "b", "c", "blog"] {
        assert_eq!(get(&hub, &format!("/updates/{name}/?cursor=*")).await.0, 200);
    }
    for outages in 1..=2 {
        bus.is_down.store(true, Ordering::SeqCst);
        bus.lose();
        let failures = bus.failures.load(Ordering::SeqCst);
        eventually(async || (bus.failures.load(Ordering::SeqCst) >= failures + 20).then_some(())).await;
        let lines = log.lines(tracing::Level::WARN);
        assert_eq!(lines.len(), outages, "{lines:?}");
        bus.is_down.store(false, Ordering::SeqCst);
        eventually(async || (log.lines(tracing::Level::INFO).len() == outages).then_some(())).await;
        eventually(async || (hub.metrics().stale_pages == 0).then_some(())).await;
    }
}

#[tokio::test]
async fn an_admission_that_ends_closes_the_connection_with_its_code() {
    let hub = Hub::new(FaultyBus::new(&brisk()), brisk()).unwrap();
    let permit = hub.admit(Some(Ipv4Addr::LOCALHOST.into())).unwrap();
    let reader = hub.join(&channel(), Start::Recent, permit).await.unwrap().until(Instant::now());
    let (ours, mut theirs) = tokio::io::duplex(4_096);
    let session = tokio::spawn(serve_websocket(ours, bytes::Bytes::new(), reader));
    let mut header = [0; 4];
    theirs.read_exact(&mut header).await.unwrap();
    assert_eq!((header[0], u16::from_be_bytes([header[2], header[3]])), (0x88, 4100));
    drop(theirs);
    let _ = session.await.unwrap();
    assert_eq!(hub.readers(), 0);
}

#[test]
fn a_hub_outside_a_runtime_says_so() {
    let error = Hub::new(FaultyBus::new(&brisk()), brisk()).unwrap_err();
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}

#[tokio::test]
async fn a_poll_that_waits_holds_nothing_of_its_request() {
    let config = Config::default();
    let hub = Hub::new(bus::from_url("memory:", &config).unwrap(), config).unwrap();
    let cursor = hub.publish(&channel(), Update::new().render(post("1")), None).await.unwrap().cursor;
    // As hyper's headers are: pieces of what it has read.
    let header = bytes::Bytes::from(String::from("http://localhost"));
    let request = http::Request::get(format!("/updates/blog/?cursor={cursor}&wait=60"))
        .header("host", "localhost")
        .header("origin", http::HeaderValue::from_maybe_shared(header.clone()).unwrap())
        .body(Empty::<bytes::Bytes>::new())
        .unwrap();
    let mut answer = std::pin::pin!(hub.respond(request, None));
    let let_go = async {
        while !header.is_unique() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        _ = &mut answer => panic!("nothing is new"),
        () = let_go => {}
        () = tokio::time::sleep(DEADLINE) => panic!("the request is kept"),
    }
    hub.publish(&channel(), Update::new().render(post("2")), None).await.unwrap();
    let Answer::Response(response) = answer.await else { panic!("not a response") };
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["access-control-allow-origin"], "http://localhost");
}
