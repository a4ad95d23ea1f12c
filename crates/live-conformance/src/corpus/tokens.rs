//! Tokens that let nobody in.

use crate::client::token::{HS256, SECRET, now, signed};

/// An Ed25519 public key, the server's second one: everybody may have it.
pub(crate) const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";

/// Each with its name. They are for the channel `private-blog`, the issuer `site` and the audience `live`, with no leeway.
pub(crate) fn tokens() -> Vec<(&'static str, String)> {
    let mut all = forged();
    all.extend(by_their_claims());
    all.extend(no_tokens());
    all
}

/// Claims of a good token, with these in the place of its end.
fn claims(end: &str) -> String {
    format!(r#"{{"iss":"site","aud":"live","sub":"private-blog"{end}}}"#)
}

pub(crate) fn good() -> String {
    claims(&format!(r#","exp":{}"#, now() + 600.0))
}

/// Signed by nobody, or by somebody else.
fn forged() -> Vec<(&'static str, String)> {
    let unsigned = |header: &str| {
        let token = signed(SECRET, header, &good());
        format!("{}.", token.rsplit_once('.').unwrap().0)
    };
    let with_header = |header: &str| signed(SECRET, header, &good());
    let swapped = {
        let (mine, yours) = (signed("a stranger's secret of 32 bytes or so", HS256, &good()), with_header(HS256));
        format!("{}.{}", mine.rsplit_once('.').unwrap().0, yours.rsplit_once('.').unwrap().1)
    };
    vec![
        ("no signature, alg none", unsigned(r#"{"alg":"none"}"#)),
        ("no signature, alg None", unsigned(r#"{"alg":"None"}"#)),
        ("no signature, alg HS256", unsigned(HS256)),
        ("a good signature, alg none", with_header(r#"{"alg":"none"}"#)),
        ("a good signature, alg HS384", with_header(r#"{"alg":"HS384"}"#)),
        ("a good signature, alg EdDSA", with_header(r#"{"alg":"EdDSA"}"#)),
        ("a good signature, alg in lower case", with_header(r#"{"alg":"hs256"}"#)),
        ("no alg", with_header(r#"{"typ":"JWT"}"#)),
        ("alg twice", with_header(r#"{"alg":"HS256","alg":"HS256"}"#)),
        ("an extension", with_header(r#"{"alg":"HS256","crit":["b64"],"b64":true}"#)),
        ("a header that is an array", with_header(r#"["HS256",null]"#)),
        ("HS256 with the public key", signed(PUBLIC_KEY, HS256, &good())),
        ("HS256 with the public key's last lines", signed(PUBLIC_KEY.trim(), HS256, &good())),
        ("a key in the header", signed("mine", r#"{"alg":"HS256","jwk":{"kty":"oct","k":"bWluZQ"}}"#, &good())),
        ("a path as the key's name", signed("", r#"{"alg":"HS256","kid":"../../dev/null"}"#, &good())),
        ("a stranger's secret", signed("a stranger's secret of 32 bytes or so", HS256, &good())),
        ("an empty secret", signed("", HS256, &good())),
        ("claims under another token's signature", swapped),
    ]
}

/// Signed by the site, and not for this reader, page or time.
fn by_their_claims() -> Vec<(&'static str, String)> {
    let token = |claims: String| signed(SECRET, HS256, &claims);
    let at = |seconds: f64| now() + seconds;
    vec![
        ("no exp", token(claims(""))),
        ("exp null", token(claims(r#","exp":null"#))),
        ("exp as text", token(claims(&format!(r#","exp":"{}""#, at(600.0))))),
        ("exp a second ago", token(claims(&format!(r#","exp":{}"#, at(-1.0))))),
        ("exp 0", token(claims(r#","exp":0"#))),
        ("exp below 0", token(claims(r#","exp":-1"#))),
        ("exp in a thousand years", token(claims(&format!(r#","exp":{}"#, at(3.2e10))))),
        ("exp in milliseconds", token(claims(&format!(r#","exp":{}"#, at(600.0) * 1e3)))),
        ("exp beyond all numbers", token(claims(r#","exp":1e999"#))),
        ("exp twice", token(claims(&format!(r#","exp":1,"exp":{}"#, at(600.0))))),
        ("nbf in a minute", token(claims(&format!(r#","exp":{},"nbf":{}"#, at(600.0), at(60.0))))),
        ("another issuer", token(good().replace("site", "other"))),
        ("no issuer", token(good().replace(r#""iss":"site","#, ""))),
        ("another audience", token(good().replace(r#""live""#, r#"["dead"]"#))),
        ("no audience", token(good().replace(r#""aud":"live","#, ""))),
        ("another channel", token(good().replace("private-blog", "private-news"))),
        ("the beginning of the channel", token(good().replace("private-blog", "private-"))),
        ("a wildcard", token(good().replace("private-blog", "*"))),
        (
            "a wildcard among channels",
            token(good().replace(r#""sub":"private-blog""#, r#""channels":["*","private-*"]"#)),
        ),
        ("no channel", token(good().replace(r#","sub":"private-blog""#, ""))),
        ("the channel twice", token(good().replace(r#""sub""#, r#""sub":"x","sub""#))),
        ("claims that are an array", token(format!("[{}]", at(600.0)))),
        ("claims that are no JSON", token("private-blog".to_owned())),
        ("claims with more behind them", token(good() + " {}")),
    ]
}

/// No tokens at all.
fn no_tokens() -> Vec<(&'static str, String)> {
    let good = signed(SECRET, HS256, &good());
    vec![
        ("two dots", "..".to_owned()),
        ("no dot", "token".to_owned()),
        ("four parts", format!("{good}.x")),
        ("padding", format!("{good}=")),
        ("cut off", good[..good.len() - 1].to_owned()),
        ("the secret itself", SECRET.replace(' ', "+")),
        ("8 KiB", signed(SECRET, HS256, &format!(r#"{{"x":"{}"}}"#, "x".repeat(6_000)))),
    ]
}
