//! `rediss://`, `rediss+pubsub://` and `rediss+channels://`. Which certificates the system trusts is a matter of the environment, so the bus is opened in another process:
//! this very test binary and this very test, with a URL. The certificates beside this file are for 127.0.0.1 and good until 2126.

use std::{
    env,
    net::TcpListener,
    path::PathBuf,
    process::{Command, Stdio},
};

use live_core::bus;

use super::{RedisServer, brisk, post};

const URL: &str = "LIVE_TEST_REDIS_URL";

fn file(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/core/redis/tls");
    folder.join(name).display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_the_system_trusts_is_used_over_tls_and_another_is_not() {
    if let Ok(url) = env::var(URL) {
        return publish(&url).await;
    }
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
    for scheme in ["rediss", "rediss+channels"] {
        assert!(publishes(&url.replace("rediss+pubsub", scheme), "authority.pem"), "{scheme}");
    }
    // It trusts the certificate of somebody else.
    assert!(!publishes(&url, "stranger.pem"));
    // Nobody falls back to what everybody can read.
    assert!(!publishes(&format!("rediss+pubsub://127.0.0.1:{}", redis.port()), "authority.pem"));
}

fn publishes(url: &str, trusted: &str) -> bool {
    let mut child = Command::new(env::current_exe().unwrap());
    let this = "redis::tls::a_redis_that_the_system_trusts_is_used_over_tls_and_another_is_not";
    child.args(["--exact", this]).env(URL, url).env("SSL_CERT_FILE", file(trusted));
    child.env_remove("SSL_CERT_DIR").stdout(Stdio::null()).stderr(Stdio::null());
    child.status().unwrap().success()
}

/// What the other process does. It waits for a server without TLS until the deadline, because that leaves the handshake unanswered.
async fn publish(url: &str) {
    let bus = bus::from_url(url, &brisk()).unwrap();
    bus.publish(&super::channel("a"), post("1", "over TLS"), None).await.unwrap();
}
