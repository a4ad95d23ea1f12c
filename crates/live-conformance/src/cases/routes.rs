//! Which paths and methods there are.

use live_core::{Config, PieSocketKeys};

use crate::{
    adapter::Adapter,
    case::Case,
    client::{Request, Wire},
    server::{TestServer, quick},
};

/// Every route with its channel, and the methods that it has.
const ROUTES: [(&str, &str); 9] = [
    ("/ws/channel/blog", "GET, OPTIONS"),
    ("/events/blog", "GET, HEAD, OPTIONS"),
    ("/updates/blog", "GET, HEAD, OPTIONS"),
    ("/get-updates/blog", "GET, POST, HEAD, OPTIONS"),
    ("/publish/blog", "POST, OPTIONS"),
    ("/v3/blog", "GET, OPTIONS"),
    ("/api/publish", "POST, OPTIONS"),
    ("/live.js", "GET, HEAD, OPTIONS"),
    ("/wagtail-live.js", "GET, HEAD, OPTIONS"),
];

/// The configuration in which each of them is there.
fn all_routes() -> Config {
    Config { piesocket: PieSocketKeys::new("key", "secret"), ..quick() }
}

async fn status(server: &TestServer, request: Request) -> u16 {
    let mut wire = Wire::connect(server).await;
    wire.send(request.under(server.prefix).to_bytes()).await;
    wire.head().await.unwrap().status
}

async fn a_route_is_the_same_with_and_without_its_trailing_slash(adapter: Adapter) {
    let server = adapter.start(all_routes()).await;
    server.seed("blog", &["1"]).await;
    let publish = r#"{"removals": ["x"]}"#;
    for slash in ["", "/"] {
        let path = |route: &str| format!("{route}{slash}");
        assert_eq!(status(&server, Request::handshake(&path("/ws/channel/blog"))).await, 101);
        assert_eq!(status(&server, Request::new("GET", &path("/events/blog"))).await, 200);
        assert_eq!(status(&server, Request::new("GET", &path("/updates/blog"))).await, 200);
        assert_eq!(status(&server, Request::new("POST", &path("/get-updates/blog"))).await, 200);
        assert_eq!(status(&server, Request::new("POST", &path("/publish/blog")).body(publish)).await, 200);
        assert_eq!(status(&server, Request::handshake(&format!("{}?api_key=key", path("/v3/blog")))).await, 101);
        let piesocket = r#"{"key": "key", "secret": "secret", "channelId": "blog", "message": {"removals": ["x"]}}"#;
        assert_eq!(status(&server, Request::new("POST", &path("/api/publish")).body(piesocket)).await, 200);
        assert_eq!(status(&server, Request::new("GET", &path("/live.js"))).await, 200);
        assert_eq!(status(&server, Request::new("GET", &path("/wagtail-live.js"))).await, 200);
    }
    server.has_readers(0).await;
}

async fn another_path_is_not_found(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    for path in [
        "",
        "/",
        "/ws",
        "/ws/channel",
        "/ws/blog/",
        "/ws/channel/a/b/",
        "/events/a//",
        "/events//a/",
        "/eventsa/",
        "/x/events/a/",
        "/live.js/x",
        "/live.jsx",
        "//events/a/",
        "/Events/a/",
        "/publish/a/b",
        "/v3/a",
    ] {
        let response = server.get(path).await;
        // Of a route that is there without its channel the reason is told.
        let expected = if path == "/ws/channel" { 400 } else { 404 };
        assert_eq!(response.status, expected, "{path}: {response:?}");
    }
    assert_eq!(server.open_pages(), 0);
}

async fn the_site_keeps_its_own_routes(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let mut wire = Wire::connect(&server).await;
    assert_eq!(wire.ask(Request::new("GET", "/")).await.text(), "the site's own page");
    assert_eq!(wire.ask(Request::new("GET", "/events/blog/")).await.status, 404);
}

