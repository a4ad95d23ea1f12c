//! Which web pages may connect. Without this check any page in the world could read along with its visitor's cookies
//! (cross-site WebSocket hijacking, CWE-1385).

use http::{HeaderMap, HeaderValue, Uri, header};

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
    if authority.contains(['/', '@', '?', '#']) {
        return None;
    }
    let uri = Uri::builder().scheme("http").authority(authority).path_and_query("/").build().ok()?;
    uri.host().filter(|host| !host.is_empty()).map(str::to_ascii_lowercase)
}

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
            "news.example",
            "",
        ] {
            assert!(!admitted(&origins, "news.example", &[origin]), "{origin}");
        }
        assert!(!admitted(&origins, "news.example", &["http://news.example", "http://evil.example"]));
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
