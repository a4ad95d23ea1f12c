//! Wagtail Live's own two polling protocols, as recorded from it.

use std::time::Duration;

use live_core::{Config, Render, Transport, Update};

use crate::{
    adapter::Adapter,
    case::Case,
    client::{Request, Response, Wire},
    model::{Cursor, Shown, Updates, WagtailReader},
    server::{SetClock, TestServer, post_id, quick, removal, render},
};

const ROUTE: &str = "/get-updates/blog/";

/// A configuration whose polls never wait.
fn interval() -> Config {
    Config { transports: vec![Transport::IntervalPolling], ..quick() }
}

async fn since(server: &TestServer, seconds: &str) -> Response {
    server.get(&format!("{ROUTE}?last_update_ts={seconds}")).await
}

async fn updates_since(server: &TestServer, seconds: &str) -> Updates {
    serde_json::from_slice(&since(server, seconds).await.body).unwrap()
}

fn ids(updates: &Updates) -> Vec<&str> {
    updates.updates.iter().map(|(id, _)| id.as_str()).collect()
}

async fn the_handshake_has_the_originals_fields(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.seed("blog", &["1", "2", "3"]).await;
    server.publish("blog", removal("2")).await;
    let response = server.ask(Request::new("POST", ROUTE).body("")).await;
    assert_eq!((response.status, response.header("content-type")), (200, Some("application/json")));
    assert_eq!(response.header("cache-control"), Some("private, no-store"));
    let answer = response.json();
    // The post that is gone is listed too, so that the first poll removes it from HTML that is older.
    assert_eq!(answer["livePosts"], serde_json::json!(["1", "3", "2"]));
    assert_eq!(answer["pollingInterval"], 250);
    assert!(answer["lastUpdateTimestamp"].is_f64(), "{answer}");
    assert_eq!(answer.as_object().unwrap().len(), 3);
    server.has_readers(0).await;
}

async fn head_tells_the_time_of_the_last_update(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let version = Cursor::parse(&server.seed("blog", &["1"]).await).version;
    let response = server.ask(Request::new("HEAD", ROUTE)).await;
    assert_eq!(response.status, 200);
    let seconds = format!("{}.{:06}", version / 1_000_000, version % 1_000_000);
    assert_eq!(response.header("last-update-at"), Some(seconds.as_str()));
}

async fn everything_comes_oldest_first(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.seed("blog", &["z", "a", "m"]).await;
    server.publish("blog", Update::new().render(render("b", "new")).render(Render::hidden(post_id("a")))).await;
    for all in ["0", "-1", "%201.5%20", "-1e30", "1.5", "1e-300"] {
        let updates = updates_since(&server, all).await;
        assert_eq!(ids(&updates), ["z", "a", "m", "b"], "{all}");
        assert_eq!(updates.current_posts, ["z", "a", "m", "b"], "{all}");
        assert_eq!(updates.updates[1].1.content, "<div data-post-id=\"a\" hidden></div>");
        assert!(!updates.updates[1].1.show && updates.updates[0].1.show);
    }
}

async fn a_poll_gets_what_changed_and_which_posts_there_are(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.seed("blog", &["1", "2", "3"]).await;
    let mut reader =
        WagtailReader { last_update: updates_since(&server, "0").await.last_update_timestamp, ..Default::default() };
    server.publish("blog", Update::new().render(render("2", "edited")).remove(post_id("1"))).await;
    let response = server.ask(reader.request()).await;
    let updates: Updates = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(ids(&updates), ["2"]);
    assert_eq!(updates.current_posts, ["2", "3"]);
    assert!(reader.apply(&response));
    assert_eq!(reader.last_update, updates.last_update_timestamp);
}

async fn a_long_poll_waits_for_a_publish(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.seed("blog", &["1"]).await;
    let mut reader = WagtailReader::default();
    reader.apply(&since(&server, "0").await);
    let mut wire = Wire::connect(&server).await;
    wire.send(reader.request().under(server.prefix).to_bytes()).await;
    server.has_readers(1).await;
    server.post("blog", "2", "woken").await;
    assert!(reader.apply(&wire.response("GET").await.unwrap()));
    assert_eq!(reader.live_posts, ["1", "2"]);
    server.has_readers(0).await;
}

