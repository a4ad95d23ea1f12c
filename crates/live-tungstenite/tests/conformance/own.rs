//! What only live-tungstenite has: one route alone, a check before everything, and streams that somebody else has accepted.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use live_tungstenite::{
    Admission, Body, ChannelId, Config, Hub, PostId, Render, Request, Response, Start, Update, bus, serve,
    serve_checked, serve_websocket,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, accept_async, client_async, tungstenite::Message};

const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) fn what_is_no_websocket_is_told_so() {
    run(async {
        let (listener, address) = listen().await;
        tokio::spawn(serve(listener, hub()));
        let routes = ["/events/a/", "/updates/a", "/get-updates/a/", "/publish/a/", "/live.js", "/wagtail-live.js/"];
        for path in routes.into_iter().chain(["/", "/ws", "/live/ws/channel/a/", "/ws/channel/a/b/"]) {
            for method in ["GET", "POST", "OPTIONS"] {
                let answer = ask(address, method, path).await;
                assert!(answer.starts_with("HTTP/1.1 426 "), "{method} {path}: {answer}");
                assert!(answer.contains("\r\nupgrade: websocket\r\n"), "{answer}");
                assert!(answer.ends_with("this server speaks WebSocket only, at /ws/channel/{channel}/\n"), "{answer}");
            }
        }
        let answer = ask(address, "GET", "/ws/channel/a/").await;
        assert!(answer.starts_with("HTTP/1.1 426 ") && answer.contains("new WebSocket(url)"), "{answer}");
    });
}

pub(crate) fn a_check_of_ones_own_comes_before_the_upgrade() {
    run(async {
        let (listener, address) = listen().await;
        let hub = hub();
        tokio::spawn(serve_checked(listener, hub.clone(), |request: Request| async move {
            match request.uri().path() {
                "/healthz" => Err(Response::new(Body::full("well\n"))),
                _ if request.headers().contains_key("cookie") => Ok(request),
                _ => {
                    let mut response = Response::new(Body::full("for subscribers\n"));
                    *response.status_mut() = http::StatusCode::UNAUTHORIZED;
                    Err(response)
                }
            }
        }));
        assert!(ask(address, "GET", "/healthz").await.ends_with("\r\n\r\nwell\n"));
        assert!(ask(address, "GET", "/ws/channel/a/").await.starts_with("HTTP/1.1 401 "));
        let stream = TcpStream::connect(address).await.unwrap();
        client_async(format!("ws://{address}/ws/channel/a/"), stream).await.unwrap_err();
        assert_eq!((hub.readers(), hub.open_pages()), (0, 0));
    });
}

pub(crate) fn an_admission_of_ones_own_ends() {
    run(async {
        let (listener, address) = listen().await;
        tokio::spawn(serve_checked(listener, hub(), |mut request: Request| async move {
            request.extensions_mut().insert(Admission { until: Instant::now() + Duration::from_millis(100) });
            Ok(request)
        }));
        let mut socket = open(address).await;
        loop {
            match next(&mut socket).await {
                Message::Close(frame) => break assert_eq!(u16::from(frame.unwrap().code), 4100),
                message => assert!(message.is_text(), "{message:?}"),
            }
        }
    });
}

pub(crate) fn a_stream_that_tungstenite_accepted_is_served() {
    run(async {
        let (listener, address) = listen().await;
        let (hub, blog) = (hub(), ChannelId::new("blog").unwrap());
        let (accepting, channel) = (hub.clone(), blog.clone());
        tokio::spawn(async move {
            let socket = accept_async(listener.accept().await.unwrap().0).await.unwrap();
            let permit = accepting.admit(None).unwrap();
            let reader = accepting.join(&channel, Start::parse(None), permit).await.unwrap();
            serve_websocket(socket.into_inner(), bytes::Bytes::new(), reader).await.unwrap();
        });
        let mut socket = open(address).await;
        assert!(next(&mut socket).await.to_text().unwrap().starts_with(r#"{"renders":{},"removals":[],"#));
        let goal = Render::new(PostId::new("1").unwrap(), "<p>Goal!</p>");
        hub.publish(&blog, Update::new().render(goal), None).await.unwrap();
        assert!(next(&mut socket).await.to_text().unwrap().contains("Goal!"));
        socket.close(None).await.unwrap();
        while socket.next().await.is_some() {}
    });
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { timeout(2 * DEADLINE, test).await.unwrap() });
    runtime.shutdown_background();
}

fn hub() -> Hub {
    let config = Config::default();
    Hub::new(bus::from_url("memory:", &config).unwrap(), config).unwrap()
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn open(address: SocketAddr) -> WebSocketStream<TcpStream> {
    let stream = TcpStream::connect(address).await.unwrap();
    client_async(format!("ws://{address}/ws/channel/blog/"), stream).await.unwrap().0
}

async fn next(socket: &mut WebSocketStream<TcpStream>) -> Message {
    timeout(DEADLINE, socket.next()).await.unwrap().unwrap().unwrap()
}

/// The whole answer, on a connection that ends with it.
async fn ask(address: SocketAddr, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}
