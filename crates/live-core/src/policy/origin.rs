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
        let allowed = match self {
            Self::Any => true,
            Self::List(list) => list.iter().any(|allowed| allowed == origin),
            Self::SameHost => host_of_origin(origin)
                .zip(host_of_request(headers))
                .is_some_and(|(page, request)| page.eq_ignore_ascii_case(request)),
        };
        allowed.then_some(Some(origin))
    }
}

/// The host of a serialised origin (RFC 6454 §6.2); `null` and anything with more in it has none.
fn host_of_origin(origin: &HeaderValue) -> Option<&[u8]> {
    let origin = origin.as_bytes();
    host(origin.strip_prefix(b"https://").or_else(|| origin.strip_prefix(b"http://"))?)
}

fn host_of_request(headers: &HeaderMap) -> Option<&[u8]> {
    host(headers.get(header::HOST)?.as_bytes())
}

fn host(authority: &[u8]) -> Option<&[u8]> {
    without_port(authority).filter(|host| !host.is_empty())
}

/// Whether a `Host` header is a host and perhaps a port (RFC 9110 §7.2), and nothing more.
pub(crate) fn is_host(value: &HeaderValue) -> bool {
    without_port(value.as_bytes()).is_some()
}

/// The host of `uri-host [ ":" port ]` (RFC 3986 §3.2.2). It runs for every request, in bytes and in one pass.
fn without_port(authority: &[u8]) -> Option<&[u8]> {
    let end = match authority.strip_prefix(b"[") {
        Some(literal) => {
            let length = literal.iter().position(|byte| *byte == b']')?;
            std::str::from_utf8(&literal[..length]).ok()?.parse::<Ipv6Addr>().ok()?;
            length + "[]".len()
        }
        None => authority.iter().position(|byte| !IS_OF_NAME[usize::from(*byte)]).unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(end);
    let is_port = match port {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    is_port.then_some(host)
}

/// What a name may have beside letters and digits: unreserved characters, sub-delimiters and percent-encodings. A table, because
/// every byte is looked up.
const IS_OF_NAME: [bool; 256] = {
    let marks = b"-._~!$&'()*+,;=%";
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut mark = 0;
    while mark < marks.len() {
        table[marks[mark] as usize] = true;
        mark += 1;
    }
    table
};

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
