//! Requests for names of this machine. What is open to whoever is on it would be open to any web page, too: a name of the page's own
//! may be made to point here (DNS rebinding), and then its requests come from here.

use std::net::IpAddr;

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header, uri::Authority};

/// Lets only requests through that were made to `localhost` or a loopback address.
pub(super) async fn only(request: Request, next: Next) -> Response {
    if names_loopback(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "this is open to this machine: ask for it as localhost or 127.0.0.1\n").into_response()
}

/// As [`only`], for publishing alone.
pub(super) async fn only_publishes(request: Request, next: Next) -> Response {
    match request.uri().path().starts_with("/publish") {
        true => only(request, next).await,
        false => next.run(request).await,
    }
}

fn names_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let Some(host) = host else { return false };
    let name = host.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_only_points_here_is_not_of_this_machine() {
        let names = |host: &str| names_loopback(&[(header::HOST, host.parse().unwrap())].into_iter().collect());
        for good in ["localhost", "LOCALHOST:8766", "127.0.0.1:8766", "127.8.8.8", "[::1]:8766"] {
            assert!(names(good), "{good}");
        }
        for bad in ["evil.example", "localhost.evil.example:8766", "192.0.2.1", "127.0.0.1.evil.example", "", "[::2]"] {
            assert!(!names(bad), "{bad}");
        }
        assert!(!names_loopback(&HeaderMap::new()));
    }
}
