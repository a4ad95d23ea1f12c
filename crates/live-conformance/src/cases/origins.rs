//! Which web pages may connect, and what their browsers are told.

use live_core::{Config, Origins};

use crate::{
    adapter::Adapter,
    case::Case,
    client::{Request, Response, Wire},
    server::{TestServer, quick},
};

/// One request to each route that readers and publishers have.
fn requests() -> Vec<Request> {
    vec![
        Request::handshake("/ws/channel/blog/"),
        Request::new("GET", "/events/blog/"),
        Request::new("GET", "/updates/blog/"),
        Request::new("POST", "/get-updates/blog/"),
        Request::new("HEAD", "/get-updates/blog/"),
        Request::new("GET", "/get-updates/blog/?last_update_ts=0"),
        Request::publish("blog", r#"{"removals": ["x"]}"#),
    ]
}

/// Status and headers of the response.
async fn ask(server: &TestServer, request: &Request, origin: &str) -> Response {
    let mut wire = Wire::connect(server).await;
    let request = request.clone().header("Origin", origin).under(server.prefix);
    wire.send(request.to_bytes()).await;
    wire.head().await.unwrap()
}

async fn admits(server: &TestServer, origin: &str) -> bool {
    match ask(server, &Request::new("GET", "/updates/blog/"), origin).await.status {
        200 => true,
        403 => false,
        other => panic!("{other} for {origin}"),
    }
}

async fn a_page_of_the_same_host_may_connect_on_every_route(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.seed("blog", &["1"]).await;
    for request in requests() {
        for origin in ["http://live.example", "https://live.example:8443", "https://LIVE.example"] {
            let response = ask(&server, &request, origin).await;
            assert!(matches!(response.status, 101 | 200), "{request:?}: {response:?}");
            assert_eq!(response.header("access-control-allow-origin"), Some(origin), "{request:?}");
            assert_eq!(response.header("vary"), Some("Origin"));
            assert_eq!(response.header("access-control-allow-credentials"), None);
        }
    }
    server.has_readers(0).await;
}

async fn a_foreign_page_is_refused_on_every_route(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let before = server.seed("blog", &["1"]).await;
    for request in requests() {
        let response = ask(&server, &request, "https://foreign.example").await;
        assert_eq!(response.status, 403, "{request:?}");
        assert_eq!(response.header("access-control-allow-origin"), None, "{request:?}");
    }
    assert_eq!(server.cursor("blog").await, before, "nothing was published");
    assert_eq!((server.readers(), server.open_pages()), (0, 0), "nobody joined");
}

async fn what_only_looks_like_the_same_host_is_foreign(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    for foreign in [
        "null",
        "",
        "live.example",
        "https://evil-live.example",
        "https://live.example.evil.example",
        "https://live.example@evil.example",
        "https://evil.example#live.example",
        "https://evil.example/live.example",
        "https://live.example.",
        "https://sub.live.example",
        "file://live.example",
        "chrome-extension://live.example",
        "https://live.example, https://evil.example",
        "http://",
        "https://[::1]",
    ] {
        assert!(!admits(&server, foreign).await, "{foreign}");
    }
    let twice = Request::new("GET", "/updates/blog/").header("Origin", "https://live.example");
    assert_eq!(ask(&server, &twice, "https://live.example").await.status, 403, "two origins");
}

async fn a_request_without_an_origin_comes_from_no_page_and_is_let_in(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.seed("blog", &["1"]).await;
    for request in requests() {
        let mut wire = Wire::connect(&server).await;
        wire.send(request.clone().under(server.prefix).to_bytes()).await;
        let response = wire.head().await.unwrap();
        assert_ne!(response.status, 403, "{request:?}");
        assert_eq!(response.header("access-control-allow-origin"), None);
        assert_eq!(response.header("vary"), Some("Origin"), "a cache must not give this to a page: {request:?}");
    }
}

async fn a_list_admits_its_origins_and_no_others(adapter: Adapter) {
    let origins = Origins::List(vec!["https://news.example".to_owned(), "http://localhost:3000".to_owned()]);
    let server = adapter.start(Config { origins, ..quick() }).await;
    assert!(admits(&server, "https://news.example").await);
    assert!(admits(&server, "http://localhost:3000").await);
    for foreign in ["http://news.example", "https://news.example:444", "http://localhost", "https://live.example"] {
        assert!(!admits(&server, foreign).await, "{foreign}");
    }
}

async fn any_origin_may_connect_where_the_site_says_so(adapter: Adapter) {
    let server = adapter.start(Config { origins: Origins::Any, ..quick() }).await;
    for origin in ["https://foreign.example", "null"] {
        assert!(admits(&server, origin).await);
    }
}

async fn the_target_of_a_request_names_the_host_before_the_header_does(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let mut wire = Wire::connect(&server).await;
    // RFC 9112 §3.2.2: an origin server ignores Host where the target has one.
    for (target, host, status) in [
        ("http://live.example/live/updates/blog/", "evil.example", 200),
        ("http://evil.example/live/updates/blog/", "live.example", 403),
    ] {
        let request = Request::new("GET", target).with("Host", host).header("Origin", "https://live.example");
        assert_eq!(wire.ask(request).await.status, status, "{target}");
    }
}

async fn a_preflight_is_answered_to_pages_that_may_connect(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let preflight = Request::new("OPTIONS", "/publish/blog/").header("Access-Control-Request-Method", "POST");
    let response = ask(&server, &preflight, "https://live.example").await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("access-control-allow-origin"), Some("https://live.example"));
    assert_eq!(response.header("access-control-allow-methods"), Some("POST, OPTIONS"));
    for name in ["authorization", "content-type", "idempotency-key"] {
        assert!(response.header("access-control-allow-headers").unwrap().contains(name), "{name}");
    }
    let refused = ask(&server, &preflight, "https://foreign.example").await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (403, None));
}

async fn a_page_can_read_why_it_was_refused(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    for (request, status) in [
        (Request::new("GET", "/updates/%00/"), 400),
        (Request::new("GET", "/events/"), 400),
        (Request::new("PUT", "/updates/blog/"), 405),
        (Request::new("GET", "/get-updates/blog/?last_update_ts=x"), 400),
        (Request::new("POST", "/get-updates/unknown/"), 404),
        (Request::publish("blog", "no JSON"), 400),
    ] {
        let response = ask(&server, &request, "https://live.example").await;
        assert_eq!(response.status, status, "{request:?}");
        assert_eq!(response.header("access-control-allow-origin"), Some("https://live.example"), "{request:?}");
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"), "{request:?}");
        assert!(response.header("content-type").unwrap().starts_with("text/plain"), "{request:?}");
    }
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    a_page_of_the_same_host_may_connect_on_every_route,
    a_foreign_page_is_refused_on_every_route,
    what_only_looks_like_the_same_host_is_foreign,
    a_request_without_an_origin_comes_from_no_page_and_is_let_in,
    a_list_admits_its_origins_and_no_others,
    any_origin_may_connect_where_the_site_says_so,
    the_target_of_a_request_names_the_host_before_the_header_does,
    a_preflight_is_answered_to_pages_that_may_connect,
    a_page_can_read_why_it_was_refused,
];
