//! Private channels: readers with a token of the site's, on every transport and route.

use std::time::{Duration, Instant};

use live_core::{Config, PrivateChannels, TokenKey, Tokens};

use crate::{
    adapter::Adapter,
    case::Case,
    client::{
        EventStream, Item, Request, WebSocket, Wire,
        token::{HS256, SECRET, signed, token},
    },
    corpus::tokens::{PUBLIC_KEY, good, tokens},
    model::Cursor,
    server::{SetClock, TestServer, quick},
};

fn keys() -> Tokens {
    let keys = vec![TokenKey::hs256(SECRET).unwrap(), TokenKey::ed25519(PUBLIC_KEY).unwrap()];
    Tokens { keys, leeway: Duration::ZERO, ..Tokens::default() }
}

/// Deadlines are swept as often as the shortest of these asks for.
fn private() -> Config {
    let long_poll_timeout = Duration::from_secs(60);
    Config { tokens: keys(), heartbeat: Duration::from_millis(200), long_poll_timeout, ..quick() }
}

/// Every way to read the channel; polls do not wait.
fn reads(channel: &str, query: &str) -> [Request; 6] {
    [
        Request::handshake(&format!("/ws/channel/{channel}/?{query}")),
        Request::new("GET", &format!("/events/{channel}/?{query}")),
        Request::new("HEAD", &format!("/events/{channel}/?{query}")),
        Request::new("GET", &format!("/updates/{channel}/?{query}")),
        Request::new("POST", &format!("/get-updates/{channel}/?{query}")),
        Request::new("GET", &format!("/get-updates/{channel}/?last_update_ts=0&{query}")),
    ]
}

async fn head(server: &TestServer, request: &Request) -> crate::client::Response {
    let mut wire = Wire::connect(server).await;
    wire.send(request.under(server.prefix).to_bytes()).await;
    wire.head().await.unwrap()
}

async fn a_private_channel_is_read_with_a_token_however_it_is_sent(adapter: Adapter) {
    let server = adapter.start(private()).await;
    server.seed("private-blog", &["1"]).await;
    let token = token("private-blog", 600.0);
    for request in reads("private-blog", "") {
        for with_token in
            [request.clone().header("Authorization", &format!("Bearer {token}")), request.clone().header("jwt", &token)]
        {
            let response = head(&server, &with_token).await;
            assert!(matches!(response.status, 101 | 200), "{with_token:?}: {response:?}");
        }
    }
    for request in reads("private-blog", &format!("jwt={token}")) {
        assert!(matches!(head(&server, &request).await.status, 101 | 200), "{request:?}");
        // A proxy's password is no token.
        let request = request.header("Authorization", "Basic YTpi");
        assert!(matches!(head(&server, &request).await.status, 101 | 200), "{request:?}");
    }
    server.has_readers(0).await;
}

async fn without_a_token_a_private_channel_is_closed_and_the_others_are_open(adapter: Adapter) {
    let server = adapter.start(private()).await;
    server.seed("private-blog", &["1"]).await;
    server.seed("blog", &["1"]).await;
    let open = server.open_pages();
    for request in reads("private-blog", "cursor=*") {
        let response = head(&server, &request).await;
        assert_eq!((response.status, response.header("www-authenticate")), (401, Some("Bearer")), "{request:?}");
        assert_eq!(response.header("cache-control"), Some("no-store"));
    }
    assert_eq!(server.open_pages(), open, "a stranger opens no page");
    for request in reads("blog", "jwt=nonsense") {
        assert!(matches!(head(&server, &request).await.status, 101 | 200), "{request:?}");
    }
    server.has_readers(0).await;
}

