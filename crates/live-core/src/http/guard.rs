//! What every request is checked for, and what every answer carries.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, Response, StatusCode, header, request::Parts};

use super::{Body, Refusal};
use crate::{hub::Hub, policy::Permit};

/// Who asks, after the checks.
#[derive(Debug)]
pub(super) struct Caller<'a> {
    hub: &'a Hub,
    address: Option<IpAddr>,
}

impl<'a> Caller<'a> {
    /// Checks method, `Host` and `Origin`.
    pub(super) fn check(
        hub: &'a Hub,
        parts: &Parts,
        peer: Option<IpAddr>,
        methods: &'static str,
    ) -> Result<Self, Refusal> {
        check_method(parts, methods)?;
        // RFC 9112 §3.2: a request without Host is refused. HTTP/2 has it in the target.
        if !parts.headers.contains_key(header::HOST) && parts.uri.authority().is_none() {
            return Err(Refusal::Bad("the request has no Host header".to_owned()));
        }
        let address = peer.map(|peer| hub.config().trusted_proxies.reader(peer, &parts.headers));
        if hub.config().origins.admit(&parts.headers).is_none() {
            tracing::debug!(?address, origin = ?parts.headers.get(header::ORIGIN), "origin not allowed");
            return Err(Refusal::Origin);
        }
        Ok(Self { hub, address })
    }

    /// Counts the reader in.
    pub(super) fn admit(&self) -> Result<Permit, Refusal> {
        self.hub.admit(self.address).map_err(|full| {
            tracing::debug!(address = ?self.address, %full, "reader refused");
            Refusal::TooMany(full)
        })
    }
}

pub(super) fn check_method(parts: &Parts, methods: &'static str) -> Result<(), Refusal> {
    let allowed = methods.split(", ").any(|method| method == parts.method.as_str());
    if allowed { Ok(()) } else { Err(Refusal::Method(methods)) }
}

/// The answer to OPTIONS, a CORS preflight (Fetch Standard §3.2) or not.
pub(super) fn preflight(methods: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static(methods));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type, idempotency-key, last-event-id, x-csrftoken"),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// CORS for the page that asks, unless the answer is a refusal of it; and no guessing of content types.
pub(super) fn add_common_headers(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        return;
    }
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("live-poll-interval, last-update-at, retry-after"),
        );
    }
}