async fn a_long_poll_ends_with_the_originals_words(adapter: Adapter) {
    let server = adapter.start(Config { long_poll_timeout: Duration::from_millis(200), ..quick() }).await;
    server.seed("blog", &["1"]).await;
    let mut reader = WagtailReader::default();
    reader.apply(&since(&server, "0").await);
    let response = server.ask(reader.request()).await;
    assert_eq!(response.text(), r#"{"timeOutReached": "Timeout duration reached."}"#);
    assert!(!reader.apply(&response));
    server.has_readers(0).await;
}

async fn interval_polling_never_waits(adapter: Adapter) {
    let server = adapter.start(interval()).await;
    server.seed("blog", &["1"]).await;
    let everything = updates_since(&server, "0").await;
    let again = updates_since(&server, &everything.last_update_timestamp.to_string()).await;
    assert!(again.updates.is_empty());
    assert_eq!(
        (again.current_posts, again.last_update_timestamp),
        (everything.current_posts, everything.last_update_timestamp)
    );
}

async fn a_time_that_the_page_never_gave_gets_everything(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.seed("blog", &["1", "2"]).await;
    // What a page showed before the server lost its bus, with a clock that was ahead.
    for future in ["9000000000.5", "1e30", "9007199254.740991"] {
        assert_eq!(ids(&updates_since(&server, future).await), ["1", "2"], "{future}");
    }
}

async fn times_survive_the_browsers_doubles(adapter: Adapter) {
    let time = SetClock::new();
    let server = adapter.start(Config { clock: time.clock(), ..interval() }).await;
    server.seed("blog", &["1"]).await;
    for step in [1, 3, 7, 333_333, 999_999, 1_000_000, 123_456_789] {
        time.pass(Duration::from_micros(step));
        let version = Cursor::parse(&server.post("blog", "1", &format!("{step}")).await).version;
        let mut reader = WagtailReader::default();
        assert!(reader.apply(&since(&server, "0").await));
        assert_eq!((reader.last_update * 1e6).round() as u64, version);
        let again: Updates = serde_json::from_slice(&server.ask(reader.request()).await.body).unwrap();
        assert!(again.updates.is_empty(), "{step}: {again:?}");
        assert!(!reader.is_behind(&mut Wire::connect(&server).await, &server).await, "{step}");
        reader.last_update = (version - 1) as f64 / 1e6;
        let before: Updates = serde_json::from_slice(&server.ask(reader.request()).await.body).unwrap();
        assert_eq!(ids(&before), ["1"], "{step}");
    }
}

async fn nothing_is_lost_between_the_html_and_the_handshake(adapter: Adapter) {
    let time = SetClock::new();
    let server = adapter.start(Config { clock: time.clock(), ..quick() }).await;
    server.seed("blog", &["1", "2", "3"]).await;
    time.pass(Duration::from_secs(3600));
    let mut reader = WagtailReader::of_html(&Shown::by(&server, "blog").await);
    server.publish("blog", Update::new().render(render("4", "new")).render(render("1", "edited"))).await;
    time.pass(Duration::from_secs(1));
    server.publish("blog", removal("2")).await;
    time.pass(Duration::from_secs(30));
    let mut wire = Wire::connect(&server).await;
    reader.handshake(&mut wire, &server).await;
    assert!(reader.is_behind(&mut wire, &server).await);
    assert!(reader.apply(&wire.ask(reader.request().under(server.prefix)).await));
    let page = Shown::by(&server, "blog").await;
    let shown: Vec<_> = reader.shown.iter().map(|(id, content)| (id.as_str(), content.as_str())).collect();
    assert_eq!(shown, page.contents().into_iter().collect::<Vec<_>>());
    assert!(!reader.is_behind(&mut wire, &server).await);
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    the_handshake_has_the_originals_fields,
    head_tells_the_time_of_the_last_update,
    everything_comes_oldest_first,
    a_poll_gets_what_changed_and_which_posts_there_are,
    a_long_poll_waits_for_a_publish,
    a_long_poll_ends_with_the_originals_words,
    interval_polling_never_waits,
    a_time_that_the_page_never_gave_gets_everything,
    times_survive_the_browsers_doubles,
    nothing_is_lost_between_the_html_and_the_handshake,
];
