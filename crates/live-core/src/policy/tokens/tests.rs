//! Tokens as sites make them, and as others would like to.

use ring::{hmac, rand::SystemRandom, signature::Ed25519KeyPair, signature::KeyPair};

use super::*;

const SECRET: &str = "a secret of at least 32 random bytes";
/// Seconds since the Unix epoch.
const NOW: u64 = 1_800_000_000;
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn tokens() -> Tokens {
    Tokens { keys: vec![TokenKey::hs256(SECRET).unwrap()], ..Tokens::default() }
}

fn channel() -> ChannelId {
    ChannelId::new("private-blog").unwrap()
}

fn signed(secret: &str, header: &str, claims: &str) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn check(tokens: &Tokens, token: &str) -> Result<Duration, TokenError> {
    tokens.check_token(token.as_bytes(), &channel(), NOW * 1_000_000)
}

fn claims(claims: &str) -> Result<Duration, TokenError> {
    check(&tokens(), &signed(SECRET, HEADER, claims))
}

fn good_claims() -> String {
    format!(r#"{{"sub":"private-blog","exp":{}}}"#, NOW + 60)
}

#[test]
fn a_token_is_good_until_its_end_and_the_leeway() {
    assert_eq!(claims(&good_claims()), Ok(Duration::from_secs(90)));
    let exp = |exp: String| claims(&format!(r#"{{"sub":"private-blog","exp":{exp}}}"#));
    assert_eq!(exp(format!("{}", NOW - 29)), Ok(Duration::from_secs(1)));
    assert_eq!(exp(format!("{}.5", NOW - 30)), Ok(Duration::from_millis(500)));
    assert_eq!(exp(format!("{}", NOW - 30)), Err(TokenError::Expired));
    assert_eq!(exp("0".to_owned()), Err(TokenError::Expired));
    assert_eq!(exp("-1e300".to_owned()), Err(TokenError::Expired));
    assert!(exp(format!("{}", NOW + 24 * 3600)).is_ok());
    assert_eq!(exp(format!("{}", NOW + 24 * 3600 + 31)), Err(TokenError::Endless));
    assert_eq!(exp("1e308".to_owned()), Err(TokenError::Endless));
    for text in ["\"1800000060\"", "null", "[1800000060]", "1e999"] {
        assert!(exp(text.to_owned()).is_err(), "{text}");
    }
    assert_eq!(claims(r#"{"sub":"private-blog"}"#), Err(TokenError::Endless));
}

#[test]
fn a_token_that_is_not_good_yet_waits_for_its_time() {
    let nbf = |nbf: u64| claims(&format!(r#"{{"sub":"private-blog","exp":{},"nbf":{nbf}}}"#, NOW + 60));
    assert!(nbf(NOW).is_ok() && nbf(NOW + 30).is_ok());
    assert_eq!(nbf(NOW + 31), Err(TokenError::NotYet));
}

#[test]
fn a_token_is_for_its_channels_by_their_exact_ids() {
    let end = NOW + 60;
    for good in [r#""sub":"private-blog""#, r#""channels":["x","private-blog"],"sub":"ada""#] {
        assert!(claims(&format!(r#"{{{good},"exp":{end}}}"#)).is_ok(), "{good}");
    }
    for bad in [
        r#""sub":"private-blo""#,
        r#""sub":"private-blog2""#,
        r#""sub":"PRIVATE-BLOG""#,
        r#""sub":"*""#,
        r#""sub":"private-*""#,
        r#""sub":"""#,
        r#""channels":[],"sub":"private-blog""#,
        r#""channels":["*"]"#,
        r#""iat":1"#,
    ] {
        assert_eq!(claims(&format!(r#"{{{bad},"exp":{end}}}"#)), Err(TokenError::Channel), "{bad}");
    }
}

#[test]
fn issuer_and_audience_are_what_the_site_says() {
    let ours = Tokens { issuer: Some("site".to_owned()), audience: Some("live".to_owned()), ..tokens() };
    let token = |more: &str| signed(SECRET, HEADER, &format!(r#"{{"sub":"private-blog","exp":{}{more}}}"#, NOW + 60));
    for good in [r#","iss":"site","aud":"live""#, r#","iss":"site","aud":["x","live"]"#] {
        assert!(check(&ours, &token(good)).is_ok(), "{good}");
    }
    for bad in
        ["", r#","iss":"site""#, r#","aud":"live""#, r#","iss":"Site","aud":"live""#, r#","iss":"site","aud":[]"#]
    {
        assert_eq!(check(&ours, &token(bad)), Err(TokenError::Foreign), "{bad}");
    }
    assert_eq!(check(&tokens(), &token(r#","aud":"somebody""#)), Err(TokenError::Foreign));
    assert!(check(&tokens(), &token(r#","iss":"anybody""#)).is_ok());
}

#[test]
fn the_algorithm_is_the_keys_and_never_the_tokens() {
    let good = good_claims();
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"NONE"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":"HS512"}"#,
        r#"{"alg":"EdDSA"}"#,
        r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
        r#"{"alg":"HS256","crit":[]}"#,
    ] {
        assert_eq!(check(&tokens(), &signed(SECRET, header, &good)), Err(TokenError::Algorithm), "{header}");
        // As it is forged: without the secret.
        let (unsigned, _) =
            signed(SECRET, header, &good).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.len())).unwrap();
        assert_eq!(check(&tokens(), &format!("{unsigned}.")), Err(TokenError::Signature), "{header}");
    }
    for header in [r#"["HS256"]"#, "{}", r#"{"alg":"HS256","alg":"HS256"}"#, r#"{"alg":null}"#, "x", ""] {
        assert_eq!(check(&tokens(), &signed(SECRET, header, &good)), Err(TokenError::Malformed), "{header}");
    }
}

/// An Ed25519 key pair and its public key in PEM.
fn ed25519() -> (Ed25519KeyPair, String) {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    let mut der = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    der.extend_from_slice(pair.public_key().as_ref());
    let base64 = base64::engine::general_purpose::STANDARD.encode(der);
    (pair, format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n"))
}

#[test]
fn a_public_key_checks_tokens_and_is_no_secret_to_make_them_with() {
    let (pair, pem) = ed25519();
    let tokens = Tokens { keys: vec![TokenKey::ed25519(&pem).unwrap()], ..Tokens::default() };
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA"}"#), URL_SAFE_NO_PAD.encode(good_claims()));
    let token = format!("{text}.{}", URL_SAFE_NO_PAD.encode(pair.sign(text.as_bytes())));
    assert!(check(&tokens, &token).is_ok());
    // The classic confusion: HS256 with what everybody knows.
    let raw = String::from_utf8_lossy(pair.public_key().as_ref()).into_owned();
    for known in [pem.as_str(), pem.trim(), raw.as_str()] {
        assert_eq!(check(&tokens, &signed(known, HEADER, &good_claims())), Err(TokenError::Signature));
    }
    let mut other = token.clone();
    other.truncate(other.len() - 2);
    assert!(check(&tokens, &other).is_err());
}

#[test]
fn whoever_has_another_key_gets_nowhere_and_two_keys_take_turns() {
    let other = "another secret of at least 32 bytes!";
    assert_eq!(check(&tokens(), &signed(other, HEADER, &good_claims())), Err(TokenError::Signature));
    let two = Tokens { keys: vec![TokenKey::hs256(SECRET).unwrap(), TokenKey::hs256(other).unwrap()], ..tokens() };
    for secret in [SECRET, other] {
        assert!(check(&two, &signed(secret, HEADER, &good_claims())).is_ok());
    }
    let none = Tokens { keys: Vec::new(), ..tokens() };
    assert_eq!(check(&none, &signed(SECRET, HEADER, &good_claims())), Err(TokenError::Signature));
}

#[test]
fn claims_that_are_there_twice_do_not_count_once() {
    let end = NOW + 60;
    for twice in [
        format!(r#"{{"sub":"x","sub":"private-blog","exp":{end}}}"#),
        format!(r#"{{"sub":"private-blog","exp":1,"exp":{end}}}"#),
        format!(r#"["{end}"]"#),
        format!(r#"{{"sub":"private-blog","exp":{end}}} x"#),
        format!(r#"{{"sub":7,"exp":{end}}}"#),
    ] {
        assert_eq!(claims(&twice), Err(TokenError::Malformed), "{twice}");
    }
}

#[test]
fn whatever_is_no_token_is_refused_before_it_costs_anything() {
    let good = signed(SECRET, HEADER, &good_claims());
    for bad in [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c",
        &format!("{good}="),
        &format!("{good}.x"),
        &format!("x.{good}"),
        &format!(" {good}"),
        &good.replace('.', " "),
    ] {
        assert!(matches!(check(&tokens(), bad), Err(TokenError::Malformed | TokenError::Signature)), "{bad}");
    }
    for end in 0..good.len() {
        assert!(check(&tokens(), &good[..end]).is_err(), "{end}");
    }
    assert_eq!(check(&tokens(), &"x".repeat(64 << 10)), Err(TokenError::TooLong));
    assert_eq!(tokens().check_token(b"\xff.\xff.\xff", &channel(), 0), Err(TokenError::Malformed));
}

#[test]
fn keys_are_of_their_kind_and_are_not_shown() {
    assert_eq!(TokenKey::hs256("x".repeat(31)).unwrap_err(), InvalidTokenKey::Short);
    let (_, pem) = ed25519();
    for bad in ["", "x", &pem.replace("PUBLIC", "PRIVATE"), &pem.replace("MCowBQYDK2Vw", "MCowBQYDK2Vx"), &pem[..60]] {
        assert_eq!(TokenKey::ed25519(bad).unwrap_err(), InvalidTokenKey::NotEd25519, "{bad}");
    }
    assert_eq!(format!("{:?}", TokenKey::hs256(SECRET).unwrap()), "TokenKey(HS256)");
}

#[test]
fn the_prefix_makes_a_channel_private() {
    let id = |id: &str| ChannelId::new(id).unwrap();
    assert!(tokens().is_private(&id("private-")) && tokens().is_private(&channel()));
    assert!(!tokens().is_private(&id("Private-blog")) && !tokens().is_private(&id("blog-private-")));
    let all = Tokens { channels: PrivateChannels::All, ..tokens() };
    assert!(all.is_private(&id("blog")) && all.check().is_ok());
    let empty = Tokens { channels: PrivateChannels::Prefix(String::new()), ..tokens() };
    assert_eq!(empty.check().unwrap_err().field, "tokens.channels");
}
