//! Readers that read slowly: fewer, larger frames, and never a stale post. Nobody else notices.

use std::time::Duration;

use live_core::Config;

use crate::{
    adapter::Adapter,
    case::Case,
    client::{EventStream, Request, WebSocket, Wire, within},
    model::{Frame, Reader, Shown},
    server::{TestServer, quick, removal},
};

/// What each of the updates below weighs.
const POST_BYTES: usize = 128 << 10;
const UPDATES: usize = 200;

fn html(number: usize) -> String {
    format!("{number} {}", "x".repeat(POST_BYTES))
}

/// Publishes a crowd of large updates, each as soon as a reader who keeps up has the one before.
async fn publish_a_crowd(server: &TestServer, fast: &mut WebSocket) {
    for number in 0..UPDATES {
        let id = (number % 5).to_string();
        let cursor = match number % 20 {
            19 => server.publish("blog", removal(&id)).await,
            _ => server.post("blog", &id, &html(number)).await,
        };
        assert_eq!(fast.frame().await.cursor, cursor, "a reader who keeps up gets each update by itself");
    }
}

/// What a slow reader got once it read on, until it was at the head.
async fn catch_up(reader: &mut Reader, server: &TestServer, mut next: impl AsyncFnMut() -> Frame) -> usize {
    let head = server.cursor("blog").await;
    let mut frames = 0;
    while !reader.is_at(&head) {
        reader.apply(&next().await);
        frames += 1;
    }
    frames
}

async fn a_reader_that_stops_reading_gets_a_conflated_frame_when_it_reads_on(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.seed("blog", &["0", "1", "2", "3", "4"]).await;
    let mut fast = WebSocket::open(&server, "blog", Some("*")).await;
    fast.frame().await;
    let wire = Wire::connect_narrow(&server).await;
    let mut socket = WebSocket::open_on(wire, &server, "blog", Some("*")).await;
    let request = Request::new("GET", "/events/blog/?cursor=*").under(server.prefix);
    let mut events = EventStream::ask_on(Wire::connect_narrow(&server).await, request).await;
    let (mut by_socket, mut by_events) = (Reader::default(), Reader::default());
    by_socket.apply(&socket.frame().await);
    by_events.apply(&events.frame().await);

    publish_a_crowd(&server, &mut fast).await;

    let page = Shown::by(&server, "blog").await;
    let of_socket = catch_up(&mut by_socket, &server, async || socket.frame().await).await;
    let of_events = catch_up(&mut by_events, &server, async || events.frame().await).await;
    // What was in the kernel's buffers, the frame in flight, and one for all the rest.
    for frames in [of_socket, of_events] {
        assert!(frames < 10, "{frames} frames of {UPDATES} updates");
    }
    assert_eq!((by_socket.shown, by_events.shown), (page.clone(), page));
    assert_eq!((by_socket.resets, by_events.resets), (1, 1), "only the first");

    let last = server.post("blog", "last", "by itself again").await;
    assert_eq!(socket.frame().await.cursor, last);
    assert_eq!(events.frame().await.cursor, last);
    drop((socket, events, fast));
    server.forgets_its_readers().await;
}

/// A page of 3 MiB, far more than the kernel keeps for a connection.
async fn with_a_large_page(adapter: Adapter, config: Config) -> TestServer {
    let server = adapter.start(config).await;
    server.seed("blog", &[]).await;
    for number in 0..24 {
        server.post("blog", &number.to_string(), &html(number)).await;
    }
    server
}

fn impatient() -> Config {
    Config {
        heartbeat: Duration::from_millis(100),
        silence_deadline: Duration::from_secs(3),
        write_deadline: Duration::from_millis(400),
        ..quick()
    }
}

async fn a_reader_is_not_cut_for_being_slow_as_long_as_it_makes_progress(adapter: Adapter) {
    let silence_deadline = Duration::from_secs(1);
    let server =
        with_a_large_page(adapter, Config { silence_deadline, write_deadline: Duration::from_secs(5), ..impatient() })
            .await;
    let wire = Wire::connect_with_buffer(&server, 64 << 10).await;
    let mut socket = WebSocket::open_on(wire, &server, "blog", Some("*")).await;
    let began = std::time::Instant::now();
    // The ping that it has to answer lies behind three MiB, which take longer than the silence that is allowed.
    for _ in 0..250 {
        assert!(socket.wire().read_some(12 << 10).await, "cut after {:?}", began.elapsed());
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
    let mut reader = Reader::default();
    reader.apply(&socket.frame().await);
    assert!(began.elapsed() > silence_deadline, "{:?}", began.elapsed());
    assert_eq!(reader.shown, Shown::by(&server, "blog").await);
    let next = server.post("blog", "1", "it is still there").await;
    while !reader.is_at(&next) {
        reader.apply(&socket.frame().await);
    }
}

async fn a_reader_that_makes_no_progress_is_cut_at_the_write_deadline(adapter: Adapter) {
    let server = with_a_large_page(adapter, Config { silence_deadline: Duration::from_secs(60), ..impatient() }).await;
    let mut other = WebSocket::open(&server, "blog", Some(&server.cursor("blog").await)).await;
    other.frame().await;
    let narrow = || Wire::connect_narrow(&server);
    let mut socket = WebSocket::open_on(narrow().await, &server, "blog", Some("*")).await;
    let request = |route: &str| Request::new("GET", &format!("{route}?cursor=*")).under(server.prefix);
    let events = EventStream::ask_on(narrow().await, request("/events/blog/")).await;
    let mut poll = narrow().await;
    poll.send(request("/updates/blog/").to_bytes()).await;
    let length: usize = poll.head().await.unwrap().header("content-length").unwrap().parse().unwrap();
    // A poll is no reader any more while its answer is on the way, so all that can be seen of it from here is the end.
    tokio::time::sleep(4 * impatient().write_deadline).await;
    server.has_readers(1).await;

    let head = server.post("blog", "0", "for those who are there").await;
    within("the other reader's frame", async { while other.frame().await.cursor != *head {} }).await;
    // What was under way has ended in the middle, and nothing that could be taken for an end was sent.
    assert_eq!(socket.next().await, crate::client::Message::End);
    let mut events = events.into_wire();
    let bytes = events.take_all().await;
    assert!(!bytes.ends_with(b"0\r\n\r\n"));
    assert!(poll.take(length).await.is_none());
    // Whoever comes after this case reads a small page: a busy machine may need more than the deadline for the large one.
    server.seed("blog", &["0"]).await;
    drop(other);
    server.forgets_its_readers().await;
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    a_reader_that_stops_reading_gets_a_conflated_frame_when_it_reads_on,
    a_reader_is_not_cut_for_being_slow_as_long_as_it_makes_progress + threaded + websocket,
    a_reader_that_makes_no_progress_is_cut_at_the_write_deadline,
];
