//! The publisher to PieSocket: against our own side of its protocol, and against services that do not do what they should.

use std::{error::Error, net::SocketAddr, sync::Arc, time::Duration};

use live_core::{
    ChannelId, Config, Hub, PieSocketError, PieSocketFailure, PieSocketKeys, PieSocketPublisher, PostId, Publisher,
    Render, Update,
    bus::{self, BusError},
    server,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

const KEY: &str = "the-api-key";
const SECRET: &str = "the-secret-8f2c";

fn hub(config: Config) -> Hub {
    Hub::new(bus::from_url("memory:", &config).unwrap(), config).unwrap()
}

fn channel() -> ChannelId {
    ChannelId::new("blog").unwrap()
}

fn id(id: &str) -> PostId {
    PostId::new(id).unwrap()
}

fn update() -> Update {
    Update::new().render(Render::new(id("8f2c"), "<p>Houston – the Eagle has landed.</p>")).remove(id("77aa"))
}

fn publisher(address: SocketAddr, config: &Config) -> PieSocketPublisher {
    PieSocketPublisher::at(&format!("http://{address}/api/publish"), KEY, SECRET, config).unwrap()
}

/// Deadlines that a test can wait for.
fn brisk() -> Config {
    Config {
        service_timeout: Duration::from_millis(200),
        service_deadline: Duration::from_secs(1),
        ..Config::default()
    }
}

/// Our own side of the protocol.
async fn our_server() -> (SocketAddr, Hub) {
    let hub = hub(Config { piesocket: PieSocketKeys::new(KEY, SECRET), ..Config::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let readers = hub.clone();
    let answer = move |request| {
        let hub = readers.clone();
        async move { server::respond(&hub, request, None, None).await }
    };
    tokio::spawn(server::serve_with(listener, answer, hub.clone()));
    (address, hub)
}

/// A service that does with each connection, and with each request on it, what `act` says.
async fn service<A, F>(act: A) -> (SocketAddr, mpsc::UnboundedReceiver<String>)
where
    A: Fn(TcpStream, String) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Option<TcpStream>> + Send + 'static,
{
    let (tell, told) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (act, tell) = (act.clone(), tell.clone());
            tokio::spawn(async move {
                while let Some(request) = read_request(&mut stream).await {
                    drop(tell.send(request.clone()));
                    let Some(kept) = act(stream, request).await else { return };
                    stream = kept;
                }
            });
        }
    });
    (address, told)
}

/// Head and body; `None` at the end of the connection.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse().unwrap() {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}

async fn answer(mut stream: TcpStream, status: &str, body: &str) -> Option<TcpStream> {
    let text = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(text.as_bytes()).await.unwrap();
    Some(stream)
}

#[tokio::test]
async fn our_own_side_takes_what_is_published_and_another_secret_is_refused() {
    let (address, hub) = our_server().await;
    let config = Config::default();
    publisher(address, &config).publish(&channel(), update()).await.unwrap();
    let page = hub.page(&channel()).await.unwrap();
    assert!(page.post("8f2c").unwrap().content().contains("the Eagle has landed"));
    let seed = Update::replace([Render::new(id("1"), "the only one"), Render::hidden(id("2"))]);
    publisher(address, &config).publish(&channel(), seed).await.unwrap();
    let page = hub.page(&channel()).await.unwrap();
    assert!(page.is_whole() && page.post("8f2c").is_none() && page.post("2").unwrap().html().is_none());

    let url = format!("http://{address}/api/publish");
    let stranger = PieSocketPublisher::at(&url, KEY, "another", &config).unwrap();
    let error = stranger.send(&channel(), &update()).await.unwrap_err();
    assert!(matches!(&error, PieSocketError::Refused { status } if status.as_u16() == 401), "{error:?}");
    let error = stranger.publish(&channel(), update()).await.unwrap_err();
    let BusError::Service(source) = error else { panic!("{error:?}") };
    assert!(source.downcast_ref::<PieSocketError>().is_some(), "whoever publishes can tell what it was");
}

#[tokio::test]
async fn the_request_is_that_of_wagtail_lives_publisher() {
    let (address, mut requests) = service(|stream, _| answer(stream, "200 OK", "{}")).await;
    let publisher = publisher(address, &Config::default());
    publisher.send(&channel(), &update()).await.unwrap();
    let hidden = Update::new().render(Render::hidden(id("9")));
    publisher.send(&channel(), &hidden).await.unwrap();
    let request = requests.recv().await.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /api/publish HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/json"), "{head}");
    assert!(head.contains(&format!("\r\nhost: {address}")), "{head}");
    let content = "<div data-post-id=\"8f2c\"><p>Houston – the Eagle has landed.</p></div>";
    let expected = json!({
        "key": KEY,
        "secret": SECRET,
        "channelId": "blog",
        "message": {"renders": {"8f2c": {"show": true, "content": content}}, "removals": ["77aa"]},
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(body).unwrap(), expected);
    let request = requests.recv().await.unwrap();
    let expected = r#""renders":{"9":{"show":false,"content":"<div data-post-id=\"9\" hidden></div>"}},"removals":[]}"#;
    assert!(request.contains(expected), "{request}");
}

#[tokio::test]
async fn a_service_that_stumbles_is_asked_again() {
    let (address, mut requests) = service(|stream, request| async move {
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        match count {
            0 => answer(stream, "500 Internal Server Error", &request).await,
            1 => answer(stream, "429 Too Many Requests", "").await,
            2 => None,
            _ => answer(stream, "200 OK", "").await,
        }
    })
    .await;
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let config = Config { service_deadline: Duration::from_secs(60), ..Config::default() };
    publisher(address, &config).send(&channel(), &update()).await.unwrap();
    let mut bodies = Vec::new();
    while let Ok(request) = requests.try_recv() {
        bodies.push(request.split_once("\r\n\r\n").unwrap().1.to_owned());
    }
    assert_eq!(bodies.len(), 4);
    assert!(bodies.iter().all(|body| *body == bodies[0]), "the same each time");
}

#[tokio::test]
async fn what_the_service_will_not_have_is_not_sent_again() {
    for status in
        ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "302 Found", "413 Too Large"]
    {
        let (address, mut requests) =
            service(move |stream, request| async move { answer(stream, status, &request).await }).await;
        let error = publisher(address, &Config::default()).send(&channel(), &update()).await.unwrap_err();
        assert!(matches!(error, PieSocketError::Refused { .. }), "{status}: {error:?}");
        requests.recv().await.unwrap();
        assert!(requests.try_recv().is_err(), "{status}: once");
        has_no_secret(&error);
    }
}

