//! WebSocket and Server-Sent Events while all is well: the hello, and frame after frame.

use crate::{
    adapter::Adapter,
    case::Case,
    client::{EventStream, Message, WebSocket},
    model::{Applied, Frame, Reader, Shown},
    server::quick,
};

async fn a_stream_says_hello_at_once(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let head = server.cursor("blog").await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    let mut events = EventStream::open(&server, "blog", None).await;
    for hello in [socket.frame().await, events.frame().await] {
        assert!(hello.is_empty() && hello.cursor == head, "{hello:?}");
    }
    assert_eq!(server.readers(), 2);
    drop((socket, events));
    server.forgets_its_readers().await;
}

async fn a_stream_of_events_is_not_held_back_or_kept_by_anyone(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let response = EventStream::open(&server, "blog", None).await.response;
    assert_eq!(response.header("content-type"), Some("text/event-stream"));
    assert_eq!(response.header("x-accel-buffering"), Some("no"));
    let cache = response.header("cache-control").unwrap();
    assert!(cache.contains("no-store") && cache.contains("no-transform"), "{cache}");
}

async fn each_publish_is_one_frame_that_continues_from_the_last(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.seed("blog", &["1"]).await;
    let mut socket = WebSocket::open(&server, "blog", Some("*")).await;
    let mut events = EventStream::open(&server, "blog", Some("*")).await;
    let mut readers = [Reader::default(), Reader::default()];
    let mut last: [Frame; 2] = [socket.frame().await, events.frame().await];
    for (reader, frame) in readers.iter_mut().zip(&last) {
        reader.apply(frame);
    }
    for number in 2..12 {
        let cursor = server.post("blog", &number.to_string(), "new").await;
        let frames = [socket.frame().await, events.frame().await];
        for ((reader, frame), last) in readers.iter_mut().zip(&frames).zip(&last) {
            assert!(frame.prev == last.cursor && frame.cursor == cursor, "{frame:?}");
            assert_eq!((frame.ids(), reader.apply(frame)), (vec![number.to_string().as_str()], Applied::Yes));
        }
        last = frames;
    }
    let page = Shown::by(&server, "blog").await;
    assert!(readers.iter().all(|reader| reader.shown == page));
}

async fn an_update_that_changes_nothing_reaches_nobody(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let head = server.post("blog", "1", "one").await;
    let mut socket = WebSocket::open(&server, "blog", Some(&head)).await;
    socket.frame().await;
    assert_eq!(server.publish("blog", live_core::Update::new()).await, head);
    let next = server.post("blog", "2", "two").await;
    let frame = socket.frame().await;
    assert!(frame.prev == head && frame.cursor == next, "{frame:?}");
}

async fn readers_of_one_page_get_nothing_of_another(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let mut blog = WebSocket::open(&server, "blog", None).await;
    let mut other = EventStream::open(&server, "other", None).await;
    blog.frame().await;
    other.frame().await;
    server.post("other", "of other", "x").await;
    server.post("blog", "of blog", "x").await;
    assert_eq!(blog.frame().await.ids(), ["of blog"]);
    assert_eq!(other.frame().await.ids(), ["of other"]);
}

async fn html_of_every_kind_arrives_as_it_was_published(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    let mut events = EventStream::open(&server, "blog", None).await;
    socket.frame().await;
    events.frame().await;
    let texts = [
        "\r",
        "\n",
        "\r\n",
        "\n\nevent: x\ndata: y\n\n",
        "data: z",
        "\u{2028}\u{2029}",
        "\u{feff}",
        "\0",
        "\u{1b}[31m",
        "🏉",
        "\"'\\/<>&",
        "]]>",
        "</script>",
        "\u{85}",
        "\u{7f}",
        "id: 5",
        ": comment",
        "\u{d7ff}\u{e000}\u{10ffff}",
    ];
    for (number, text) in texts.iter().enumerate() {
        server.post("blog", &number.to_string(), text).await;
        let content = format!("<div data-post-id=\"{number}\">{text}</div>");
        for frame in [socket.frame().await, events.frame().await] {
            assert_eq!(frame.renders[0].1.content, content);
        }
    }
    let polled = Frame::parse(&server.get("/updates/blog/?cursor=*").await.body);
    assert_eq!(polled.renders.len(), texts.len());
}

async fn frames_of_every_length_arrive_whole(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    let mut events = EventStream::open(&server, "blog", None).await;
    let overhead = {
        socket.frame().await;
        events.frame().await;
        server.seed("blog", &[]).await;
        socket.frame().await;
        events.frame().await;
        server.post("blog", "1", "").await;
        events.frame().await;
        socket.next().await
    };
    let Message::Text(smallest) = overhead else { panic!() };
    for length in [125, 126, 127, 65_535, 65_536, 65_537, 200_000] {
        let html = "x".repeat(usize::max(length, smallest.len()) - smallest.len());
        server.post("blog", "1", &html).await;
        let Message::Text(text) = socket.next().await else { panic!() };
        assert_eq!(text.len(), length.max(smallest.len()));
        assert_eq!(events.frame().await.renders[0].1.content.len(), html.len() + EMPTY_POST.len());
    }
}

const EMPTY_POST: &str = "<div data-post-id=\"1\"></div>";

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    a_stream_says_hello_at_once,
    a_stream_of_events_is_not_held_back_or_kept_by_anyone,
    each_publish_is_one_frame_that_continues_from_the_last,
    an_update_that_changes_nothing_reaches_nobody + websocket,
    readers_of_one_page_get_nothing_of_another,
    html_of_every_kind_arrives_as_it_was_published,
    frames_of_every_length_arrive_whole,
];
