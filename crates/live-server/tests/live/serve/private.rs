//! Private channels, and PieSocket's routes.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;

use super::{
    http::{get, publish, request},
    reader::Reader,
};
use crate::{
    files::Folder,
    server::{Server, live, ran, serve},
};

const SECRET: &str = "a secret of at least 32 random bytes";

/// A token for the channel, good for a minute, as a site makes it.
fn token(secret: &str, channel: &str) -> String {
    let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 60;
    let claims = format!(r#"{{"sub":"{channel}","iat":1,"exp":{end}}}"#);
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#), URL_SAFE_NO_PAD.encode(claims));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The status of a poll by whoever has this token.
fn status(server: &Server, channel: &str, token: &str) -> u16 {
    get(&format!("{}/updates/{channel}/?jwt={token}", server.url)).status
}

#[test]
fn a_private_channel_is_read_with_a_token() {
    let folder = Folder::new();
    let file = folder.write("secrets", &format!("{SECRET}\n{SECRET} before\n"));
    let server = Server::start(&["--jwt-secret-file", &file, "--publish-token", "none"]);
    assert_eq!(status(&server, "private-news", ""), 401);
    assert_eq!(status(&server, "private-news", &token("another secret of 32 random bytes", "private-news")), 401);
    for secret in [SECRET, &format!("{SECRET} before")] {
        assert_eq!(status(&server, "private-news", &token(secret, "private-news")), 200, "{secret}");
    }
    assert_eq!(status(&server, "news", ""), 200);
    assert_eq!(publish(&server.url, "private-news", "1", None).status, 200);
    let all = Server::start(&["--private-channels", "all", "--jwt-secret", SECRET]);
    assert_eq!((status(&all, "news", ""), status(&all, "news", &token(SECRET, "news"))), (401, 200));
}

#[test]
fn a_site_of_wagtail_live_publishes_to_this_server_in_the_place_of_piesocket() {
    let mut command = serve();
    command
        .args(["--admin", "none"])
        .env("WAGTAIL_LIVE_PUBLISHER", "wagtail_live.publishers.piesocket.PieSocketPublisher")
        .env("PIESOCKET_API_KEY", "key")
        .env("PIESOCKET_SECRET", SECRET);
    let server = Server::spawn(command);
    let mut reader = Reader::join(&server.url, "news");
    let content = "<div class=\\\"live-post\\\" data-post-id=\\\"1\\\">Kick-off</div>";
    let body = |secret: &str| {
        format!(
            "{{\"key\": \"key\", \"secret\": \"{secret}\", \"channelId\": \"news\", \"message\": {{\"renders\": \
             {{\"1\": {{\"show\": true, \"content\": \"{content}\"}}}}, \"removals\": []}}}}"
        )
    };
    let url = format!("{}/api/publish", server.url);
    let json = [("Content-Type", "application/json")];
    assert_eq!(request(&url, "POST", &json, &body("hush")).status, 401);
    assert_eq!(request(&url, "POST", &json, &body(SECRET)).status, 200);
    reader.until("Kick-off");
    assert_eq!(get(&format!("{}/v3/news?api_key=other", server.url)).status, 401);
    assert_eq!(get(&format!("{}/v3/news?api_key=key", server.url)).status, 426, "which is for WebSocket");
    // PieSocket's tokens are signed with the account's secret.
    assert_eq!(status(&server, "private-news", ""), 401);
    assert_eq!(status(&server, "private-news", &token(SECRET, "private-news")), 200);
    assert_eq!(publish(&server.url, "news", "1", None).status, 404, "the other route stays closed");
}

#[test]
fn keys_and_secrets_are_told_what_they_lack_and_are_not_shown() {
    let folder = Folder::new();
    let no_key = folder.write("key.pem", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n");
    let check = |arguments: &[&str]| {
        let mut command = live();
        command.args(["serve", "--check"]).args(arguments);
        ran(command)
    };
    for (arguments, part) in [
        (&["--piesocket-key", "key"][..], "piesocket-key needs its piesocket-secret"),
        (&["--piesocket-secret", "hush"], "piesocket-secret needs its piesocket-key"),
        (&["--jwt-secret", "hush"], "jwt-secret: a secret for HS256 has at least 32 bytes"),
        (&["--jwt-secret", SECRET, "--jwt-secret-file", &no_key], "choose one"),
        (&["--jwt-public-key-file", &no_key], "key.pem: a key for EdDSA is an Ed25519 public key in PEM"),
        (&["--private-channels", "all"], "private-channels needs a key"),
        (
            &["--jwt-secret", SECRET, "--jwt-max-life", "367d"],
            "jwt-max-life must be longer than nothing and at most a year",
        ),
    ] {
        let (code, out, err) = check(arguments);
        assert!(code == 2 && err.contains(part), "{arguments:?}: {err}");
        assert!(!format!("{out}{err}").contains("hush"), "{err}");
    }
    let (code, out, err) = check(&["--jwt-secret", SECRET, "--piesocket-key", "key", "--piesocket-secret", "hush"]);
    assert_eq!(code, 0, "{err}");
    assert!(!format!("{out}{err}").contains("hush") && !out.contains(SECRET), "{out}");
    assert!(out.contains("piesocket-key = \"key\""), "which stands in every page: {out}");
    let (_, _, short) = check(&["--piesocket-key", "key", "--piesocket-secret", "hush"]);
    assert!(short.contains("nobody can read private channels"), "{short}");
}
