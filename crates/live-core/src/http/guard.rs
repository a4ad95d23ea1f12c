//! What every request is checked for, and what every answer carries.

use std::{net::IpAddr, sync::Arc, time::Instant};

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header, request::Parts};

use super::{Body, Refusal, Route, token};
use crate::{
    cursor::Start,
    hub::{Hub, LivePage, Reader},
    id::ChannelId,
    policy::{Full, is_host},
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

    /// Lets it in to a channel.
    pub(super) fn admit(&'a self, channel: &'a ChannelId) -> Result<Admitted<'a>, Refusal> {
        let until = token::admitted_until(self.hub.config(), self.parts, channel)?;
        Ok(Admitted { caller: self, channel, until })
    }
}

/// Who may read a channel.
#[derive(Debug)]
pub(super) struct Admitted<'a> {
    caller: &'a Caller<'a>,
    channel: &'a ChannelId,
    /// `None` is for ever.
    until: Option<Instant>,
}

impl Admitted<'_> {
    pub(super) fn is_for_a_time(&self) -> bool {
        self.until.is_some()
    }

    /// A reader of the page, counted in.
    pub(super) async fn join(&self, transport: Transport, start: Start) -> Result<Reader, Refusal> {
        let Caller { hub, address, .. } = *self.caller;
        let permit = hub.admit(address).map_err(|full| self.refuse_place(full))?;
        let joined = hub.join_over(transport, self.channel, start, permit);
        let reader = joined.await?;
        Ok(match self.until {
            Some(until) => reader.until(until),
            None => reader,
        })
    }

    /// The page, if it is open, for an answer that is there at once. Whoever is not given it has to [join](Self::join).
    pub(super) fn visit(&self, now: Instant) -> Result<Option<Arc<LivePage>>, Refusal> {
        let Caller { hub, address, .. } = *self.caller;
        hub.has_room(address).map_err(|full| self.refuse_place(full))?;
        let is_over = self.until.is_some_and(|until| until <= now);
        Ok(if is_over { None } else { hub.visit(self.channel, now) })
    }

    fn refuse_place(&self, full: Full) -> Refusal {
        tracing::debug!(address = ?self.caller.address, %full, "reader refused");
        Refusal::TooMany(full)
    }
}

pub(super) fn check_method(parts: &Parts, route: &Route) -> Result<(), Refusal> {
    let (methods, allow) = route.methods();
    if methods.contains(&parts.method) { Ok(()) } else { Err(Refusal::Method(allow)) }
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
pub(super) fn preflight(route: &Route) -> Response<Body> {
    let (_, methods) = route.methods();
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
