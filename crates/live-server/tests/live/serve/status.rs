//! The status page.

use super::{
    http::{get, request},
    reader::Reader,
};
use crate::server::Server;

#[test]
fn the_page_shows_figures_without_a_script_and_allows_none_but_its_own() {
    let server = Server::start(&["--admin", "127.0.0.1:0"]);
    let admin = server.admin_url();
    let _reader = Reader::join(&server.url, "a%3Cb%3E");
    let page = get(&format!("{admin}/"));
    assert_eq!(page.status, 200);
    for part in
        ["<html lang=", "<dt>WebSocket</dt><dd>1</dd>", "a&lt;b&gt;", "data-live-cursor=", "memory:", &server.url]
    {
        assert!(page.body.contains(part), "{part} is not in {}", page.body);
    }
    assert!(page.head.contains("content-security-policy: default-src 'none'; script-src 'self'"), "{}", page.head);
    for inline in ["style=", "<style", "onclick", "http-equiv", "https://"] {
        assert!(!page.body.contains(inline), "{inline}");
    }
    for asset in ["live.js", "status.css"] {
        assert!(page.body.contains(&format!("\"/{asset}\"")));
        assert_eq!(get(&format!("{admin}/{asset}")).status, 200);
    }
}

#[test]
fn the_page_is_drawn_live() {
    let server = Server::start(&["--admin", "127.0.0.1:0"]);
    let admin = server.admin_url();
    let mut operator = Reader::join(&admin, "status");
    let _reader = Reader::join(&server.url, "news");
    let frame = operator.until("<dt>WebSocket</dt><dd>1</dd>");
    assert!(frame.contains("\"sort\":") && frame.contains(">news</th><td>1</td>"), "{frame}");
}

#[test]
fn a_name_that_only_points_here_does_not_see_the_page() {
    let server = Server::start(&["--admin", "127.0.0.1:0"]);
    let admin = server.admin_url();
    for path in ["/", "/metrics", "/updates/status/"] {
        let answer = request(&format!("{admin}{path}"), "GET", &[("Host", "evil.example")], "");
        assert_eq!(answer.status, 403, "{path}");
    }
}

#[test]
fn nobody_publishes_to_the_page() {
    let server = Server::start(&["--admin", "127.0.0.1:0", "--publish-token", "none"]);
    let admin = server.admin_url();
    assert_eq!(super::http::publish(&admin, "status", "1", None).status, 404);
}
