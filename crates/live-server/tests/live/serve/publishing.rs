//! Who may publish.

use super::http::{publish, request};
use crate::{files::Folder, server::Server};

#[test]
fn without_a_token_there_is_nothing_to_publish_to() {
    let server = Server::start(&[]);
    assert_eq!(publish(&server.url, "news", "1", None).status, 404);
    assert_eq!(publish(&server.url, "news", "1", Some("none")).status, 404);
}

#[test]
fn a_token_is_asked_for() {
    let server = Server::start(&["--publish-token", "s3cret"]);
    assert_eq!(publish(&server.url, "news", "1", None).status, 401);
    assert_eq!(publish(&server.url, "news", "1", Some("other")).status, 401);
    assert_eq!(publish(&server.url, "news", "1", Some("s3cret")).status, 200);
}

#[test]
fn a_file_has_one_token_on_a_line() {
    let folder = Folder::new();
    let file = folder.write("tokens", "new\n\n  old\n");
    let server = Server::start(&["--publish-token-file", &file]);
    for (token, status) in [("new", 200), ("old", 200), ("new\n", 401), ("", 401)] {
        let token = token.trim_end();
        let expected = if token == "new" { 200 } else { status };
        assert_eq!(publish(&server.url, "news", "1", Some(token)).status, expected, "{token:?}");
    }
}

#[test]
fn a_token_on_the_command_line_takes_the_place_of_the_file_in_the_configuration() {
    let folder = Folder::new();
    let file = folder.write("token", "from-file");
    let config = folder.write("live.toml", &format!("publish-token-file = {file:?}"));
    let server = Server::start(&["--config", &config, "--publish-token", "from-flag"]);
    assert_eq!(publish(&server.url, "news", "1", Some("from-file")).status, 401);
    assert_eq!(publish(&server.url, "news", "1", Some("from-flag")).status, 200);
}

#[test]
fn publishing_without_a_token_is_for_names_of_this_machine() {
    let server = Server::start(&["--publish-token", "none"]);
    assert_eq!(publish(&server.url, "news", "1", None).status, 200);
    let url = format!("{}/publish/news/", server.url);
    // A page whose name was made to point here, and a proxy that passes on the name that it was asked for.
    let rebound = [("Host", "evil.example"), ("Origin", "http://evil.example")];
    assert_eq!(request(&url, "POST", &rebound, "{\"renders\": {}, \"removals\": []}").status, 403);
    // Reading is not concerned.
    let updates = format!("{}/updates/news/?cursor=*", server.url);
    assert_eq!(request(&updates, "GET", &[("Host", "news.example")], "").status, 200);
}
