//! Between actix's types, which are those of http 0.2, and the core's, which are those of http 1.

use std::{convert::Infallible, pin::Pin, time::Duration};

use actix_http::ConnectionType;
use actix_web::body::{BodyStream, SizedStream};
use actix_web::http::{StatusCode, Version};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web::Payload};
use futures_util::stream::{Stream, empty, poll_fn};
use live_core::Admission;
use live_core::http::{Answer, Outgoing};

/// A request's head, with what begins at `start` of its path as its path.
pub(crate) fn read(request: &HttpRequest, start: usize) -> http::request::Builder {
    let host = request.uri().authority().map(|host| format!("http://{host}")).unwrap_or_default();
    let target = request.uri().path_and_query().and_then(|target| target.as_str().get(start..)).unwrap_or("/");
    let mut head = http::Request::builder().method(request.method().as_str()).uri(format!("{host}{target}"));
    for (name, value) in request.headers() {
        head = head.header(name.as_str(), value.as_bytes());
    }
    if let Some(admission) = request.extensions().get::<Admission>() {
        head = head.extension(*admission);
    }
    head.version(match request.version() {
        Version::HTTP_10 => http::Version::HTTP_10,
        Version::HTTP_2 => http::Version::HTTP_2,
        _ => http::Version::HTTP_11,
    })
}

/// An answer, which takes as long as `patience` for what is left of the request.
pub(crate) fn write(answer: Answer, request: &HttpRequest, mut payload: Payload, patience: Duration) -> HttpResponse {
    let (head, outgoing) = Outgoing::new(answer, patience);
    let mut outgoing = outgoing.leave_by(request.conn_data());
    let status = StatusCode::from_u16(head.status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut builder = HttpResponse::build(status);
    for (name, value) in &head.headers {
        builder.append_header((name.as_str(), value.as_bytes()));
    }
    let mut response = match (outgoing.take_full(), outgoing.len()) {
        (Some(bytes), Some(length)) if bytes.len() as u64 == length => builder.body(bytes),
        // The answer to HEAD states the length of what it does not send.
        (Some(_), Some(length)) => builder.body(SizedStream::new(length, empty::<Result<_, Infallible>>())),
        (_, length) => {
            let body = poll_fn(move |cx| {
                let bytes = outgoing.poll_bytes(cx, |cx| Pin::new(&mut payload).poll_next(cx));
                bytes.map(|bytes| bytes.map(Ok::<_, Infallible>))
            });
            match length {
                Some(length) => builder.body(SizedStream::new(length, body)),
                None => builder.body(BodyStream::new(body)),
            }
        }
    };
    if status == StatusCode::SWITCHING_PROTOCOLS {
        response.head_mut().set_connection_type(ConnectionType::Upgrade);
    } else if request.version() < Version::HTTP_11 {
        // RFC 9112 §7.1: such a client knows no chunks, and takes the connection's end for the body's.
        response.head_mut().no_chunking(true);
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}
