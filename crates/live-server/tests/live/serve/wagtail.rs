//! In the place of Wagtail Live's own server.

use live_conformance::redis_server::RedisServer;

use super::{http::get, reader::Reader};
use crate::server::{Server, serve, wait_until};

/// What the original's publishers put on Redis.
fn message(text: &str) -> Vec<u8> {
    let content = format!("<div data-post-id=\\\"1\\\">{text}</div>");
    format!("{{\"renders\": {{\"1\": {{\"show\": true, \"content\": \"{content}\"}}}}, \"removals\": []}}").into_bytes()
}

#[test]
fn what_a_wagtail_live_site_publishes_to_redis_reaches_its_pages_also_when_redis_comes_late_or_goes() {
    let mut redis = RedisServer::start();
    redis.kill();
    let mut command = serve();
    command
        .args(["--admin", "none"])
        .env("WAGTAIL_LIVE_PUBLISHER", "wagtail_live.publishers.websockets.WebsocketsPublisher")
        .env("WAGTAIL_LIVE_REDIS_URL", format!("redis://127.0.0.1:{}/1", redis.port()));
    let server = Server::spawn(command);
    let readiness = || get(&format!("{}/readyz", server.url)).status;
    assert_eq!(readiness(), 503);

    redis.restart();
    wait_until("the server is ready", || readiness() == 200);
    let mut reader = Reader::join(&server.url, "news");
    assert_eq!(redis.publish("group_news", &message("Kick-off")), 1);
    reader.until("Kick-off");

    redis.kill();
    wait_until("the server is not ready", || readiness() == 503);
    redis.restart();
    wait_until("the server is ready again", || readiness() == 200);
    wait_until("the channel is followed again", || redis.subscribers("group_news") == 1);
    // Redis counts a subscriber before the page has begun anew, and what comes in between is in the HTML that readers fetch.
    reader.until("\"reload\":true");
    redis.publish("group_news", &message("Goal"));
    reader.until("Goal");
}
