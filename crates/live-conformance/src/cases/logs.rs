//! What is logged, at every level: no HTML, no token, no cookie.

use std::{
    collections::BTreeSet,
    io,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use live_core::{Config, PieSocketKeys, Publishing, TokenKey, Tokens};
use tracing_subscriber::{Layer, filter::dynamic_filter_fn, layer::SubscriberExt};

use crate::{
    adapter::Adapter,
    case::Case,
    cases::publishing::renders,
    client::{EventStream, Request, WebSocket, Wire, masked},
    server::quick,
};

/// What was logged while the case ran, by whichever thread: the words that are looked for, and lines with a secret. Other
/// cases of the same process log here, too.
#[derive(Default)]
struct Log {
    words: BTreeSet<&'static str>,
    betrayals: Vec<String>,
}

static LOG: Mutex<Log> = Mutex::new(Log { words: BTreeSet::new(), betrayals: Vec::new() });
static IS_LOGGING: AtomicBool = AtomicBool::new(false);

struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        let mut log = LOG.lock().unwrap();
        log.words.extend(WORDS.into_iter().filter(|word| line.contains(word)));
        if SECRETS.iter().any(|secret| line.contains(secret)) {
            log.betrayals.push(line.into_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const HTML: &str = "canary-html-1f0a";
const TOKEN: &str = "canary-token-77b2";
const COOKIE: &str = "canary-cookie-9c3d";
const SPOKEN: &str = "canary-spoken-4e5f";
const SECRETS: [&str; 4] = [HTML, TOKEN, COOKIE, SPOKEN];
const WORDS: [&str; 5] = ["published", "refused", "token refused", "reader left", "draining"];

fn by_piesocket(secret: &str) -> String {
    format!(
        "{{\"key\": \"key\", \"secret\": \"{secret}\", \"channelId\": \"blog\", \"message\": {}}}",
        renders(&[("2", HTML)])
    )
}

async fn no_secret_and_no_html_is_logged(adapter: Adapter) {
    let lines = tracing_subscriber::fmt::layer().with_writer(|| Lines);
    let only_now = dynamic_filter_fn(|_, _| IS_LOGGING.load(Ordering::Relaxed));
    // The whole process's, because a framework may work on threads of its own. With two adapters in one it is there already.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines.with_filter(only_now)));
    IS_LOGGING.store(true, Ordering::Relaxed);
    let keys = vec![TokenKey::hs256(format!("{TOKEN}, and what makes it long enough")).unwrap()];
    let config = Config {
        publishing: Publishing::token(TOKEN),
        piesocket: PieSocketKeys::new("key", TOKEN),
        tokens: Tokens { keys, ..Tokens::default() },
        heartbeat: Duration::from_millis(50),
        ..quick()
    };
    let server = adapter.start(config).await;
    let cookie = |request: Request| request.header("Cookie", &format!("session={COOKIE}"));
    let bearer = |request: Request, token: &str| cookie(request).header("Authorization", &format!("Bearer {token}"));
    let mut socket = WebSocket::ask_on(
        Wire::connect(&server).await,
        cookie(Request::handshake("/ws/channel/blog/")).under(server.prefix),
        b"",
    )
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
        (Request::new("GET", &format!("/updates/private-blog/?jwt={TOKEN}")), 401),
        (bearer(Request::new("GET", "/updates/private-blog/"), TOKEN), 401),
        (Request::handshake(&format!("/v3/blog?api_key={TOKEN}")), 401),
        (Request::new("POST", "/api/publish").body(format!("{{\"secret\": \"{TOKEN}\", {HTML}")), 400),
        (Request::new("POST", "/api/publish").body(by_piesocket(&format!("{TOKEN}x"))), 401),
        (Request::new("POST", "/api/publish").body(by_piesocket(TOKEN)), 200),
        (cookie(Request::new("GET", &format!("/updates/blog/?cursor={SPOKEN}"))), 200),
        (cookie(Request::new("GET", &format!("/get-updates/blog/?last_update_ts={SPOKEN}"))), 400),
        (cookie(Request::new("GET", "/updates/blog/")).header("Origin", "https://foreign.example"), 403),
        (cookie(Request::handshake("/ws/channel/blog/")).with("Sec-WebSocket-Key", SPOKEN), 400),
    ] {
        assert_eq!(server.ask(request.clone()).await.status, status, "{request:?}");
    }
    while socket.frame().await.ids() != ["2"] {}
    socket.send(0x1, SPOKEN.as_bytes()).await;
    socket.send(0x9, SPOKEN.as_bytes()).await;
    socket.wire().send(masked(0x8, &[&1000u16.to_be_bytes()[..], SPOKEN.as_bytes()].concat())).await;
    socket.close_frame().await;
    drop((socket, events));
    server.has_readers(0).await;
    server.hub.drain().await;

    IS_LOGGING.store(false, Ordering::Relaxed);
    let log = LOG.lock().unwrap();
    assert_eq!(log.words, BTreeSet::from(WORDS), "all of it is logged, so this case sees what is");
    assert_eq!(log.betrayals, [""; 0]);
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![no_secret_and_no_html_is_logged,];
