//! Channel ids: what names a page, and that it names only that page.

use crate::{
    adapter::Adapter,
    case::Case,
    client::{Request, WebSocket},
    model::{Frame, Shown},
    server::{TestServer, channel_id, quick},
};

/// A channel as a path carries it, every byte percent-encoded.
fn encoded(channel: &str) -> String {
    channel.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The statuses of all routes for this segment of their paths.
async fn statuses(server: &TestServer, segment: &str) -> Vec<u16> {
    let body = r#"{"renders": {"1": {"content": "<p data-post-id='1'></p>"}}}"#;
    let requests = [
        Request::publish(segment, body),
        Request::new("GET", &format!("/updates/{segment}/")),
        Request::new("HEAD", &format!("/events/{segment}/")),
        Request::handshake(&format!("/ws/channel/{segment}/")).with("Sec-WebSocket-Version", "8"),
        Request::new("OPTIONS", &format!("/get-updates/{segment}/")),
    ];
    let mut statuses = Vec::new();
    for request in requests {
        statuses.push(server.ask(request).await.status);
    }
    statuses
}

const ACCEPTED: [u16; 5] = [200, 200, 200, 426, 200];
const REFUSED: [u16; 5] = [400; 5];

async fn a_channel_id_has_1_to_255_characters(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let long = |character: &str, count: usize| character.repeat(count);
    for good in ["a", &long("a", 255), &encoded(&long("ü", 255)), &encoded(&long("🏉", 255))] {
        assert_eq!(statuses(&server, good).await, ACCEPTED, "{good}");
    }
    for bad in ["", &long("a", 256), &encoded(&long("ü", 256)), &long("a", 4_000)] {
        assert_eq!(statuses(&server, bad).await, REFUSED, "{bad}");
    }
}

async fn a_channel_id_has_no_slash_and_no_control_character(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    for bad in ["%2F", "a%2fb", "%00", "a%0d%0aSet-Cookie:x", "%7F", "%C2%85", "%1b"] {
        assert_eq!(statuses(&server, bad).await, REFUSED, "{bad}");
    }
    assert_eq!(server.open_pages(), 0);
}

async fn a_path_that_is_not_percent_encoded_utf_8_is_refused(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    for bad in ["%", "a%4", "%zz", "%ff", "%C3", "%ED%A0%80", "%+1", "%F4%90%80%80", "%C0%AF"] {
        assert_eq!(statuses(&server, bad).await, REFUSED, "{bad}");
    }
    let response = server.get("/updates/%zz/").await;
    assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(response.text().contains("percent-encoded"), "{}", response.text());
}

async fn a_channel_id_is_decoded_exactly_once(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.post("a%2Fb", "1", "one").await;
    let frame = Frame::parse(&server.get("/updates/a%252Fb/").await.body);
    assert_eq!(frame.ids(), ["1"]);
    let mut reader = WebSocket::open(&server, "a%25252Fb", None).await;
    assert!(reader.frame().await.is_empty(), "that is another page");
}

async fn every_channel_id_names_a_page_of_its_own(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let names = [
        "a",
        "A",
        "a ",
        " a",
        "a.",
        "a/".trim_end_matches('/'),
        "ä",
        "a\u{308}",
        "*",
        "a*",
        "?",
        "[a-c]",
        "\\",
        ">",
        ".",
        "..",
        "{tag}",
        "$SYS",
        "%",
        "%61",
        "+",
        "a+b",
        "a b",
        "a&b",
        "a=b",
        "#",
        "\u{202e}a",
        "🏉",
        "group_*",
        "channel",
    ];
    for (index, name) in names.iter().enumerate() {
        let body = format!(r#"{{"renders": {{"{index}": {{"content": "<p data-post-id='{index}'></p>"}}}}}}"#);
        assert_eq!(server.ask(Request::publish(&encoded(name), body)).await.status, 200, "{name}");
    }
    for (index, name) in names.iter().enumerate() {
        let expected = names.iter().position(|other| other == name).unwrap();
        let mut reader = WebSocket::open(&server, &encoded(name), Some("*")).await;
        let ids = reader.frame().await.ids().join(" ");
        if expected == index {
            assert!(ids.split(' ').any(|id| id == index.to_string()), "{name}: {ids}");
        }
        assert_eq!(ids.split(' ').count(), names.iter().filter(|other| *other == name).count(), "{name}: {ids}");
    }
}

async fn the_query_does_not_name_the_channel(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.post("a", "in-a", "one").await;
    server.post("c", "in-c", "one").await;
    // Wagtail Live takes the last but one part of the whole URL.
    let request = Request::handshake("/ws/channel/a/?x=/b/c/").under(server.prefix);
    let mut reader = WebSocket::ask_on(crate::client::Wire::connect(&server).await, request, b"").await;
    assert_eq!(reader.frame().await.ids(), ["in-a"]);
    server.post("c", "2", "two").await;
    server.post("a", "2", "two").await;
    assert_eq!(reader.frame().await.ids(), ["2"]);
    assert_eq!(Shown::by(&server, "a").await.ids(), ["2", "in-a"]);
    assert_eq!(server.hub.page(&channel_id("c")).await.unwrap().posts().count(), 2);
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    a_channel_id_has_1_to_255_characters,
    a_channel_id_has_no_slash_and_no_control_character,
    a_path_that_is_not_percent_encoded_utf_8_is_refused,
    a_channel_id_is_decoded_exactly_once,
    every_channel_id_names_a_page_of_its_own,
    the_query_does_not_name_the_channel + websocket,
];