async fn a_method_that_a_route_lacks_is_refused_with_those_that_it_has(adapter: Adapter) {
    let server = adapter.start(all_routes()).await;
    for (route, allowed) in ROUTES {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get"] {
            if allowed.split(", ").any(|allowed| allowed == method) {
                continue;
            }
            let response = server.ask(Request::new(method, route)).await;
            assert_eq!((response.status, response.header("allow")), (405, Some(allowed)), "{method} {route}");
        }
    }
    server.has_readers(0).await;
}

async fn options_names_the_methods_of_a_route(adapter: Adapter) {
    let server = adapter.start(all_routes()).await;
    for (route, allowed) in ROUTES {
        let response = server.ask(Request::new("OPTIONS", route)).await;
        assert_eq!((response.status, response.header("allow")), (200, Some(allowed)), "{route}");
        assert!(response.body.is_empty(), "{route}");
    }
    assert_eq!(server.open_pages(), 0, "asking for methods opens no page");
}

async fn head_is_get_without_the_body(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let cursor = server.post("blog", "1", "one").await;
    let current = format!("/updates/blog/?cursor={cursor}");
    for target in ["/updates/blog/", &current, "/events/blog/", "/live.js", "/wagtail-live.js", "/updates/%00/"] {
        let head = server.ask(Request::new("HEAD", target)).await;
        let mut wire = Wire::connect(&server).await;
        wire.send(Request::new("GET", target).under(server.prefix).to_bytes()).await;
        let get = wire.head().await.unwrap();
        assert_eq!(head.status, get.status, "{target}");
        for name in ["content-type", "content-length", "cache-control", "etag", "vary", "live-poll-interval"] {
            assert_eq!(head.header(name), get.header(name), "{target}: {name}");
        }
    }
    server.has_readers(0).await;
}

async fn head_never_waits(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let cursor = server.post("blog", "1", "one").await;
    let response = server.ask(Request::new("HEAD", &format!("/updates/blog/?wait=1000&cursor={cursor}"))).await;
    assert_eq!(response.status, 204);
}

async fn a_request_that_does_not_say_for_which_host_is_refused(adapter: Adapter) {
    let server = adapter.start(all_routes()).await;
    for (route, allowed) in ROUTES {
        let method = allowed.split(", ").next().unwrap();
        let without = Request::new(method, route).without("Host");
        assert_eq!(server.ask(without).await.status, 400, "{route}");
        // RFC 9112 §3.2: nor may there be two.
        let twice = Request::new(method, route).header("Host", "other.example");
        assert_eq!(server.ask(twice).await.status, 400, "{route}");
    }
    let handshake = Request::handshake("/ws/channel/blog/").without("Host");
    assert_eq!(server.ask(handshake).await.status, 400);
    server.has_readers(0).await;
}

async fn a_connection_serves_one_request_after_the_other(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let mut wire = Wire::connect(&server).await;
    let ask = |target: &str| Request::new("GET", target).under(server.prefix);
    for _ in 0..3 {
        assert_eq!(wire.ask(ask("/updates/blog/")).await.status, 200);
        assert_eq!(wire.ask(ask("/updates/blog/?cursor=%")).await.status, 200);
        assert_eq!(wire.ask(ask("/updates/%00/")).await.status, 400);
        assert_eq!(wire.ask(ask("/nothing")).await.status, 404);
        assert_eq!(wire.ask(ask("/live.js")).await.status, 200);
    }
}

async fn a_client_of_http_1_0_gets_its_answer_and_the_end(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let mut wire = Wire::connect(&server).await;
    let response = wire.ask(Request::new("GET", "/updates/blog/").under(server.prefix).version("HTTP/1.0")).await;
    assert_eq!((response.status, response.header("transfer-encoding")), (200, None));
    assert!(wire.take_all().await.is_empty());
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    a_route_is_the_same_with_and_without_its_trailing_slash,
    another_path_is_not_found,
    the_site_keeps_its_own_routes,
    a_method_that_a_route_lacks_is_refused_with_those_that_it_has,
    options_names_the_methods_of_a_route,
    head_is_get_without_the_body,
    head_never_waits,
    a_request_that_does_not_say_for_which_host_is_refused,
    a_connection_serves_one_request_after_the_other,
    a_client_of_http_1_0_gets_its_answer_and_the_end,
];
