//! Answers that are packed with gzip, for readers who accept it.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::{Body, JSON, response};
use crate::{frame::Frame, hub::Hub};

/// The frame as the answer to a poll: packed if it is long and the reader accepts it.
pub(super) async fn answer(hub: &Hub, frame: Arc<Frame>, accepts_gzip: impl FnOnce() -> bool) -> Response<Body> {
    let json = frame.json();
    if json.len() < hub.config().gzip_from_bytes {
        // The same for everybody, so that a cache keeps one answer.
        return response(StatusCode::OK, JSON, json);
    }
    let packed = if accepts_gzip() { hub.packed(frame).await } else { None };
    let is_packed = packed.is_some();
    let mut response = response(StatusCode::OK, JSON, packed.unwrap_or(json));
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if is_packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// RFC 9110 §12.5.3. Whoever says nothing may be anything, and gets what everything understands.
pub(super) fn accepts_gzip(request: &HeaderMap) -> bool {
    let lines = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let (mut gzip, mut any, mut identity) = (None, None, None);
    for (coding, weight) in lines.flat_map(|line| line.split(',')).map(weighted) {
        match coding.as_str() {
            // RFC 9110 §8.4.1.3: they are the same.
            "gzip" | "x-gzip" => gzip = Some(weight),
            "*" => any = Some(weight),
            "identity" => identity = Some(weight),
            _ => {}
        }
    }
    let gzip = gzip.or(any).unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity.unwrap_or(0.0)
}

/// A coding in small letters with its weight; one that cannot be read is not wanted.
fn weighted(item: &str) -> (String, f32) {
    let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
    let weight = match parameters.trim().split_once('=') {
        None => 1.0,
        Some((name, value)) if name.trim().eq_ignore_ascii_case("q") => value.trim().parse().unwrap_or(0.0),
        Some(_) => 0.0,
    };
    (coding.trim().to_ascii_lowercase(), weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_taken_by_those_who_ask_for_it() {
        let accepts = |lines: &[&'static str]| {
            let line = |line: &&'static str| (header::ACCEPT_ENCODING, HeaderValue::from_static(line));
            accepts_gzip(&lines.iter().map(line).collect())
        };
        for lines in [
            &["gzip"][..],
            &["gzip, deflate, br, zstd"],
            &["br;q=1.0, GZIP ; Q=0.001"],
            &["x-gzip"],
            &["*"],
            &["deflate", "gzip"],
            &["gzip;q=0.5, *;q=0"],
            &["identity;q=0.5, gzip;q=0.5"],
        ] {
            assert!(accepts(lines), "{lines:?}");
        }
        for lines in [
            &[][..],
            &[""],
            &["identity"],
            &["br, deflate"],
            &["gzip;q=0"],
            &["gzip;q=0.000, *"],
            &["*;q=0"],
            &["gzip;q=x"],
            &["gzip;q=nan"],
            &["identity, gzip;q=0.5"],
            &["gzip2"],
        ] {
            assert!(!accepts(lines), "{lines:?}");
        }
    }
}
