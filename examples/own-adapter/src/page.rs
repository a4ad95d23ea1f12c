//! The site's own routes: the page, the script of its publisher, and a style sheet.

use askama::Template;
use own_adapter::{Cursor, Element, Response, http::Body};

use crate::{Site, posts::Post};

/// The live page. Which publisher was chosen decides what it connects with.
#[derive(Template)]
#[template(path = "page.html")]
struct Page {
    channel: String,
    base: String,
    cursor: String,
    /// Nothing, if the publisher brings its own script.
    live: Option<Element>,
    posts: Vec<Post>,
}

/// Answers a request to a path that is none of Live's.
pub(crate) async fn respond(site: &Site, method: &hyper::Method, path: &str) -> Response {
    if ![hyper::Method::GET, hyper::Method::HEAD].contains(method) {
        return response(405, "text/plain", "allowed methods: GET, HEAD\n");
    }
    match path {
        "/" => match page(site).await.render() {
            Ok(html) => response(200, "text/html; charset=utf-8", html),
            Err(error) => response(500, "text/plain", error.to_string()),
        },
        "/own-publisher.js" => response(200, "text/javascript", include_str!("../static/own-publisher.js")),
        "/style.css" => response(200, "text/css", include_str!("../static/style.css")),
        _ => response(404, "text/plain", "no such page\n"),
    }
}

async fn page(site: &Site) -> Page {
    // Before the posts are read: then whatever is newer than this HTML still comes.
    let cursor = site.hub.cursor(&site.channel).await.ok();
    let transports = &site.chosen.transports;
    let element = || site.hub.element(&site.channel, cursor).transports(transports);
    Page {
        channel: site.channel.to_string(),
        base: site.hub.config().public_url.clone(),
        cursor: cursor.as_ref().map(Cursor::to_string).unwrap_or_default(),
        live: (!transports.is_empty()).then(element),
        posts: site.posts.shown(),
    }
}

fn response(status: u16, content_type: &'static str, body: impl Into<bytes::Bytes>) -> Response {
    let mut response = Response::new(Body::full(body));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert("content-type", hyper::header::HeaderValue::from_static(content_type));
    headers.insert("content-security-policy", hyper::header::HeaderValue::from_static(POLICY));
    response
}

/// Nothing runs here but the site's own files.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src data:; base-uri 'none'; \
    form-action 'none'; require-trusted-types-for 'script'";
