//! What Wagtail Live's polling is refused, after a second: the original's browser code repeats at once.

use std::time::{Duration, Instant};

use live_core::Update;

use crate::{
    adapter::Adapter,
    case::Case,
    client::{Request, Response, Wire},
    server::{TestServer, post_id, quick},
};

/// Asks all of them at a time, and returns the answers with the time that each took.
async fn ask_all(server: &TestServer, requests: &[Request]) -> Vec<(Response, Duration)> {
    let began = Instant::now();
    let mut wires = Vec::new();
    for request in requests {
        let mut wire = Wire::connect(server).await;
        wire.send(request.under(server.prefix).to_bytes()).await;
        wires.push(wire);
    }
    let mut answers = Vec::new();
    for (wire, request) in wires.iter_mut().zip(requests) {
        answers.push((wire.response(request.method()).await.unwrap(), began.elapsed()));
    }
    answers
}

fn held_for_a_second(took: Duration) -> bool {
    took >= Duration::from_secs(1) && took < Duration::from_secs(5)
}

async fn a_page_that_is_not_held_whole_is_not_found_after_a_second(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.post("part", "1", "of a page that Live does not hold whole").await;
    let requests: Vec<_> = ["unknown", "part"]
        .into_iter()
        .flat_map(|channel| {
            let target = format!("/get-updates/{channel}/");
            [
                Request::new("POST", &target).body(""),
                Request::new("HEAD", &target),
                Request::new("GET", &format!("{target}?last_update_ts=0")),
            ]
        })
        .collect();
    for ((response, took), request) in ask_all(&server, &requests).await.iter().zip(&requests) {
        assert_eq!(response.status, 404, "{request:?}");
        assert!(held_for_a_second(*took), "{request:?}: {took:?}");
    }
    server.forgets_its_readers().await;
}

async fn a_time_that_is_not_a_finite_number_is_refused_with_the_reason(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    server.seed("blog", &["1"]).await;
    let times = [
        "",
        "?last_update_ts",
        "?last_update_ts=",
        "?last_update_ts=abc",
        "?last_update_ts=nan",
        "?last_update_ts=NaN",
        "?last_update_ts=inf",
        "?last_update_ts=-inf",
        "?last_update_ts=infinity",
        "?last_update_ts=1e400",
        "?last_update_ts=1_0",
        "?last_update_ts=0x10",
        "?last_update_ts=1,5",
        "?last_update_ts=%D9%A1",
        "?last_update_ts=%ff",
    ];
    let requests: Vec<_> =
        times.iter().map(|query| Request::new("GET", &format!("/get-updates/blog/{query}"))).collect();
    for ((response, took), request) in ask_all(&server, &requests).await.iter().zip(&requests) {
        assert_eq!(response.status, 400, "{request:?}");
        assert!(response.text().contains("last_update_ts must be a finite number"), "{}", response.text());
        assert!(held_for_a_second(*took), "{request:?}: {took:?}");
    }
    server.has_readers(0).await;
}

async fn a_page_that_becomes_whole_can_be_polled_from_then_on(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    assert_eq!(server.ask(Request::new("POST", "/get-updates/blog/").body("")).await.status, 404);
    server.seed("blog", &[]).await;
    let response = server.ask(Request::new("POST", "/get-updates/blog/").body("")).await;
    assert_eq!((response.status, response.json()["livePosts"].as_array().unwrap().len()), (200, 0));
    server.publish("blog", Update::new().remove(post_id("never there"))).await;
}

async fn whoever_waits_out_an_error_holds_no_place_among_the_readers(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let mut wire = Wire::connect(&server).await;
    wire.send(Request::new("GET", "/get-updates/unknown/?last_update_ts=0").under(server.prefix).to_bytes()).await;
    // The answer is held for a second; the place is not.
    server.has_readers(0).await;
    assert_eq!(wire.response("GET").await.unwrap().status, 404);
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    a_page_that_is_not_held_whole_is_not_found_after_a_second,
    a_time_that_is_not_a_finite_number_is_refused_with_the_reason,
    a_page_that_becomes_whole_can_be_polled_from_then_on,
    whoever_waits_out_an_error_holds_no_place_among_the_readers,
];
