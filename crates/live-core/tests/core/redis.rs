//! The buses on Redis, on a redis-server of its own for each test.

mod addresses;
mod channels;
mod following;
mod garbage;
mod nodes;
mod outages;
mod sources;
#[cfg(feature = "redis-tls")]
mod tls;
mod wire;

use std::{sync::Arc, time::Duration};

use http_body_util::{BodyExt, Empty};
use live_core::{
    ChannelId, Config, EventBus, Hub, HubError, PageSource, PostId, Published, Render, Start, Update, bus,
    http::Answer, serve_websocket,
};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, DuplexStream};

use crate::redis_server::RedisServer;

/// No wait is longer.
const DEADLINE: Duration = Duration::from_secs(20);

fn is_long() -> bool {
    std::env::var("LIVE_TEST_SIZE").is_ok_and(|size| size == "long")
}

/// What one would have to wait for is over in a moment.
fn brisk() -> Config {
    Config {
        poll_interval: Duration::from_millis(250),
        max_poll_interval: Duration::from_millis(250),
        linger: Duration::from_millis(750),
        heartbeat: Duration::from_millis(100),
        compare_interval: Duration::from_millis(200),
        ..Config::default()
    }
}

/// One process of a site: a bus of its own, and its readers.
struct Node {
    bus: Arc<dyn EventBus>,
    hub: Hub,
}

impl Node {
    fn new(redis: &RedisServer) -> Self {
        Self::with(redis, brisk())
    }

    fn with(redis: &RedisServer, config: Config) -> Self {
        Self::on(&redis.url(), config)
    }

    fn on(url: &str, config: Config) -> Self {
        let bus = bus::from_url(url, &config).unwrap();
        Self { bus: Arc::clone(&bus), hub: Hub::new(bus, config).unwrap() }
    }

    fn with_source(redis: &RedisServer, source: Arc<dyn PageSource>, config: Config) -> Self {
        let bus = bus::from_url(&redis.url(), &config).unwrap();
        Self { bus: Arc::clone(&bus), hub: Hub::with_source(bus, source, config).unwrap() }
    }

    /// A reader whose handshake is done.
    async fn reader(&self, name: &str, cursor: Option<&str>) -> Socket {
        self.try_reader(name, cursor).await.unwrap()
    }

    async fn try_reader(&self, name: &str, cursor: Option<&str>) -> Result<Socket, HubError> {
        let permit = self.hub.admit(None).unwrap();
        let reader = self.hub.join(&channel(name), Start::parse(cursor), permit).await?;
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        tokio::spawn(serve_websocket(ours, bytes::Bytes::new(), reader));
        Ok(Socket(theirs))
    }

    async fn publish(&self, name: &str, update: Update) -> Published {
        self.hub.publish(&channel(name), update, None).await.unwrap()
    }

    /// The status of a poll, and its frame.
    async fn poll(&self, name: &str, cursor: &str) -> (u16, Value) {
        let request = http::Request::get(format!("/updates/{name}/?cursor={cursor}"));
        let request = request.header("host", "localhost").body(Empty::<bytes::Bytes>::new()).unwrap();
        let answer = tokio::time::timeout(DEADLINE, self.hub.respond(request, None)).await.expect("no answer in time");
        let Answer::Response(response) = answer else { panic!("not a response") };
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}

/// A reader's end of a WebSocket, as bytes.
struct Socket(DuplexStream);

impl Socket {
    /// The next frame; pings are passed over.
    async fn frame(&mut self) -> Value {
        serde_json::from_str(&self.text_where(|_| true).await).unwrap()
    }

    /// The next frame with such a text.
    async fn text_where(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        tokio::time::timeout(DEADLINE, async {
            loop {
                let (opcode, payload) = self.message().await;
                let text = String::from_utf8(payload).unwrap();
                match opcode {
                    1 if wanted(&text) => return text,
                    1 | 9 => {}
                    other => panic!("opcode {other}: {text}"),
                }
            }
        })
        .await
        .expect("no such frame in time")
    }

    /// The next frame that is not a heartbeat.
    async fn news(&mut self) -> Value {
        self.frame_where(|frame| !is_heartbeat(frame)).await
    }

    async fn frame_where(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        tokio::time::timeout(DEADLINE, async {
            loop {
                let frame = self.frame().await;
                if wanted(&frame) {
                    return frame;
                }
            }
        })
        .await
        .expect("the frame did not come in time")
    }

    /// The next news has this post and says nothing else.
    async fn shows(&mut self, post: &str, html: &str) -> Value {
        let frame = self.news().await;
        let content = frame["renders"][post]["content"].as_str().unwrap_or_else(|| panic!("no post {post}: {frame}"));
        assert!(content.contains(html), "{frame}");
        assert!(frame.get("reload").is_none() && frame.get("reset").is_none(), "{frame}");
        frame
    }

    /// One unfragmented, unmasked message (RFC 6455 §5.2).
    async fn message(&mut self) -> (u8, Vec<u8>) {
        let first = self.0.read_u8().await.expect("the connection ended");
        let length = match self.0.read_u8().await.unwrap() {
            126 => u64::from(self.0.read_u16().await.unwrap()),
            127 => self.0.read_u64().await.unwrap(),
            length => u64::from(length),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await.unwrap();
        (first & 0xf, payload)
    }
}

fn is_heartbeat(frame: &Value) -> bool {
    let is_empty = frame["renders"].as_object().unwrap().is_empty() && frame["removals"].as_array().unwrap().is_empty();
    is_empty && frame.get("reload").is_none() && frame.get("reset").is_none()
}

fn channel(name: &str) -> ChannelId {
    ChannelId::new(name).unwrap()
}

fn post(id: &str, html: &str) -> Update {
    Update::new().render(render(id, html))
}

fn render(id: &str, html: &str) -> Render {
    Render::new(PostId::new(id).unwrap(), html)
}

/// One post as Wagtail Live publishes it.
fn original(id: &str, text: &str) -> Vec<u8> {
    format!(
        "{{\"renders\": {{\"{id}\": {{\"show\": true, \"content\": \"\\n\\n<div class=\\\"live-post\\\" data-post-id=\\\"{id}\\\">{text}</div>\"}}}}, \"removals\": []}}"
    )
    .into_bytes()
}

/// Asks again until the answer is what is wanted.
async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    tokio::time::timeout(DEADLINE, async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("never: {what}"))
}
