//! Bodies of a publish that are not what they should be: refused with the reason, and nothing is stored.

use live_core::Config;

use crate::{
    adapter::{Adapter, Habit},
    case::Case,
    cases::publishing::renders,
    client::{Request, WebSocket, Wire},
    server::{TestServer, quick},
};

async fn is_refused(server: &TestServer, body: &[u8], status: u16, reason: &str) {
    let before = server.cursor("blog").await;
    let response = server.ask(Request::publish("blog", body)).await;
    let start = String::from_utf8_lossy(&body[..body.len().min(100)]);
    assert_eq!(response.status, status, "{start}: {response:?}");
    assert!(response.text().contains(reason), "{start}: {}", response.text());
    assert_eq!(server.cursor("blog").await, before, "{start}");
}

async fn what_is_not_the_json_of_an_update_is_refused(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    for (body, reason) in [
        ("", "EOF"),
        (" ", "EOF"),
        ("null", "invalid type"),
        ("[]", "invalid"),
        ("7", "invalid type"),
        ("\u{feff}{}", "expected value"),
        ("{} {}", "trailing characters"),
        ("{\"renders\": {}}x", "trailing characters"),
        ("{\"renders\": NaN}", "expected value"),
        ("{'renders': {}}", "key must be a string"),
        ("{\"renders\": {},}", "trailing comma"),
        (r#"{"renders": []}"#, "a map from post id to render"),
        (r#"{"renders": {"1": null}}"#, "invalid type"),
        (r#"{"renders": {"1": "<p></p>"}}"#, "invalid type"),
        (r#"{"renders": {"1": {}}}"#, "has no content"),
        (r#"{"renders": {"1": {"show": "true", "content": "x"}}}"#, "expected a boolean"),
        (r#"{"renders": {"1": {"show": 1, "content": "x"}}}"#, "expected a boolean"),
        (r#"{"renders": {"1": {"show": null, "content": "x"}}}"#, "expected a boolean"),
        (r#"{"renders": {"1": {"content": ["x"]}}}"#, "expected a string"),
        (r#"{"renders": {"1": {"content": "x", "sort": 9007199254740992}}}"#, "sort must be"),
        (r#"{"renders": {"1": {"content": "x", "sort": -1}}}"#, "sort must be"),
        (r#"{"renders": {"1": {"content": "x", "sort": "5"}}}"#, "invalid type"),
        (r#"{"renders": {"1": {"content": "x", "sort": 1e999}}}"#, "out of range"),
        (r#"{"renders": {"1": {"content": "x", "rev": -1}}}"#, "invalid"),
        (r#"{"renders": {"1": {"content": "x", "rev": 1.5}}}"#, "invalid type"),
        (r#"{"removals": "1"}"#, "invalid type"),
        (r#"{"removals": {"1": true}}"#, "invalid type"),
        (r#"{"removals": [1.5]}"#, "a removal is a post id"),
        (r#"{"removals": [null]}"#, "a removal is a post id"),
        (r#"{"removals": [[]]}"#, "a removal is a post id"),
        (r#"{"removals": [["1", 5]]}"#, "a removal is a post id"),
        (r#"{"renders": {"1": [true, "<p data-post-id='1'></p>"]}}"#, "invalid type"),
        (r#"{"reset": "yes"}"#, "expected a boolean"),
    ] {
        is_refused(&server, body.as_bytes(), 400, reason).await;
    }
}

async fn what_names_a_post_twice_or_badly_is_refused(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let long = format!("{{\"removals\": [\"{}\"]}}", "x".repeat(256));
    for (body, reason) in [
        (r#"{"renders": {}, "renders": {}}"#, "duplicate field"),
        (r#"{"removals": [], "removals": []}"#, "duplicate field"),
        (r#"{"renders": {"1": {"content": "x"}, "1": {"content": "x"}}}"#, "rendered twice"),
        (r#"{"renders": {"1": {"content": "x", "content": "x"}}}"#, "duplicate field"),
        (r#"{"renders": {"1": {"show": false}}, "removals": ["1"]}"#, "both rendered and removed"),
        (r#"{"renders": {"1": {"show": false}}, "removals": [1]}"#, "both rendered and removed"),
        (r#"{"renders": {"1": {"show": false}}, "removals": [{"id": "1", "rev": 3}]}"#, "both rendered and removed"),
        (r#"{"renders": {"": {"show": false}}}"#, "post id is empty"),
        (r#"{"renders": {"a'b": {"show": false}}}"#, "not allowed"),
        (r#"{"renders": {"<b>": {"show": false}}}"#, "not allowed"),
        (r#"{"renders": {"a\u0000b": {"show": false}}}"#, "not allowed"),
        (r#"{"renders": {"a\u2028b": {"show": false}}}"#, "not allowed"),
        (r#"{"renders": {"\ud800": {"show": false}}}"#, "not valid"),
        (&long, "a removal is a post id"),
    ] {
        is_refused(&server, body.as_bytes(), 400, reason).await;
    }
}

async fn names_that_mean_something_to_javascript_are_names(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let names = ["__proto__", "constructor", "toString", "hasOwnProperty", "length", "a/b]", "-1"];
    let posts: Vec<_> = names.iter().map(|name| (*name, "x")).collect();
    assert_eq!(server.ask(Request::publish("blog", renders(&posts))).await.status, 200);
    let mut socket = WebSocket::open(&server, "blog", None).await;
    let frame = socket.frame().await;
    assert_eq!(frame.ids(), names);
    let body = r#"{"removals": [-1, "__proto__"], "__proto__": {"x": 1}, "constructor": 5}"#;
    assert_eq!(server.ask(Request::publish("blog", body)).await.status, 200);
    assert_eq!(socket.frame().await.removals, ["-1", "__proto__"]);
}

async fn a_body_that_ends_early_is_refused_wherever_it_ends(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let body = r#"{"renders": {"1": {"content": "<p data-post-id='1'>ü</p>"}}, "removals": ["2"]}"#.as_bytes();
    let before = server.cursor("blog").await;
    let mut wire = Wire::connect(&server).await;
    for end in 0..body.len() {
        let response = wire.ask(Request::publish("blog", &body[..end]).under(server.prefix)).await;
        assert_eq!(response.status, 400, "{end}");
    }
    assert_eq!(server.cursor("blog").await, before);
    assert_eq!(wire.ask(Request::publish("blog", body).under(server.prefix)).await.status, 200);
}

async fn bytes_that_are_not_utf_8_are_refused(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    for bad in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xe2\x82"] {
        is_refused(&server, &[b"{\"removals\": [\"", bad, b"\"]}"].concat(), 400, "UTF-8").await;
        is_refused(&server, &[b"{\"x\": \"", bad, b"\", \"removals\": [1]}"].concat(), 400, "UTF-8").await;
    }
    is_refused(&server, b"\x1f\x8b\x08\x00", 400, "UTF-8").await;
}

async fn nesting_without_end_is_no_burden(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let nested = |count: usize| format!("{}{}", "[".repeat(count), "]".repeat(count));
    for count in [127, 128, 129, 100_000] {
        let removals = format!("{{\"removals\": {}}}", nested(count));
        assert_eq!(server.ask(Request::publish("blog", removals)).await.status, 400, "{count}");
        let renders = format!("{{\"renders\": {{\"1\": {{\"content\": {}}}}}}}", nested(count));
        assert_eq!(server.ask(Request::publish("blog", renders)).await.status, 400, "{count}");
        let unknown = format!("{{\"x\": {}}}", nested(count));
        assert_eq!(server.ask(Request::publish("blog", unknown)).await.status, 200, "{count}");
    }
}

async fn html_without_end_to_its_nesting_does_not_hold_others_up(adapter: Adapter) {
    let html = live_core::Html::sanitize();
    let server = adapter.start(Config { html, ..quick() }).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    socket.frame().await;
    // The sanitiser's time grows with the square of the depth: hours for the first, minutes for the others, and nobody waits here for
    // as long as that.
    for (deep, status) in [
        ("<div>".repeat(1 << 20), 413),
        ("<div>".repeat(50_000), 400),
        ("<ul><li>".repeat(30_000), 400),
        (format!("{}{}", "<a>".repeat(40_000), "</b>".repeat(30_000)), 400),
    ] {
        let response = server.ask(Request::publish("blog", renders(&[("1", &deep)]))).await;
        assert_eq!(response.status, status);
    }
    let cursor = server.post("blog", "2", "meanwhile").await;
    assert_eq!(socket.frame().await.cursor, cursor);
}

async fn more_items_than_an_update_may_have_are_refused(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let removals = |count: usize| {
        let ids: Vec<_> = (0..count).map(|id| id.to_string()).collect();
        format!("{{\"removals\": [{}]}}", ids.join(","))
    };
    is_refused(&server, removals(1_000_000).as_bytes(), 413, "1000000 renders and removals (limit: 10000)").await;
    is_refused(&server, removals(10_001).as_bytes(), 413, "limit: 10000").await;
    assert_eq!(server.ask(Request::publish("blog", removals(10_000))).await.status, 200);
    let same = format!("{{\"removals\": [{}]}}", vec!["1"; 1_000_000].join(","));
    assert_eq!(server.ask(Request::publish("blog", same)).await.status, 200, "one post is one item");
}

async fn a_body_above_the_limit_is_refused_however_it_is_sent(adapter: Adapter) {
    let server = adapter.start(Config { max_publish_bytes: 10_000, ..quick() }).await;
    let fits = format!("{{\"x\": \"{}\"}}", "x".repeat(9_991));
    assert_eq!((fits.len(), server.ask(Request::publish("blog", &fits)).await.status), (10_000, 200));
    is_refused(&server, format!("{fits} ").as_bytes(), 413, "larger than 10000 bytes").await;

    let announced = Request::publish("blog", "").with("Content-Length", "1000000000000").under(server.prefix);
    let mut wire = Wire::connect(&server).await;
    wire.send(announced.to_bytes()).await;
    assert_eq!(wire.response("POST").await.unwrap().status, 413, "before a byte of it has come");

    let chunked = Request::publish("blog", "").without("Content-Length").header("Transfer-Encoding", "chunked");
    let mut wire = Wire::connect(&server).await;
    wire.send(chunked.under(server.prefix).to_bytes()).await;
    for _ in 0..11 {
        wire.send(format!("3e8\r\n{}\r\n", "x".repeat(1_000))).await;
    }
    assert_eq!(wire.response("POST").await.unwrap().status, 413, "before the last chunk");
}

async fn a_publisher_that_sends_on_can_read_why_it_was_refused(adapter: Adapter) {
    let server = adapter.start(Config { max_publish_bytes: 10_000, ..quick() }).await;
    for _ in 0..10 {
        let mut wire = Wire::connect(&server).await;
        // One that reads only after it has sent all, as most do.
        let request = Request::publish("blog", "x".repeat(2 << 20)).under(server.prefix);
        let sent = wire.try_send(request.to_bytes()).await;
        let response = wire.response("POST").await;
        assert_eq!(response.map(|response| response.status), Some(413), "{sent:?}");
    }
}

async fn a_publisher_may_ask_before_it_sends_the_body(adapter: Adapter) {
    let server = adapter.start(Config { max_publish_bytes: 1_000, ..quick() }).await;
    let expecting = |body: &str| {
        let request = Request::publish("blog", body).header("Expect", "100-continue").under(server.prefix);
        let head = request.to_bytes();
        head[..head.len() - body.len()].to_vec()
    };
    let body = renders(&[("1", "one")]);
    let mut wire = Wire::connect(&server).await;
    wire.send(expecting(&body)).await;
    assert_eq!(wire.head().await.unwrap().status, 100);
    wire.send(&body).await;
    assert_eq!(wire.response("POST").await.unwrap().status, 200);

    let mut wire = Wire::connect(&server).await;
    wire.send(expecting(&"x".repeat(1_001))).await;
    if adapter.has(Habit::ContinuesUnasked) {
        assert_eq!(wire.head().await.unwrap().status, 100);
    }
    assert_eq!(wire.response("POST").await.unwrap().status, 413, "it need not send it at all");
}

async fn a_chunked_body_is_put_together(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let chunked = Request::publish("blog", "").without("Content-Length").header("Transfer-Encoding", "chunked");
    let mut wire = Wire::connect(&server).await;
    wire.send(chunked.under(server.prefix).to_bytes()).await;
    for piece in renders(&[("1", "in pieces")]).as_bytes().chunks(7) {
        wire.send(format!("{:x};extension=x\r\n{}\r\n", piece.len(), std::str::from_utf8(piece).unwrap())).await;
    }
    wire.send("0\r\nTrailer: x\r\n\r\n").await;
    assert_eq!(wire.response("POST").await.unwrap().status, 200);
    assert_eq!(
        wire.ask(Request::new("GET", "/updates/blog/").under(server.prefix)).await.status,
        200,
        "the connection goes on"
    );
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    what_is_not_the_json_of_an_update_is_refused,
    what_names_a_post_twice_or_badly_is_refused,
    names_that_mean_something_to_javascript_are_names,
    a_body_that_ends_early_is_refused_wherever_it_ends,
    bytes_that_are_not_utf_8_are_refused,
    nesting_without_end_is_no_burden,
    html_without_end_to_its_nesting_does_not_hold_others_up,
    more_items_than_an_update_may_have_are_refused,
    a_body_above_the_limit_is_refused_however_it_is_sent,
    a_publisher_that_sends_on_can_read_why_it_was_refused,
    a_publisher_may_ask_before_it_sends_the_body,
    a_chunked_body_is_put_together,
];
