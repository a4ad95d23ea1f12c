//! Streams of events on their way from the HTTP server to the bare socket.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use live_core::{ChannelId, Config, Hub, PostId, Render, Update, bus, http::Body, server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

/// Longer than anything takes here.
const DEADLINE: Duration = Duration::from_secs(20);

/// A body on its way through the site.
type Sent = UnsyncBoxBody<Bytes, Infallible>;

/// A site that does something with each body on its way, and says when Live's own is done with.
async fn site(change: fn(Sent) -> Sent) -> (SocketAddr, Hub, mpsc::UnboundedReceiver<()>) {
    let config = Config::default();
    let hub = Hub::new(bus::from_url("memory:", &config).unwrap(), config).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    let readers = hub.clone();
    let answer = move |request| {
        let (hub, done) = (readers.clone(), Done(tell.clone()));
        async move { server::respond(&hub, request, None, None).await.map(|body| change(watched(body, done))) }
    };
    tokio::spawn(server::serve_with(listener, answer, hub.clone()));
    (address, hub, told)
}

struct Done(mpsc::UnboundedSender<()>);

impl Drop for Done {
    fn drop(&mut self) {
        let _nobody_asks = self.0.send(());
    }
}

fn watched(body: Body, done: Done) -> Sent {
    let watched = body.map_frame(move |frame| {
        let _until_the_end = &done;
        frame
    });
    watched.boxed_unsync()
}

/// As a layer may that compresses, or another that translates.
fn loud(body: Sent) -> Sent {
    body.map_frame(|frame| frame.map_data(|bytes| Bytes::from(bytes.to_ascii_uppercase()))).boxed_unsync()
}

/// As a layer may that does its work in a task of its own: it hands on two events at a time.
fn in_pairs(mut body: Sent) -> Sent {
    let (give, take) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            let mut pair = Vec::new();
            for _ in 0..2 {
                let Some(Ok(frame)) = body.frame().await else { return };
                pair.extend_from_slice(frame.data_ref().unwrap());
            }
            if give.send(Bytes::from(pair)).await.is_err() {
                return;
            }
        }
    });
    Taken(take).boxed_unsync()
}

struct Taken(mpsc::Receiver<Bytes>);

impl http_body::Body for Taken {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

async fn ask(address: SocketAddr, version: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /events/blog/ HTTP/{version}\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn publish(hub: &Hub, html: &str) {
    let update = Update::new().render(Render::new(PostId::new("1").unwrap(), html));
    hub.publish(&ChannelId::new("blog").unwrap(), update, None).await.unwrap();
}

/// What comes up to and with `end`.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).ends_with(end) {
        read.push(timeout(DEADLINE, stream.read_u8()).await.expect(end).unwrap());
    }
    String::from_utf8(read).unwrap()
}

async fn done(told: &mut mpsc::UnboundedReceiver<()>) {
    timeout(DEADLINE, told.recv()).await.expect("the server does not let go of the body").unwrap();
}

#[tokio::test]
async fn a_stream_of_events_leaves_the_http_server_once_its_first_event_is_out() {
    let (address, hub, mut told) = site(|body| body).await;
    let mut stream = ask(address, "1.1").await;
    assert!(read_until(&mut stream, "\r\n\r\n").await.to_lowercase().contains("transfer-encoding: chunked"));
    done(&mut told).await;
    publish(&hub, "still here").await;
    let events = read_until(&mut stream, "\"}\n\n\r\n").await + &read_until(&mut stream, "\"}\n\n\r\n").await;
    let lines: Vec<&str> = events.split("\r\n").collect();
    for chunk in lines.chunks_exact(2) {
        assert_eq!(usize::from_str_radix(chunk[0], 16), Ok(chunk[1].len()), "{events}");
    }
    assert!(lines[3].contains("still here"), "{events}");
    let ((), end) = tokio::join!(hub.drain(), read_until(&mut stream, "0\r\n\r\n"));
    assert!(end.contains("event: close"), "{end}");
    assert_eq!(timeout(DEADLINE, stream.read(&mut [0])).await.unwrap().unwrap(), 0, "and the connection ends");
}

#[tokio::test]
async fn a_stream_of_events_that_somebody_changes_on_its_way_stays_with_him() {
    let (address, hub, mut told) = site(loud).await;
    let mut stream = ask(address, "1.1").await;
    read_until(&mut stream, "\"}\n\n\r\n").await;
    publish(&hub, "louder").await;
    assert!(read_until(&mut stream, "\"}\n\n\r\n").await.contains("LOUDER"));
    assert!(told.try_recv().is_err());
    drop(stream);
    done(&mut told).await;
}

#[tokio::test]
async fn a_stream_of_events_that_somebody_holds_back_goes_on() {
    let (address, hub, mut told) = site(in_pairs).await;
    let mut stream = ask(address, "1.1").await;
    read_until(&mut stream, "\r\n\r\n").await;
    for (first, second) in [("one", "two"), ("three", "four")] {
        // The first pair begins with the hello.
        if first != "one" {
            publish(&hub, first).await;
        }
        publish(&hub, second).await;
        let pair = read_until(&mut stream, "\"}\n\n\r\n").await;
        assert!(pair.contains(second) && (first == "one" || pair.contains(first)), "{pair}");
    }
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn a_stream_of_events_without_chunks_stays() {
    let (address, hub, mut told) = site(|body| body).await;
    let mut stream = ask(address, "1.0").await;
    read_until(&mut stream, "\"}\n\n").await;
    publish(&hub, "as it is").await;
    let event = read_until(&mut stream, "\"}\n\n").await;
    assert!(event.starts_with("id: ") && event.contains("as it is"), "{event}");
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn a_reader_who_goes_is_counted_out_although_nothing_is_said() {
    let (address, hub, mut told) = site(|body| body).await;
    let mut stream = ask(address, "1.1").await;
    read_until(&mut stream, "\"}\n\n\r\n").await;
    done(&mut told).await;
    stream.write_all(b"GET /updates/blog/ HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(timeout(DEADLINE, stream.read(&mut [0])).await.unwrap().unwrap(), 0);
    timeout(DEADLINE, hub.all_left()).await.expect("the reader is still counted");
}
