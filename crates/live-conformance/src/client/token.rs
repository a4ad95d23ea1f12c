//! Tokens as a site makes them (RFC 7515, RFC 7519), and as others try to.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;

/// The secret that site and server share.
pub(crate) const SECRET: &str = "the site's secret of 32 bytes or more";

/// The header of all good tokens.
pub(crate) const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// A good token for a channel, for this many seconds from now on.
pub(crate) fn token(channel: &str, seconds: f64) -> String {
    signed(SECRET, HS256, &format!(r#"{{"sub":"{channel}","exp":{}}}"#, now() + seconds))
}

/// Any header and claims, signed with HMAC and SHA-256 whatever the header says.
pub(crate) fn signed(secret: &str, header: &str, claims: &str) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Seconds since the Unix epoch.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}
