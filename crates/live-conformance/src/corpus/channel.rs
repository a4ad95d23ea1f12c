//! A channel in the paths of all routes: it names one page, the same everywhere, or it is refused everywhere.

use super::{
    exchange::Outcome,
    tables::{Channel, Statuses},
};
use crate::{
    adapter::Routes,
    client::{EventStream, WebSocket, Wire},
    model::{Frame, Shown},
    server::{TestServer, channel_id, render},
};

pub(super) async fn run(server: &TestServer, routes: Routes, channel: &Channel) -> Outcome {
    let asker = Asker { server, query: channel.query.as_deref() };
    let segment = channel.segment.to_vec();
    match (&channel.names, &channel.refused) {
        (Some(id), None) => {
            asker.names(&segment, &id.to_text(), routes).await;
            for other in &channel.apart {
                asker.is_another(&other.to_vec()).await;
            }
        }
        (None, Some(statuses)) => asker.refuses(&segment, routes, statuses).await,
        _ => panic!("a channel has either names or refused"),
    }
    Outcome::default()
}

struct Asker<'a> {
    server: &'a TestServer,
    query: Option<&'a str>,
}

impl Asker<'_> {
    /// A request to a route; `rest` is what follows the segment.
    async fn ask(&self, line: [&str; 2], segment: &[u8], rest: &str, headers: &str) -> Wire {
        let [method, route] = line;
        let prefix = self.server.prefix;
        let start = format!("{method} {prefix}{route}/");
        let end = format!("{rest} HTTP/1.1\r\nHost: live.example\r\n{headers}\r\n");
        let mut wire = Wire::connect(self.server).await;
        // A line that is too long need not be read to its end.
        let _ = wire.try_send([start.as_bytes(), segment, end.as_bytes()].concat()).await;
        wire
    }

    /// The end of a target with this parameter behind what the file says.
    fn with(&self, parameter: &str) -> String {
        let query = self.query.map(|query| format!("{query}&")).unwrap_or_default();
        format!("/?{query}{parameter}")
    }

    async fn socket(&self, segment: &[u8]) -> WebSocket {
        let wire = self.ask(["GET", "/ws/channel"], segment, &self.with("cursor=*"), HANDSHAKE).await;
        WebSocket::begin(wire).await.unwrap()
    }

    /// What is published on one route is on the page of that name, and on every other route.
    async fn names(&self, segment: &[u8], id: &str, routes: Routes) {
        let server = self.server;
        let page = channel_id(id);
        if routes == Routes::All {
            let body = r#"{"renders": {"here": {"content": "<div data-post-id=\"here\">x</div>"}}, "reset": true}"#;
            let headers = format!("Content-Length: {}\r\n\r\n{body}", body.len());
            let mut wire = self.ask(["POST", "/publish"], segment, &self.with("x"), &headers).await;
            assert_eq!(wire.response("POST").await.map(|response| response.status), Some(200), "publish");
        } else {
            server.publish(id, live_core::Update::replace([render("here", "x")])).await;
        }
        let published = server.hub.page(&page).await.unwrap();
        assert!(published.posts().map(|post| post.id.as_str()).eq(["here"]), "the page of that name");
        assert_eq!(self.socket(segment).await.frame().await.ids(), ["here"], "WebSocket");
        if routes == Routes::All {
            self.reads_elsewhere(segment).await;
        }
        assert!(!Shown::by(server, "blog").await.posts.contains_key("here") || id == "blog");
    }

    async fn reads_elsewhere(&self, segment: &[u8]) {
        let wire = self.ask(["GET", "/events"], segment, &self.with("cursor=*"), "").await;
        assert_eq!(EventStream::begin(wire).await.unwrap().frame().await.ids(), ["here"], "events");
        let mut wire = self.ask(["GET", "/updates"], segment, &self.with("cursor=*"), "").await;
        let response = wire.response("GET").await.unwrap();
        assert_eq!(Frame::parse(&response.body).ids(), ["here"], "updates");
        let mut wire = self.ask(["POST", "/get-updates"], segment, &self.with("x"), "Content-Length: 0\r\n").await;
        let response = wire.response("POST").await.unwrap();
        assert_eq!(response.json()["livePosts"], serde_json::json!(["here"]), "get-updates");
        let mut wire = self.ask(["GET", "/get-updates"], segment, &self.with("last_update_ts=0"), "").await;
        let response = wire.response("GET").await.unwrap();
        assert_eq!(response.json()["currentPosts"], serde_json::json!(["here"]), "get-updates");
    }

    async fn is_another(&self, segment: &[u8]) {
        let frame = self.socket(segment).await.frame().await;
        assert!(frame.is_empty(), "{}: {frame:?}", String::from_utf8_lossy(segment));
    }

    /// Every route answers the same, and no page comes of it.
    async fn refuses(&self, segment: &[u8], routes: Routes, statuses: &Statuses) {
        let pages = self.server.hub.open_pages();
        let requests = [
            (["GET", "/ws/channel"], HANDSHAKE),
            (["GET", "/events"], ""),
            (["GET", "/updates"], ""),
            (["GET", "/get-updates"], ""),
            (["POST", "/get-updates"], "Content-Length: 0\r\n"),
            (["POST", "/publish"], "Content-Length: 16\r\n\r\n{\"removals\":[1]}"),
        ];
        let count = if routes == Routes::All { requests.len() } else { 1 };
        let rest = self.with("last_update_ts=0");
        for (line, headers) in &requests[..count] {
            let mut wire = self.ask(*line, segment, &rest, headers).await;
            let status = wire.head().await.map(|response| response.status);
            assert!(statuses.allow(status), "{line:?}: {status:?}, not {statuses:?}");
        }
        assert_eq!(self.server.hub.open_pages(), pages);
    }
}

const HANDSHAKE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
