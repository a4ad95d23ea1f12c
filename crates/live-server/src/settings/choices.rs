//! Settings whose values are words or lists.

use std::path::PathBuf;

use live_axum::{ForwardedHeader, Html, Origins, PrivateChannels, Transport, TrustedProxies, WhenFull};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// One of several words; the error lists them.
fn one_of<T: Copy>(text: &str, known: &[(&str, T)]) -> Result<T, String> {
    let found = known.iter().find(|(name, _)| *name == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        format!("{text:?} is not known; there are {}", names.join(", "))
    })
}

fn name_of<T: PartialEq>(value: &T, known: &[(&'static str, T)]) -> String {
    known.iter().find(|(_, known)| known == value).map_or_else(String::new, |(name, _)| (*name).to_owned())
}

/// The items of a list; none for an empty text.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

const LOG_FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];
const WHEN_FULL: [(&str, WhenFull); 2] = [("refuse", WhenFull::Refuse), ("remove-oldest", WhenFull::RemoveOldest)];
const FORWARDED_HEADERS: [(&str, ForwardedHeader); 2] =
    [("x-forwarded-for", ForwardedHeader::XForwardedFor), ("forwarded", ForwardedHeader::Forwarded)];

pub(super) fn read_log_format(text: &str) -> Result<LogFormat, String> {
    one_of(text, &LOG_FORMATS)
}

pub(super) fn show_log_format(format: LogFormat) -> String {
    name_of(&format, &LOG_FORMATS)
}

pub(super) fn read_private_channels(text: &str) -> Result<PrivateChannels, String> {
    match text {
        "" => Err("it is empty; write the beginning of the channels' ids, or all".to_owned()),
        "all" => Ok(PrivateChannels::All),
        prefix => Ok(PrivateChannels::Prefix(prefix.to_owned())),
    }
}

pub(super) fn show_private_channels(channels: &PrivateChannels) -> String {
    match channels {
        PrivateChannels::Prefix(prefix) => prefix.clone(),
        PrivateChannels::All => "all".to_owned(),
    }
}

pub(super) fn read_when_full(text: &str) -> Result<WhenFull, String> {
    one_of(text, &WHEN_FULL)
}

pub(super) fn show_when_full(when_full: WhenFull) -> String {
    name_of(&when_full, &WHEN_FULL)
}

pub(super) fn read_forwarded_header(text: &str) -> Result<ForwardedHeader, String> {
    one_of(text, &FORWARDED_HEADERS)
}

pub(super) fn show_forwarded_header(header: ForwardedHeader) -> String {
    name_of(&header, &FORWARDED_HEADERS)
}

pub(super) fn read_html(text: &str) -> Result<Html, String> {
    match one_of(text, &[("sanitize", true), ("trust", false)])? {
        true => Ok(Html::sanitize()),
        false => Ok(Html::Trust),
    }
}

pub(super) fn show_html(html: &Html) -> String {
    if matches!(html, Html::Trust) { "trust" } else { "sanitize" }.to_owned()
}

pub(super) fn read_transports(text: &str) -> Result<Vec<Transport>, String> {
    let mut transports = Vec::new();
    for name in items(text) {
        let transport = one_of(name, &Transport::ALL.map(|transport| (transport.name(), transport)))?;
        if transports.contains(&transport) {
            return Err(format!("{name} is there twice"));
        }
        transports.push(transport);
    }
    if transports.is_empty() { Err("name at least one transport".to_owned()) } else { Ok(transports) }
}

pub(super) fn show_transports(transports: &[Transport]) -> String {
    transports.iter().map(|transport| transport.name()).collect::<Vec<_>>().join(",")
}

pub(super) fn read_origins(text: &str) -> Result<Origins, String> {
    match text {
        "same-host" => return Ok(Origins::SameHost),
        "any" => return Ok(Origins::Any),
        _ => {}
    }
    let origins: Vec<String> = items(text).map(str::to_owned).collect();
    match origins.iter().find(|origin| !is_origin(origin)) {
        Some(bad) => {
            Err(format!("{bad:?} is not an origin; write https://news.example, without a path, or same-host, or any"))
        }
        None if origins.is_empty() => Err("write same-host, any, or a list such as https://news.example".to_owned()),
        None => Ok(Origins::List(origins)),
    }
}

/// As browsers send it: RFC 6454 §6.2.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    matches!(scheme, "http" | "https")
        && !host.is_empty()
        && !host.contains(['/', '@', '?', '#', ' ', '*'])
        && !host.chars().any(char::is_uppercase)
}

pub(super) fn show_origins(origins: &Origins) -> String {
    match origins {
        Origins::SameHost => "same-host".to_owned(),
        Origins::Any => "any".to_owned(),
        Origins::List(list) => list.join(","),
    }
}

pub(super) fn read_trusted_proxies(text: &str) -> Result<Vec<String>, String> {
    let networks: Vec<String> = items(text).map(str::to_owned).collect();
    match TrustedProxies::new(networks.iter().map(String::as_str)) {
        Ok(_) => Ok(networks),
        Err(error) => Err(format!("{text:?} is not a list of {}", error.wanted)),
    }
}

pub(super) fn read_path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("name a file".to_owned()) } else { Ok(text.into()) }
}

pub(super) fn show_path(path: Option<&PathBuf>) -> String {
    path.map(|path| path.display().to_string()).unwrap_or_default()
}

/// A path to put before the routes: empty for the root.
pub(super) fn read_prefix(text: &str) -> Result<String, String> {
    let prefix = text.trim_end_matches('/');
    let is_plain = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
    };
    let is_path = prefix.is_empty() && text.starts_with('/')
        || prefix.strip_prefix('/').is_some_and(|path| path.split('/').all(is_plain));
    if !is_path {
        return Err(format!("{text:?} is not a prefix; write / or a path such as /live"));
    }
    if ["/healthz", "/readyz"].contains(&prefix) {
        return Err(format!("{prefix} is the server's own"));
    }
    Ok(prefix.to_owned())
}

pub(super) fn show_prefix(prefix: &str) -> String {
    if prefix.is_empty() { "/" } else { prefix }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_word_is_answered_with_the_known_ones() {
        assert_eq!(read_log_format("xml").unwrap_err(), "\"xml\" is not known; there are text, json");
        let error = read_transports("websocket,carrier-pigeon").unwrap_err();
        assert!(error.contains("carrier-pigeon") && error.contains("interval-polling"), "{error}");
        assert!(read_transports("sse,sse").is_err() && read_transports("").is_err());
        assert_eq!(show_transports(&read_transports(" sse, websocket ").unwrap()), "sse,websocket");
    }

    #[test]
    fn origins_are_written_as_browsers_send_them() {
        for good in ["same-host", "any", "https://news.example", "http://localhost:8000,https://news.example"] {
            assert_eq!(show_origins(&read_origins(good).unwrap()), good);
        }
        for bad in [
            "",
            "news.example",
            "https://news.example/",
            "https://News.example",
            "https://*.example",
            "ftp://a",
            "null",
        ] {
            assert!(read_origins(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_prefix_is_the_root_or_a_plain_path() {
        for (text, prefix) in [("/", ""), ("/live", "/live"), ("/live/", "/live"), ("/a/b.c", "/a/b.c")] {
            assert_eq!(read_prefix(text).unwrap(), prefix);
        }
        for bad in ["", "live", "//a", "/a//b", "/{x}", "/a b", "/healthz", "/readyz/"] {
            assert!(read_prefix(bad).is_err(), "{bad:?}");
        }
    }
}
