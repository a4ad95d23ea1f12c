//! Long answers to polls are packed with gzip, once, for readers who accept it.

use std::io::Read;

use flate2::read::GzDecoder;
use live_core::Config;

use crate::{
    adapter::Adapter,
    case::Case,
    client::{Request, Response, Wire},
    model::Frame,
    server::{TestServer, quick},
};

/// A server with a short update and, after it, a long one; and the cursors before both.
async fn start(adapter: Adapter, config: Config) -> (TestServer, [String; 2]) {
    let server = adapter.start(config).await;
    let first = server.post("blog", "1", "one").await;
    let second = server.post("blog", "2", "two").await;
    server.post("blog", "3", &"It is one small step. ".repeat(1_000)).await;
    (server, [first, second])
}

async fn ask(server: &TestServer, method: &str, query: &str, accepts: Option<&str>) -> Response {
    let request = Request::new(method, &format!("/updates/blog/?{query}"));
    server.ask(accepts.into_iter().fold(request, |request, accepts| request.header("Accept-Encoding", accepts))).await
}

fn unpacked(response: &Response) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(&*response.body).read_to_end(&mut bytes).unwrap();
    bytes
}

/// What the answer depends on, in small letters.
fn varies(response: &Response) -> Vec<String> {
    let lines = response.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("vary"));
    lines.flat_map(|(_, value)| value.split(',')).map(|name| name.trim().to_ascii_lowercase()).collect()
}

async fn a_long_answer_to_a_poll_is_packed_for_those_who_accept_it(adapter: Adapter) {
    let (server, [_, before]) = start(adapter, quick()).await;
    for query in [format!("cursor={before}"), format!("cursor={before}&wait=1"), "cursor=*".to_owned()] {
        let plain = ask(&server, "GET", &query, None).await;
        assert!(plain.body.len() > 20_000, "{query}");
        for accepts in ["gzip, deflate, br, zstd", "GZIP;q=0.1", "*"] {
            let packed = ask(&server, "GET", &query, Some(accepts)).await;
            assert_eq!(packed.header("content-encoding"), Some("gzip"), "{accepts}");
            assert_eq!(packed.header("content-length"), Some(packed.body.len().to_string().as_str()));
            assert!(packed.body.len() < 1_000, "{}", packed.body.len());
            assert_eq!(unpacked(&packed), plain.body);
            for name in ["content-type", "cache-control"] {
                assert_eq!(packed.header(name), plain.header(name), "{query}");
            }
        }
    }
    server.has_readers(0).await;
}

async fn whoever_does_not_accept_gzip_gets_the_answer_as_it_is(adapter: Adapter) {
    let (server, [_, before]) = start(adapter, quick()).await;
    let query = format!("cursor={before}");
    // It is there already, and yet not for everybody.
    assert!(ask(&server, "GET", &query, Some("gzip")).await.header("content-encoding").is_some());
    for accepts in [None, Some(""), Some("identity"), Some("br"), Some("gzip;q=0, *"), Some("identity, gzip;q=0.5")] {
        let response = ask(&server, "GET", &query, accepts).await;
        assert_eq!(response.header("content-encoding"), None, "{accepts:?}");
        assert!(Frame::parse(&response.body).ids().contains(&"3"), "{accepts:?}");
    }
}

async fn a_cache_is_told_which_answers_depend_on_what_a_reader_accepts(adapter: Adapter) {
    let (server, [first, before]) = start(adapter, quick()).await;
    let head = server.cursor("blog").await;
    for accepts in [None, Some("gzip"), Some("br")] {
        let long = ask(&server, "GET", &format!("cursor={before}"), accepts).await;
        assert!(varies(&long).contains(&"accept-encoding".to_owned()), "{accepts:?}");
        // What is the same for everybody is kept once.
        let nothing = ask(&server, "GET", &format!("cursor={head}"), accepts).await;
        assert_eq!((nothing.status, varies(&nothing)), (204, vec!["origin".to_owned()]), "{accepts:?}");
    }
    let short = server.post("blog", "3", "three").await;
    for accepts in [None, Some("gzip")] {
        let response = ask(&server, "GET", &format!("cursor={first}"), accepts).await;
        assert_eq!(Frame::parse(&response.body).cursor.to_string(), short);
        assert_eq!((response.header("content-encoding"), varies(&response)), (None, vec!["origin".to_owned()]));
    }
}

async fn head_says_what_get_would_of_a_packed_answer(adapter: Adapter) {
    let (server, [_, before]) = start(adapter, quick()).await;
    for accepts in [None, Some("gzip")] {
        let [get, head] = [
            ask(&server, "GET", &format!("cursor={before}"), accepts).await,
            ask(&server, "HEAD", &format!("cursor={before}"), accepts).await,
        ];
        for name in ["content-encoding", "content-length", "content-type"] {
            assert_eq!(head.header(name), get.header(name), "{accepts:?}: {name}");
        }
        assert_eq!(varies(&head), varies(&get));
        assert!(head.body.is_empty());
    }
}

async fn a_crowd_that_asks_at_once_gets_the_same_page_packed_or_not(adapter: Adapter) {
    let (server, [_, before]) = start(adapter, quick()).await;
    let mut wires = Vec::new();
    for _ in 0..20 {
        wires.push(Wire::connect(&server).await);
    }
    let request = Request::new("GET", &format!("/updates/blog/?cursor={before}")).under(server.prefix);
    for wire in &mut wires {
        wire.send(request.clone().header("Accept-Encoding", "gzip").to_bytes()).await;
    }
    for wire in &mut wires {
        let response = wire.response("GET").await.unwrap();
        let json = if response.header("content-encoding").is_some() { unpacked(&response) } else { response.body };
        assert!(Frame::parse(&json).ids().contains(&"3"));
    }
    drop(wires);
    server.forgets_its_readers().await;
}

async fn packing_can_be_switched_off(adapter: Adapter) {
    let (server, [_, before]) = start(adapter, Config { gzip_from_bytes: usize::MAX, ..quick() }).await;
    let response = ask(&server, "GET", &format!("cursor={before}"), Some("gzip")).await;
    assert_eq!((response.header("content-encoding"), varies(&response)), (None, vec!["origin".to_owned()]));
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    a_long_answer_to_a_poll_is_packed_for_those_who_accept_it,
    whoever_does_not_accept_gzip_gets_the_answer_as_it_is,
    a_cache_is_told_which_answers_depend_on_what_a_reader_accepts,
    head_says_what_get_would_of_a_packed_answer,
    a_crowd_that_asks_at_once_gets_the_same_page_packed_or_not,
    packing_can_be_switched_off,
];
