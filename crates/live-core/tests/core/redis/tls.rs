//! `rediss+pubsub://`. Which certificates the system trusts is a matter of the environment, so the bus is opened in another process:
//! this very test binary. The certificates beside this file are for 127.0.0.1 and good until 2126.

use std::{
    env,
    net::TcpListener,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use live_core::{Config, bus};

use super::{RedisServer, brisk, post};

const URL: &str = "LIVE_TEST_REDIS_URL";

fn file(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/core/redis/tls");
    folder.join(name).display().to_string()
}

#[test]
fn a_redis_that_the_system_trusts_is_used_over_tls_and_another_is_not() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let (certificate, key) = (file("server.pem"), file("server.key"));
    let redis = RedisServer::start_with(&[
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &file("authority.pem"),
        "--tls-auth-clients",
        "no",
    ]);
    let mut subscriber = redis.client();
    subscriber.subscribe("group_a");
    let url = format!("rediss+pubsub://127.0.0.1:{port}");
    assert!(publishes(&url, "authority.pem"));
    assert!(String::from_utf8(subscriber.next_message()).unwrap().contains("over TLS"));
    // It trusts the certificate of somebody else.
    assert!(!publishes(&url, "stranger.pem"));
    // Nobody falls back to what everybody can read.
    assert!(!publishes(&format!("rediss+pubsub://127.0.0.1:{}", redis.port()), "authority.pem"));
}

fn publishes(url: &str, trusted: &str) -> bool {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "redis::tls::publish_in_another_process"]).env(URL, url).env("SSL_CERT_FILE", file(trusted));
    child.env_remove("SSL_CERT_DIR").stdout(Stdio::null()).stderr(Stdio::null());
    child.status().unwrap().success()
}

/// What the other process does; nothing in this one.
#[tokio::test]
async fn publish_in_another_process() {
    let Ok(url) = env::var(URL) else { return };
    // A server without TLS leaves the handshake unanswered.
    let config = Config { bus_deadline: Duration::from_secs(2), ..brisk() };
    let bus = bus::from_url(&url, &config).unwrap();
    bus.publish(&super::channel("a"), post("1", "over TLS"), None).await.unwrap();
}
