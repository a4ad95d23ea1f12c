//! What is actix's alone: how its routes are mounted, and that the site's own handlers are served as ever.

use std::{
    convert::Infallible,
    net::{SocketAddr, TcpListener},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use actix_web::{
    App, FromRequest, HttpRequest, HttpResponse,
    body::BodyStream,
    test::TestRequest,
    web::{self, Bytes, Payload, ServiceConfig},
};
use futures_util::{Stream, StreamExt, stream};
use live_actix::{Config, Hub, Publishing, Route, bus};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Which of live-actix's servers.
#[derive(Clone, Copy)]
enum Server {
    Actix,
    Lean,
}

/// A hub, and the site that `configure` makes of it, on a port of its own.
async fn start<F>(server: Server, config: Config, configure: fn(Hub) -> F) -> (Hub, SocketAddr)
where
    F: FnOnce(&mut ServiceConfig) + 'static,
{
    let hub = Hub::new(bus::from_url("memory:", &config).unwrap(), config).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let routes = hub.clone();
    let app = move || App::new().configure(configure(routes.clone()));
    match server {
        Server::Actix => tokio::spawn(live_actix::serve(listener, app, hub.clone())),
        Server::Lean => tokio::spawn(live_actix::serve_lean(listener, app, hub.clone())),
    };
    (hub, address)
}

async fn connect(address: SocketAddr) -> TcpStream {
    timeout(DEADLINE, TcpStream::connect(address)).await.unwrap().unwrap()
}

/// Sends this, and reads until all of `mark` has come.
async fn exchange(wire: &mut TcpStream, bytes: impl AsRef<[u8]>, mark: &str) -> String {
    wire.write_all(bytes.as_ref()).await.unwrap();
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(mark) {
        let count = timeout(DEADLINE, wire.read_buf(&mut read)).await.unwrap().unwrap();
        assert!(count > 0, "{mark} does not come behind {}", String::from_utf8_lossy(&read));
    }
    String::from_utf8_lossy(&read).into_owned()
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: live.example\r\n\r\n")
}

const DEADLINE: Duration = Duration::from_secs(20);

/// A scope with a parameter, in a scope.
fn nested(hub: Hub) -> impl FnOnce(&mut ServiceConfig) {
    |config| {
        let inner = web::scope("/{live_page}/live").configure(live_actix::routes(hub));
        config.service(web::scope("/blogs").service(inner));
    }
}

pub(crate) async fn a_channel_is_found_behind_any_prefix_however_it_is_encoded() {
    let (_hub, address) = start(Server::Lean, Config::default(), nested).await;
    for prefix in ["/blogs/x/live", "/%62logs/a%2Fb%20c/l%69ve", "http://live.example/blogs/x/live"] {
        for (channel, status) in [("a%20b", 200), ("%C3%BC/", 200), ("", 400), ("%2F", 400), ("a/b", 404), ("%ff", 400)]
        {
            let mut wire = connect(address).await;
            let answer = exchange(&mut wire, get(&format!("{prefix}/updates/{channel}")), "\r\n\r\n").await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{prefix} {channel}: {answer}");
        }
    }
}

/// Live's routes beside a WebSocket of the site's own, which is the body of its response.
fn beside(hub: Hub) -> impl FnOnce(&mut ServiceConfig) {
    |config| {
        config.route("/own", web::get().to(own)).configure(live_actix::routes(hub));
    }
}

/// Sends back what comes.
async fn own(request: HttpRequest, mut payload: Payload) -> HttpResponse {
    let echo = stream::poll_fn(move |cx| match payload.poll_next_unpin(cx) {
        Poll::Ready(Some(Ok(bytes))) => Poll::Ready(Some(Ok::<Bytes, Infallible>(bytes))),
        Poll::Ready(_) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    assert!(request.headers().contains_key("upgrade"));
    HttpResponse::SwitchingProtocols().upgrade("websocket").body(BodyStream::new(echo))
}

pub(crate) async fn a_websocket_of_the_sites_own_stays_with_actix() {
    let (_hub, address) = start(Server::Lean, Config::default(), beside).await;
    let mut wire = connect(address).await;
    let handshake = get("/own").replace("\r\n\r\n", "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert!(exchange(&mut wire, handshake + "early", "early").await.starts_with("HTTP/1.1 101 "));
    assert_eq!(exchange(&mut wire, "late", "late").await, "late");
}

pub(crate) async fn the_header_of_a_later_request_has_its_deadline_as_well() {
    let header_timeout = Duration::from_millis(400);
    let (_hub, address) = start(Server::Lean, Config { header_timeout, ..Config::default() }, beside).await;
    let mut wire = connect(address).await;
    exchange(&mut wire, get("/updates/blog/"), "\r\n\r\n").await;
    let mut dripped = 0;
    let mut piece = [0; 1_000];
    // A byte now and then must not keep it.
    while wire.write_all(b"x").await.is_ok() {
        if let Ok(Ok(0) | Err(_)) = timeout(Duration::from_millis(20), wire.read(&mut piece)).await {
            return;
        }
        dripped += 1;
        assert!(dripped < 1_000, "twenty seconds of a header");
    }
}

pub(crate) async fn streams_that_have_left_take_no_place_from_others() {
    // One for each worker.
    let (_hub, address) = start(Server::Lean, Config { max_sockets: 1, ..Config::default() }, beside).await;
    let mut streams = Vec::new();
    let upgrade = "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let handshake = get("/ws/channel/blog/").replace("\r\n\r\n", upgrade);
    for _ in 0..2 * std::thread::available_parallelism().unwrap().get() {
        for request in [&get("/events/blog/"), &handshake] {
            let mut wire = connect(address).await;
            exchange(&mut wire, request, "removals").await;
            streams.push(wire);
        }
    }
}

pub(crate) async fn a_publisher_that_is_refused_can_send_to_its_end() {
    for server in [Server::Actix, Server::Lean] {
        let config = Config { publishing: Publishing::Open, max_publish_bytes: 1_000, ..Config::default() };
        let (_hub, address) = start(server, config, beside).await;
        let mut wire = connect(address).await;
        let body = vec![b'x'; 32 << 20];
        let head = get("/publish/blog/").replace("GET", "POST");
        let head = head.replace("\r\n\r\n", &format!("\r\nContent-Length: {}\r\n\r\n", body.len()));
        let sent = async { wire.write_all(head.as_bytes()).await.and(wire.write_all(&body).await) };
        timeout(DEADLINE, sent).await.unwrap().unwrap();
        assert!(exchange(&mut wire, "", "larger than 1000 bytes").await.starts_with("HTTP/1.1 413 "));
    }
}

pub(crate) async fn a_long_poll_may_wait_longer_than_a_header_may_take() {
    let (header_timeout, long_poll_timeout) = (Duration::from_millis(200), Duration::from_millis(1_000));
    let config = Config { header_timeout, long_poll_timeout, ..Config::default() };
    let (hub, address) = start(Server::Lean, config, beside).await;
    let mut wire = connect(address).await;
    let cursor = hub.cursor(&live_actix::ChannelId::new("blog").unwrap()).await.unwrap();
    let answer = exchange(&mut wire, get(&format!("/updates/blog/?wait&cursor={cursor}")), "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
}

/// glibc keeps a block of up to 1,032 bytes whole, for the next request. A longer one it cuts up, and a WebSocket that began in it holds a
/// hole open; see what `cargo xtask bench` says of actix. actix itself adds some 140 bytes.
pub(crate) async fn what_a_request_needs_while_it_is_answered_is_small() {
    let config = Config::default();
    let hub = Hub::new(bus::from_url("memory:", &config).unwrap(), config).unwrap();
    let (request, mut payload) = TestRequest::default().to_http_parts();
    let payload = Payload::from_request(&request, &mut payload).await.unwrap();
    let mut rest = Payload::from_request(&request, &mut TestRequest::default().to_http_parts().1).await.unwrap();
    let answering = live_actix::respond(&hub, Route::Client, &request, payload);
    assert!(size_of_val(&answering) < 880, "{} bytes", size_of_val(&answering));
    let body = live_actix::http::Incoming::new(None, |cx| Pin::new(&mut rest).poll_next(cx));
    let responding = hub.respond(http::Request::new(body), None);
    assert!(size_of_val(&responding) <= 1_032, "{} bytes", size_of_val(&responding));
}