async fn all_channels_may_be_private(adapter: Adapter) {
    let tokens = Tokens { channels: PrivateChannels::All, ..keys() };
    let server = adapter.start_alone(Config { tokens, ..private() }).await;
    server.post("blog", "1", "one").await;
    assert_eq!(server.get("/updates/blog/?cursor=*").await.status, 401);
    let token = token("blog", 600.0);
    assert_eq!(server.get(&format!("/updates/blog/?cursor=*&jwt={token}")).await.status, 200);
    let several = signed(
        SECRET,
        HS256,
        &good()
            .replace(r#""aud":"live","#, "")
            .replace(r#""sub":"private-blog""#, r#""sub":"ada","channels":["news","blog"]"#),
    );
    assert_eq!(server.get(&format!("/updates/blog/?jwt={several}")).await.status, 200);
    assert_eq!(server.get("/live.js").await.status, 200, "the client is for everyone");
    server.end();
}

async fn no_bad_token_lets_anybody_in(adapter: Adapter) {
    let tokens_of_site = Tokens { issuer: Some("site".to_owned()), audience: Some("live".to_owned()), ..keys() };
    let server = adapter.start(Config { tokens: tokens_of_site, ..private() }).await;
    server.seed("private-blog", &["1"]).await;
    let good = signed(SECRET, HS256, &good());
    assert_eq!(server.get(&format!("/updates/private-blog/?jwt={good}")).await.status, 200);
    for (name, token) in tokens() {
        // Wagtail Live's polls, the last two, would hold each of these refusals for a second.
        for request in &reads("private-blog", &format!("jwt={token}"))[..4] {
            let response = head(&server, request).await;
            assert_eq!(response.status, 401, "{name}: {request:?}");
            assert_eq!(response.header("www-authenticate"), Some("Bearer error=\"invalid_token\""), "{name}");
        }
        let by_header =
            Request::new("GET", "/updates/private-blog/").header("Authorization", &format!("Bearer {token}"));
        assert_eq!(server.ask(by_header).await.status, 401, "{name}");
    }
    // Above the limit of a header, which actix answers 400 by itself.
    let huge = server.get(&format!("/updates/private-blog/?jwt={}", "x".repeat(64 << 10))).await;
    assert!(matches!(huge.status, 400 | 431), "{huge:?}");
    server.has_readers(0).await;
}

async fn a_stream_ends_with_its_token_and_a_new_one_resumes(adapter: Adapter) {
    let server = adapter.start(private()).await;
    let began = Instant::now();
    let short = token("private-blog", 3.0);
    let handshake = Request::handshake(&format!("/ws/channel/private-blog/?jwt={short}")).under(server.prefix);
    let mut socket = WebSocket::ask_on(Wire::connect(&server).await, handshake, b"").await;
    let request = Request::new("GET", "/events/private-blog/").header("Authorization", &format!("Bearer {short}"));
    let mut events = EventStream::ask(&server, request).await;
    let cursor = server.post("private-blog", "1", "for subscribers").await;
    while socket.frame().await.cursor != *cursor {}
    while events.frame().await.cursor != *cursor {}
    let poll = Request::new("GET", &format!("/updates/private-blog/?wait&cursor={cursor}&jwt={short}"));
    let poll = server.ask(poll).await;
    assert_eq!((poll.status, poll.header("live-close")), (401, Some("4100")), "{poll:?}");

    assert_eq!(socket.close_frame().await, (4100, "admission ended".to_owned()));
    let mut last = None;
    while let Some(item) = events.next().await {
        last = Some(item);
    }
    let Some(Item::Event { name, data, .. }) = last else { panic!("{last:?}") };
    assert!(name == "close" && data.contains("4100"), "{data}");
    assert!(began.elapsed() >= Duration::from_millis(2_900), "{:?}", began.elapsed());
    drop((socket, events));

    let again = server.get(&format!("/updates/private-blog/?cursor={cursor}&jwt={short}")).await;
    assert_eq!((again.status, again.header("live-close")), (401, Some("4100")), "a new token is what helps");
    let next = server.post("private-blog", "2", "meanwhile").await;
    let query = format!("cursor={cursor}&jwt={}", token("private-blog", 600.0));
    let handshake = Request::handshake(&format!("/ws/channel/private-blog/?{query}")).under(server.prefix);
    let frame = WebSocket::ask_on(Wire::connect(&server).await, handshake, b"").await.frame().await;
    assert!(frame.ids() == ["2"] && frame.cursor == next, "{frame:?}");
    server.has_readers(0).await;
}

async fn the_edges_of_a_tokens_time_are_exact(adapter: Adapter) {
    let clock = SetClock::new();
    let second = clock.clock().now() / 1_000_000;
    let tokens = Tokens { leeway: Duration::from_secs(10), max_life: Duration::from_secs(100), ..keys() };
    let server = adapter.start(Config { tokens, clock: clock.clock(), ..private() }).await;
    server.seed("private-blog", &["1"]).await;
    let status = async |claims: String| {
        let token = signed(SECRET, HS256, &format!(r#"{{"sub":"private-blog",{claims}}}"#));
        server.get(&format!("/updates/private-blog/?jwt={token}")).await.status
    };
    assert_eq!(status(format!(r#""exp":{}"#, second - 9)).await, 200);
    assert_eq!(status(format!(r#""exp":{}"#, second - 10)).await, 401);
    assert_eq!(status(format!(r#""exp":{}"#, second + 110)).await, 200);
    assert_eq!(status(format!(r#""exp":{}"#, second + 111)).await, 401);
    assert_eq!(status(format!(r#""exp":{},"nbf":{}"#, second + 50, second + 10)).await, 200);
    assert_eq!(status(format!(r#""exp":{},"nbf":{}"#, second + 50, second + 11)).await, 401);
    clock.pass(Duration::from_secs(1));
    assert_eq!(status(format!(r#""exp":{}"#, second - 9)).await, 401);
    assert_eq!(status(format!(r#""exp":{},"nbf":{}"#, second + 50, second + 11)).await, 200);
}

async fn no_cache_keeps_what_a_token_has_opened(adapter: Adapter) {
    let server = adapter.start(private()).await;
    let head = server.seed("private-blog", &["1"]).await;
    server.seed("blog", &["1"]).await;
    let token = token("private-blog", 600.0);
    for query in ["cursor=*".to_owned(), format!("cursor={head}"), format!("wait=0&cursor={head}")] {
        let response = server.get(&format!("/updates/private-blog/?{query}&jwt={token}")).await;
        assert_eq!(response.header("cache-control"), Some("private, no-store"), "{query}");
    }
    let open = server.get("/updates/blog/").await;
    assert_eq!(open.header("cache-control"), Some("public, max-age=1"));
    let member = Request::new("GET", "/members/updates/blog/").header("Cookie", "member=10000");
    let member = Wire::connect(&server).await.ask(member).await;
    assert_eq!(member.header("cache-control"), Some("private, no-store"), "so whom the site lets in for a time");
}

async fn whom_the_site_lets_in_by_itself_needs_no_token(adapter: Adapter) {
    let server = adapter.start(private()).await;
    let head = server.seed("private-blog", &["1"]).await;
    let request = Request::new("GET", "/members/updates/private-blog/?cursor=*").header("Cookie", "member=10000");
    let response = Wire::connect(&server).await.ask(request).await;
    assert_eq!(response.status, 200);
    assert_eq!(Cursor::parse(response.json()["cursor"].as_str().unwrap()), *Cursor::parse(&head).to_string());
    assert_eq!(server.get("/updates/private-blog/?cursor=*").await.status, 401);
}

async fn without_keys_a_channel_is_open_whatever_its_name(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.seed("private-blog", &["1"]).await;
    for request in reads("private-blog", "jwt=nonsense") {
        assert!(matches!(head(&server, &request).await.status, 101 | 200), "{request:?}");
    }
    server.has_readers(0).await;
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    a_private_channel_is_read_with_a_token_however_it_is_sent,
    without_a_token_a_private_channel_is_closed_and_the_others_are_open,
    all_channels_may_be_private,
    no_bad_token_lets_anybody_in,
    a_stream_ends_with_its_token_and_a_new_one_resumes,
    the_edges_of_a_tokens_time_are_exact,
    no_cache_keeps_what_a_token_has_opened,
    whom_the_site_lets_in_by_itself_needs_no_token,
    without_keys_a_channel_is_open_whatever_its_name,
];
