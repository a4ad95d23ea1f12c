//! Which web pages may connect. Without this check any page in the world could read along with its visitor's cookies
//! (cross-site WebSocket hijacking, CWE-1385).

use std::net::Ipv6Addr;

use http::{HeaderMap, HeaderValue, header};

/// The web pages that are let in. A request without `Origin` does not come from a web page and is let in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origins {
    /// Pages on the same host name as the request's `Host`, whatever the port and scheme.
    #[default]
    SameHost,
    /// These origins (`https://news.example`), and no others. Compared as browsers send them: lower case, without a path.
    List(Vec<String>),
    /// All pages. Only for what everyone may read.
    Any,
}

impl Origins {
    /// Whether the request may come in, and if it comes from a web page, from which.
    pub fn admit<'a>(&self, headers: &'a HeaderMap) -> Option<Option<&'a HeaderValue>> {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else { return Some(None) };
        // Two of them is nothing that a browser sends.
        if origins.next().is_some() {
            return None;
        }
        let text = origin.to_str().ok()?;
        let allowed = match self {
            Self::Any => true,
            Self::List(list) => list.iter().any(|allowed| allowed == text),
            Self::SameHost => host_of_origin(text).is_some_and(|host| Some(host) == host_of_request(headers)),
        };
        allowed.then_some(Some(origin))
    }
}

/// The host of a serialised origin (RFC 6454 §6.2); `null` and anything with more in it has none.
fn host_of_origin(origin: &str) -> Option<String> {
    let (scheme, authority) = origin.split_once("://")?;
    if !matches!(scheme, "http" | "https") {
        return None;
    }
    host(authority)
}

fn host_of_request(headers: &HeaderMap) -> Option<String> {
    host(headers.get(header::HOST)?.to_str().ok()?)
}

fn host(authority: &str) -> Option<String> {
    split_port(authority).map(str::to_ascii_lowercase).filter(|host| !host.is_empty())
}

/// Whether a `Host` header is a host and perhaps a port (RFC 9110 §7.2), and nothing more.
pub(crate) fn is_host(value: &HeaderValue) -> bool {
    value.to_str().is_ok_and(|authority| split_port(authority).is_some())
}

/// The host of `uri-host [ ":" port ]` (RFC 3986 §3.2.2).
fn split_port(authority: &str) -> Option<&str> {
    let (host, port) = match authority.rfind(':').filter(|colon| authority.rfind(']').is_none_or(|end| end < *colon)) {
        Some(colon) => (&authority[..colon], &authority[colon + 1..]),
        None => (authority, ""),
    };
    let is_literal = host.starts_with('[') && host.ends_with(']');
    let is_valid = match is_literal {
        true => host[1..host.len() - 1].parse::<Ipv6Addr>().is_ok(),
        false => host.bytes().all(|byte| byte.is_ascii_alphanumeric() || NAME_MARKS.contains(&byte)),
    };
    (is_valid && port.bytes().all(|byte| byte.is_ascii_digit())).then_some(host)
}

/// What a name may have beside letters and digits: unreserved characters, sub-delimiters and percent-encodings.
const NAME_MARKS: &[u8] = b"-._~!$&'()*+,;=%";

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(origins: &Origins, host: &str, origin: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        for origin in origin {
            headers.append(header::ORIGIN, origin.parse().unwrap());
        }
        origins.admit(&headers).is_some()
    }

    #[test]
    fn pages_of_the_same_host_come_in_whatever_the_port() {
        let origins = Origins::SameHost;
        for origin in ["http://news.example", "https://news.example:8443", "http://News.Example"] {
            assert!(admitted(&origins, "news.example:8765", &[origin]), "{origin}");
        }
        assert!(admitted(&origins, "[::1]:80", &["http://[::1]:3000"]));
        assert!(admitted(&origins, "news.example", &[]));
        for origin in [
            "null",
            "https://evil.example",
            "https://news.example.evil.example",
            "https://evilnews.example",
            "https://x@news.example",
            "https://news.example.",
            "file://news.example",
            "https://news.example/x",
            "https://news.example:port",
            "https://[::1",
            "https://[news.example]",
            "news.example",
            "",
        ] {
            assert!(!admitted(&origins, "news.example", &[origin]), "{origin}");
        }
        assert!(!admitted(&origins, "news.example", &["http://news.example", "http://evil.example"]));
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for good in ["news.example", "news.example:8765", "my_host", "192.0.2.1:80", "[::1]", "[2001:db8::1]:443", ""] {
            assert!(is_host(&good.parse().unwrap()), "{good}");
        }
        for bad in [
            "news.example/x",
            "user@news.example",
            "news example",
            "news.example, evil.example",
            "news.example:port",
            "a:1:2",
            "::1",
            "[::1",
            "[::1]x",
            "[x]",
            "]",
            "[",
            "[]",
            "a?b",
            "a#b",
            "a\\b",
        ] {
            assert!(!is_host(&bad.parse().unwrap()), "{bad}");
        }
        assert!(!is_host(&HeaderValue::from_bytes(b"n\xc3\xa9ws.example").unwrap()));
    }

    #[test]
    fn a_list_is_exact() {
        let origins = Origins::List(vec!["https://news.example".to_owned()]);
        assert!(admitted(&origins, "live.example", &["https://news.example"]));
        for origin in [
            "http://news.example",
            "https://news.example:444",
            "https://news.example.evil.example",
            "https://live.example",
        ] {
            assert!(!admitted(&origins, "live.example", &[origin]), "{origin}");
        }
        assert!(admitted(&Origins::Any, "live.example", &["null"]));
    }
}
