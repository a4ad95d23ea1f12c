//! What every request is checked for, and what every answer carries.

use std::{net::IpAddr, time::Instant};

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header, request::Parts};

use super::{Body, Refusal, token};
use crate::{
    cursor::Start,
    hub::{Hub, Reader},
    id::ChannelId,
    policy::{Permit, is_host},
    publisher::Transport,
};

/// Who asks.
#[derive(Debug)]
pub(super) struct Caller<'a> {
    hub: &'a Hub,
    parts: &'a Parts,
    address: Option<IpAddr>,
}

impl<'a> Caller<'a> {
    /// Whoever it is behind trusted proxies.
    pub(super) fn new(hub: &'a Hub, parts: &'a Parts, peer: Option<IpAddr>) -> Self {
        let address = peer.map(|peer| hub.config().trusted_proxies.reader(peer, &parts.headers));
        Self { hub, parts, address }
    }

    /// For a page of an origin that is not allowed.
    pub(super) fn refuse_origin(&self) -> Refusal {
        let origin = self.parts.headers.get(header::ORIGIN);
        tracing::debug!(address = ?self.address, ?origin, "origin not allowed");
        Refusal::Origin
    }

    /// A reader of the page, counted in.
    pub(super) async fn join(
        &self,
        transport: Transport,
        channel: &ChannelId,
        start: Start,
    ) -> Result<Reader, Refusal> {
        let until = self.admitted_until(channel)?;
        let joined = self.hub.join_over(transport, channel, start, self.admit()?);
        let reader = joined.await?;
        Ok(match until {
            Some(until) => reader.until(until),
            None => reader,
        })
    }

    /// Until when it may read the channel; `None` is for ever.
    pub(super) fn admitted_until(&self, channel: &ChannelId) -> Result<Option<Instant>, Refusal> {
        token::admitted_until(self.hub.config(), self.parts, channel)
    }

    fn admit(&self) -> Result<Permit, Refusal> {
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

/// A host in the target, as in every request of HTTP/2, takes the place of the header (RFC 9112 §3.2.2).
pub(super) fn settle_host(parts: &mut Parts) {
    let host = parts.uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let Some(host) = host {
        parts.headers.insert(header::HOST, host);
    }
}

/// RFC 9112 §3.2: a request with no `Host`, with two, or with one that is none, is refused.
pub(super) fn check_host(parts: &Parts) -> Result<(), Refusal> {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_host(host) => Ok(()),
        (Some(_), None) => Err(Refusal::Bad("the Host header is not a host".to_owned())),
        _ => Err(Refusal::Bad("the request must have one Host header".to_owned())),
    }
}

/// RFC 6585 §5: for servers that read more than `max_header_bytes`.
pub(super) fn check_header(parts: &Parts, max_header_bytes: usize) -> Result<(), Refusal> {
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let line =
        |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + ": ".len() + value.len() + "\r\n".len();
    let bytes = target + parts.headers.iter().map(line).sum::<usize>();
    if bytes > max_header_bytes { Err(Refusal::HeaderTooLarge) } else { Ok(()) }
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
pub(super) fn add_common_headers(headers: &mut HeaderMap, origin: Option<&HeaderValue>) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        return;
    }
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("live-close, live-poll-interval, last-update-at, retry-after"),
        );
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn the_host_of_an_http_2_request_is_in_its_target() {
        let request = Request::builder().uri("https://live.example:8443/events/a/").body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        settle_host(&mut parts);
        assert!(check_host(&parts).is_ok());
        assert_eq!(parts.headers[header::HOST], "live.example:8443");
    }
}
