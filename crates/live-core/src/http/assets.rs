//! The browser clients, embedded.

use std::sync::OnceLock;

use http::{HeaderValue, Response, StatusCode, header, request::Parts};
use sha2::{Digest, Sha256};

use super::{Body, response};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asset {
    Client,
    WagtailClient,
}

static CLIENT: &[u8] = include_bytes!("../../client/live.js");
static WAGTAIL_CLIENT: &[u8] = include_bytes!("../../client/wagtail-live.js");

impl Asset {
    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Client => CLIENT,
            Self::WagtailClient => WAGTAIL_CLIENT,
        }
    }

    /// A strong validator (RFC 9110 §8.8.3): the bytes' own digest.
    fn etag(self) -> &'static str {
        static ETAGS: [OnceLock<String>; 2] = [OnceLock::new(), OnceLock::new()];
        ETAGS[self as usize].get_or_init(|| {
            let digest = Sha256::digest(self.bytes());
            let digits: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            format!("\"{digits}\"")
        })
    }
}

pub(super) fn serve(asset: Asset, parts: &Parts) -> Response<Body> {
    let etag = asset.etag();
    let is_known = |value: &HeaderValue| {
        value.to_str().is_ok_and(|tags| {
            tags.split(',').any(|tag| matches!(tag.trim(), "*") || tag.trim().trim_start_matches("W/") == etag)
        })
    };
    let mut response = if parts.headers.get_all(header::IF_NONE_MATCH).iter().any(is_known) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        response(StatusCode::OK, "text/javascript; charset=utf-8", asset.bytes())
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, HeaderValue::from_static(etag));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    // A module from another origin is fetched with CORS; it is the same for everyone.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
