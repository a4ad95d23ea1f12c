//! HTTP, for any framework: a request goes in, an answer comes out. Adapters translate, and decide nothing.

mod answer;
mod assets;
mod body;
mod encoding;
mod events;
mod guard;
mod incoming;
mod outgoing;
mod piesocket;
mod publish;
mod route;
mod token;
mod updates;
mod wagtail;
mod websocket;

use std::{borrow::Cow, net::IpAddr, pin::Pin};

use bytes::{Buf, Bytes};
use futures_util::future::{Either, FutureExt as _, ready};
use http::{HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};

use self::guard::Caller;
pub use self::{
    answer::{Answer, Refusal, Upgrade},
    body::Body,
    incoming::Incoming,
    outgoing::Outgoing,
    route::Route,
};
use crate::{hub::Hub, id::ChannelId};

impl Hub {
    /// Answers a request to any of Live's routes; the path is relative to the prefix. `peer` is the address at the other end of
    /// the connection, if it has one.
    pub fn respond<B>(&self, request: Request<B>, peer: Option<IpAddr>) -> impl Future<Output = Answer> + use<B>
    where
        B: http_body::Body<Data: Buf, Error: std::fmt::Display>,
    {
        let route = Route::parse(request.uri().path());
        self.answer(route, request, peer)
    }

    /// Answers a request to one route, whatever its path: for an application that routes and authenticates by itself.
    pub fn respond_to<B>(
        &self,
        route: Route,
        request: Request<B>,
        peer: Option<IpAddr>,
    ) -> impl Future<Output = Answer> + use<B>
    where
        B: http_body::Body<Data: Buf, Error: std::fmt::Display>,
    {
        self.answer(Ok(route), request, peer)
    }

    /// Taken apart before the future begins, which would keep room for the request beside its parts.
    pub(crate) fn answer<B>(
        &self,
        route: Result<Route, Refusal>,
        request: Request<B>,
        peer: Option<IpAddr>,
    ) -> impl Future<Output = Answer> + use<B>
    where
        B: http_body::Body<Data: Buf, Error: std::fmt::Display>,
    {
        let (mut parts, body) = request.into_parts();
        guard::settle_host(&mut parts);
        let hub = self.clone();
        #[allow(clippy::async_yields_async, reason = "what is to be waited for comes after the request")]
        let replied = async move {
            let origin = hub.config().origins.admit(&parts.headers);
            let mut answer = match hub.dispatch(route, &parts, body, origin, peer).await {
                Ok(Reply::Now(answer)) => answer,
                Ok(Reply::Later(answer)) => {
                    let origin = origin.flatten().and_then(|origin| HeaderValue::from_bytes(origin.as_bytes()).ok());
                    return Either::Right(answer.map(move |answer| {
                        let mut answer = answer.unwrap_or_else(Answer::from);
                        guard::add_common_headers(answer.headers_mut(), origin.as_ref());
                        answer
                    }));
                }
                Err(refusal) => Answer::from(refusal),
            };
            guard::add_common_headers(answer.headers_mut(), origin.flatten());
            if parts.method == Method::HEAD {
                answer.drop_body();
            }
            Either::Left(ready(answer))
        };
        // Not awaited within: what a server has parsed lies in its buffer, which it cannot use again before the request's parts go.
        replied.flatten()
    }

    #[allow(clippy::manual_async_fn, reason = "an async fn makes room for copies of its arguments")]
    fn dispatch<'a, B>(
        &'a self,
        route: Result<Route, Refusal>,
        parts: &'a Parts,
        body: B,
        origin: Option<Option<&'a HeaderValue>>,
        peer: Option<IpAddr>,
    ) -> impl Future<Output = Result<Reply, Refusal>> + use<'a, B>
    where
        B: http_body::Body<Data: Buf, Error: std::fmt::Display>,
    {
        async move {
            let route = route?;
            if self.lacks(&route) {
                return Err(Refusal::NotFound);
            }
            guard::check_header(parts, self.config().max_header_bytes)?;
            guard::check_method(parts, &route)?;
            guard::check_host(parts)?;
            let is_options = parts.method == Method::OPTIONS;
            if let Some(asset) = route.asset().filter(|_| !is_options) {
                return Ok(Reply::Now(assets::serve(asset, parts).into()));
            }
            let caller = Caller::new(self, parts, peer);
            if origin.is_none() {
                return Err(caller.refuse_origin());
            }
            if is_options {
                return Ok(Reply::Now(guard::preflight(&route).into()));
            }
            // What comes less often is boxed, because every request makes room for the largest of these.
            let answer = match &route {
                Route::Updates(channel) => return updates::poll(self, channel, parts, &caller).await,
                Route::WebSocket(channel) => websocket::upgrade(channel, parts, &caller).await,
                Route::Events(channel) => events::stream(channel, parts, &caller).await,
                Route::WagtailPolling(channel) => wagtail::poll(self, channel, parts, &caller).await,
                Route::Publish(channel) => Box::pin(publish::publish(self, channel, parts, body)).await,
                Route::PieSocket(channel) => Box::pin(piesocket::upgrade(self, channel, parts, &caller)).await,
                Route::PieSocketPublish => Box::pin(piesocket::publish(self, parts, body)).await,
                Route::Client | Route::WagtailClient => Err(Refusal::NotFound),
            };
            answer.map(Reply::Now)
        }
    }

    /// Routes that the configuration has not opened do not exist.
    fn lacks(&self, route: &Route) -> bool {
        match route {
            Route::Publish(_) => self.config().publishing.is_off(),
            Route::PieSocket(_) | Route::PieSocketPublish => self.config().piesocket.is_off(),
            _ => false,
        }
    }
}

/// What a request comes to.
enum Reply {
    Now(Answer),
    /// A poll waits, and its request is not needed any more.
    Later(Pin<Box<dyn Future<Output = Result<Answer, Refusal>> + Send>>),
}

/// A parameter of the query string.
fn query<'a>(parts: &'a Parts, name: &str) -> Option<Cow<'a, str>> {
    let [value] = queries(parts, [name]);
    value
}

/// Parameters of the query string, percent-decoded; the first of several with one name counts.
fn queries<'a, const N: usize>(parts: &'a Parts, names: [&str; N]) -> [Option<Cow<'a, str>>; N] {
    let mut values = [None; N];
    for pair in parts.uri.query().into_iter().flat_map(|query| query.split('&')) {
        for (name, value) in names.iter().zip(&mut values).filter(|(_, value)| value.is_none()) {
            *value = match pair.strip_prefix(name) {
                Some("") => Some(""),
                rest => rest.and_then(|rest| rest.strip_prefix('=')),
            };
        }
    }
    values.map(|value| value.map(decoded))
}

fn decoded(value: &str) -> Cow<'_, str> {
    // As nearly all are.
    if !value.bytes().any(|byte| matches!(byte, b'+' | b'%')) {
        return Cow::Borrowed(value);
    }
    let value = value.replace('+', " ");
    Cow::Owned(percent_encoding::percent_decode_str(&value).decode_utf8_lossy().into_owned())
}

fn response(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::full(body));
    *response.status_mut() = status;
    response.headers_mut().reserve(HEADERS);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// As many as an answer has: a map that grows on the way costs as much as all of them.
const HEADERS: usize = 8;

const JSON: &str = "application/json";
