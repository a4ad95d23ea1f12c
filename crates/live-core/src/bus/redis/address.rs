//! The URL of the bus, and the connection that it stands for.

use redis::{Client, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion};

/// Where Wagtail Live publishes to, unless its settings say something else (`WAGTAIL_LIVE_REDIS_URL`).
const DEFAULT: &str = "127.0.0.1:6379/1";

/// Reads `redis+pubsub://…` and `rediss+pubsub://…`; without anything behind it the original's own default is meant.
///
/// # Errors
/// What is wrong with the URL, and what to write.
pub(super) fn parse(url: &str) -> Result<Client, String> {
    let (scheme, rest) = match url.split_once(':') {
        Some(("redis+pubsub", rest)) => ("redis", rest),
        Some(("rediss+pubsub", rest)) => ("rediss", rest),
        _ => return Err(HOW.to_owned()),
    };
    let address = match rest.strip_prefix("//") {
        None if rest.is_empty() => DEFAULT,
        Some("") => DEFAULT,
        Some(address) => address,
        None => return Err(HOW.to_owned()),
    };
    // One RESP3 connection carries everything: what is published, what arrives, and the pings in between.
    client(scheme, address, ProtocolVersion::RESP3).map_err(|error| format!("{error}; {HOW}"))
}

/// One Redis, by `redis` or `rediss` and what comes behind the slashes.
pub(super) fn client(scheme: &str, address: &str, protocol: ProtocolVersion) -> Result<Client, String> {
    if scheme == "rediss" {
        prepare_tls()?;
    }
    let text = |error: redis::RedisError| error.to_string();
    let info: ConnectionInfo = format!("{scheme}://{address}").into_connection_info().map_err(text)?;
    let settings = info.redis_settings().clone().set_protocol(protocol);
    // A small message must not wait for the acknowledgement of the one before it.
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    Client::open(info.set_redis_settings(settings).set_tcp_settings(tcp)).map_err(text)
}

pub(super) const NO_RUNTIME: &str = "open it inside a tokio runtime (under #[tokio::main], for example)";

const HOW: &str = "write redis+pubsub://USER:PASSWORD@HOST:PORT/DATABASE, of which every part may be left out";

#[cfg(feature = "redis-tls")]
pub(super) fn prepare_tls() -> Result<(), String> {
    // The Redis client takes the process's own choice of cryptography, and panics where it cannot tell which.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may have been faster, which is just as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Ok(())
}

#[cfg(not(feature = "redis-tls"))]
pub(super) fn prepare_tls() -> Result<(), String> {
    Err("this program was built without the feature redis-tls of live-core; build it with that, or write redis in the place of rediss"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> (String, i64, Option<String>, Option<String>) {
        let client = parse(url).unwrap();
        let info = client.get_connection_info();
        let settings = info.redis_settings();
        let text = |text: Option<&str>| text.map(str::to_owned);
        (info.addr().to_string(), settings.db(), text(settings.username()), text(settings.password()))
    }

    #[test]
    fn without_an_address_it_is_the_originals_default() {
        for url in ["redis+pubsub:", "redis+pubsub://", "redis+pubsub://127.0.0.1:6379/1"] {
            assert_eq!(parsed(url), ("127.0.0.1:6379".to_owned(), 1, None, None), "{url}");
        }
    }

    #[test]
    fn every_part_of_the_url_counts() {
        let (user, password) = (Some("me".to_owned()), Some("a@b".to_owned()));
        assert_eq!(
            parsed("redis+pubsub://me:a%40b@example.org:7000/3"),
            ("example.org:7000".to_owned(), 3, user, password)
        );
        assert_eq!(parsed("redis+pubsub://[::1]"), ("::1:6379".to_owned(), 0, None, None));
    }

    #[test]
    fn a_url_that_cannot_be_used_is_explained() {
        for url in ["redis+pubsub:example.org", "redis+pubsub://host/x", "redis+pubsub://:port", "redis+pubsub:///1"] {
            let error = parse(url).unwrap_err();
            assert!(error.contains("write redis+pubsub://"), "{url}: {error}");
        }
    }
}
