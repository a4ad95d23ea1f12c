//! Answers, and the headers that all of them have.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Response, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH,
        InvalidHeaderValue, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
    },
};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// What every framework can send.
pub type Answer = Response<Bytes>;

/// Whether the method only reads. A server answers `HEAD` as `GET` and leaves the body out itself.
pub(crate) fn reads(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

/// A page, with what [`policy`] made.
pub(crate) fn html(status: StatusCode, html: String, policy: &HeaderValue) -> Answer {
    let mut answer = answer(status, "text/html; charset=utf-8", html);
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy.clone());
    answer
}

/// What a page may load: nothing but this server's own files, no inline script, no inline style, no markup made of text. It may
/// connect to this server and to the readers', `http://HOST:PORT`, if that is another.
pub(crate) fn policy(readers: Option<&str>) -> Result<HeaderValue, InvalidHeaderValue> {
    // Whoever writes `http` in a policy means `https`, too; so it is with `ws`.
    let readers = readers.map(|url| url.replacen("http", " ws", 1)).unwrap_or_default();
    HeaderValue::from_str(&format!(
        "default-src 'none'; script-src 'self'; connect-src 'self'{readers}; style-src 'self'; img-src 'self'; \
         require-trusted-types-for 'script'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ))
}

pub(crate) fn text(status: StatusCode, text: &str) -> Answer {
    answer(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(json) => answer(status, "application/json", json),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// A mistake of the sender's, or trouble of ours, as the API tells it.
pub(crate) fn error(status: StatusCode, message: &str) -> Answer {
    json(status, &serde_json::json!({ "error": message }))
}

pub(crate) fn not_found() -> Answer {
    text(StatusCode::NOT_FOUND, "There is nothing at this address.")
}

pub(crate) fn method_not_allowed(allowed: &'static str) -> Answer {
    with(error(StatusCode::METHOD_NOT_ALLOWED, &format!("use {allowed}")), ALLOW, allowed)
}

/// One of the files that the pages link to.
pub(crate) fn asset(path: &str, headers: &HeaderMap) -> Answer {
    let Some((_, content_type, content)) = ASSETS.iter().find(|(name, ..)| *name == path) else {
        return not_found();
    };
    let digest = Sha256::digest(content);
    let tag = format!("\"{}\"", digest[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let known = headers.get(IF_NONE_MATCH).is_some_and(|tags| tags.to_str().is_ok_and(|tags| tags.contains(&tag)));
    let mut answer = if known {
        answer(StatusCode::NOT_MODIFIED, content_type, "")
    } else {
        answer(StatusCode::OK, content_type, *content)
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.headers_mut().insert(ETAG, tag);
    }
    answer
}

/// One segment of a path, percent-decoded once; `None` if that is not text.
pub(crate) fn decoded(segment: &str) -> Option<String> {
    percent_decode_str(segment).decode_utf8().ok().map(Into::into)
}

fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    let answer = with(answer, CONTENT_TYPE, content_type);
    // Kept by caches, and asked about each time: a stale page would be mended by its cursor, a stale style sheet would not.
    let answer = with(answer, CACHE_CONTROL, "no-cache");
    let answer = with(with(answer, X_CONTENT_TYPE_OPTIONS, "nosniff"), REFERRER_POLICY, "same-origin");
    if status == StatusCode::SERVICE_UNAVAILABLE { with(answer, RETRY_AFTER, "2") } else { answer }
}

fn with(mut answer: Answer, name: HeaderName, value: &'static str) -> Answer {
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
    answer
}

const ASSETS: [(&str, &str, &str); 6] = [
    ("/style.css", "text/css; charset=utf-8", include_str!("../static/style.css")),
    ("/compose.css", "text/css; charset=utf-8", include_str!("../static/compose.css")),
    ("/compose.js", "text/javascript; charset=utf-8", include_str!("../static/compose.js")),
    ("/post-list.js", "text/javascript; charset=utf-8", include_str!("../static/post-list.js")),
    ("/newsroom.js", "text/javascript; charset=utf-8", include_str!("../static/newsroom.js")),
    ("/favicon.svg", "image/svg+xml", include_str!("../static/favicon.svg")),
];