#[tokio::test]
async fn a_service_that_says_nothing_holds_nobody_for_ever() {
    let (silent, _requests) = service(|stream, _| async move {
        std::future::pending::<()>().await;
        Some(stream)
    })
    .await;
    let error = publisher(silent, &brisk()).send(&channel(), &update()).await.unwrap_err();
    assert!(
        matches!(&error, PieSocketError::Unavailable { attempts: 1.., last: PieSocketFailure::TimedOut }),
        "{error:?}"
    );
    has_no_secret(&error);
}

#[tokio::test]
async fn each_way_of_being_away_has_a_name() {
    let (closing, _requests) = service(|_, _| async { None }).await;
    let error = publisher(closing, &brisk()).send(&channel(), &update()).await.unwrap_err();
    assert!(matches!(&error, PieSocketError::Unavailable { last: PieSocketFailure::Lost(_), .. }), "{error:?}");
    let (foreign, _requests) = service(|mut stream, _| async move {
        stream.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
        None
    })
    .await;
    let error = publisher(foreign, &brisk()).send(&channel(), &update()).await.unwrap_err();
    assert!(matches!(&error, PieSocketError::Unavailable { last: PieSocketFailure::Lost(_), .. }), "{error:?}");
    let (failing, _requests) = service(|stream, _| answer(stream, "503 Service Unavailable", SECRET)).await;
    let error = publisher(failing, &brisk()).send(&channel(), &update()).await.unwrap_err();
    assert!(matches!(&error, PieSocketError::Unavailable { last: PieSocketFailure::Status(_), .. }), "{error:?}");
    has_no_secret(&error);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let error = publisher(nobody, &brisk()).send(&channel(), &update()).await.unwrap_err();
    assert!(matches!(&error, PieSocketError::Unavailable { last: PieSocketFailure::Connect(_), .. }), "{error:?}");
    has_no_secret(&error);
}

#[tokio::test]
async fn an_answer_without_an_end_is_an_answer() {
    let (address, _requests) = service(|mut stream, _| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{").await.unwrap();
        Some(stream)
    })
    .await;
    publisher(address, &Config::default()).send(&channel(), &update()).await.unwrap();
}

#[tokio::test]
async fn updates_go_out_in_their_order_also_where_one_is_tried_again() {
    let (address, mut requests) = service(|stream, request| async move {
        static FAILED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
        let fails = request.contains("post-0") && !FAILED.swap(true, std::sync::atomic::Ordering::SeqCst);
        answer(stream, if fails { "500 Internal Server Error" } else { "200 OK" }, "").await
    })
    .await;
    let config = Config { service_deadline: Duration::from_secs(60), ..Config::default() };
    let publisher = Arc::new(publisher(address, &config));
    let mut sent = Vec::new();
    for number in 0..4 {
        let publisher = Arc::clone(&publisher);
        let update = Update::new().render(Render::new(id(&format!("post-{number}")), "x"));
        sent.push(tokio::spawn(async move { publisher.send(&channel(), &update).await }));
        // The first to ask is the first to be served.
        tokio::task::yield_now().await;
    }
    for each in sent {
        each.await.unwrap().unwrap();
    }
    let mut order = Vec::new();
    while let Ok(request) = requests.try_recv() {
        let at = request.find("post-").unwrap();
        order.push(request[at + 5..at + 6].to_owned());
    }
    assert_eq!(order, ["0", "0", "1", "2", "3"]);
}

#[tokio::test]
async fn a_hub_may_keep_the_pages_and_number_them() {
    let (address, _requests) = service(|stream, _| answer(stream, "200 OK", "")).await;
    let hub = hub(Config::default());
    let publisher = publisher(address, hub.config()).with_pages(hub.clone());
    let published = publisher.publish(&channel(), update()).await.unwrap();
    assert_eq!(hub.cursor(&channel()).await.unwrap(), published.cursor);
}

/// Neither in the text nor in what developers print.
fn has_no_secret(error: &(dyn Error + 'static)) {
    let mut texts = format!("{error:?}");
    let mut cause = Some(error);
    while let Some(error) = cause {
        texts += &error.to_string();
        cause = error.source();
    }
    assert!(!texts.contains(SECRET) && !texts.contains(KEY), "{texts}");
}
