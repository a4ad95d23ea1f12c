//! What is logged, at every level: no HTML, no token, no cookie.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use live_core::{Config, Publishing};
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    client::{EventStream, Request, WebSocket, Wire, masked},
    publishing::renders,
    server::{quick, start},
};

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

const HTML: &str = "canary-html-1f0a";
const TOKEN: &str = "canary-token-77b2";
const COOKIE: &str = "canary-cookie-9c3d";
const SPOKEN: &str = "canary-spoken-4e5f";

#[tokio::test]
async fn no_secret_and_no_html_is_logged() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    // Tasks of a current-thread runtime run on this thread.
    let _guard = tracing::subscriber::set_default(subscriber);
    let config = Config { publishing: Publishing::token(TOKEN), heartbeat: Duration::from_millis(50), ..quick() };
    let server = start(config).await;
    let cookie = |request: Request| request.header("Cookie", &format!("session={COOKIE}"));
    let bearer = |request: Request, token: &str| cookie(request).header("Authorization", &format!("Bearer {token}"));
    let mut socket =
        WebSocket::ask_on(Wire::connect(&server).await, cookie(Request::handshake("/live/ws/channel/blog/")), b"")
            .await;
    let mut events = EventStream::ask(&server, cookie(Request::new("GET", "/events/blog/"))).await;
    socket.frame().await;
    events.frame().await;

    let long = HTML.repeat(20_000);
    for (request, status) in [
        (bearer(Request::publish("blog", renders(&[("1", HTML)])), TOKEN), 200),
        (bearer(Request::publish("blog", renders(&[("1", &long)])), TOKEN), 413),
        (bearer(Request::publish("blog", format!("{{\"{HTML}\": {HTML}}}")), TOKEN), 400),
        (bearer(Request::publish("blog", format!("{{\"renders\": \"{HTML}\"}}")), TOKEN), 400),
        (bearer(Request::publish("blog", renders(&[(HTML, "'")]).replace('\'', "\u{0}")), TOKEN), 400),
        (bearer(Request::publish("blog", renders(&[("1", HTML)])), &format!("{TOKEN}x")), 401),
        (cookie(Request::publish("blog", HTML)), 401),
        (cookie(Request::new("GET", &format!("/updates/blog/?cursor={SPOKEN}"))), 200),
        (cookie(Request::new("GET", &format!("/get-updates/blog/?last_update_ts={SPOKEN}"))), 400),
        (cookie(Request::new("GET", "/updates/blog/")).header("Origin", "https://foreign.example"), 403),
        (cookie(Request::handshake("/ws/channel/blog/")).with("Sec-WebSocket-Key", SPOKEN), 400),
    ] {
        assert_eq!(server.ask(request.clone()).await.status, status, "{request:?}");
    }
    while socket.frame().await.ids() != ["1"] {}
    socket.send(0x1, SPOKEN.as_bytes()).await;
    socket.send(0x9, SPOKEN.as_bytes()).await;
    socket.wire().send(masked(0x8, &[&1000u16.to_be_bytes()[..], SPOKEN.as_bytes()].concat())).await;
    socket.close_frame().await;
    drop((socket, events));
    server.has_readers(0).await;
    server.hub.drain().await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for word in ["published", "refused", "reader left", "draining"] {
        assert!(log.contains(word), "{word} is logged, so this test sees what is");
    }
    for secret in [HTML, TOKEN, COOKIE, SPOKEN] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}
