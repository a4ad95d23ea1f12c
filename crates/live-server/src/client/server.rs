//! The server that a command talks to.

use std::{ffi::OsString, fmt, path::PathBuf, str::FromStr};

use http::{HeaderValue, header::AUTHORIZATION};
use live_core::ChannelId;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

use super::failure::Failure;

/// Where the server is.
#[derive(Clone, clap::Args)]
#[command(next_help_heading = "The server")]
pub(crate) struct ServerArgs {
    // Text, and no `env`: clap would show a password in it, and take an empty variable for a value. So below.
    /// The server, with the prefix of its routes if they have one (http://127.0.0.1:8000/live) [default: http://127.0.0.1:8765] [env:
    /// LIVE_SERVER]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

impl ServerArgs {
    /// The server's address.
    ///
    /// # Errors
    /// [`Failure::Usage`]: what was said is none.
    pub(crate) fn load(&self) -> Result<ServerUrl, Failure> {
        let said = said(self.server.as_deref(), "--server", SERVER);
        let (name, text) = said.unwrap_or(("--server", DEFAULT_SERVER.to_owned()));
        ServerUrl::load(name, &text)
    }
}

const DEFAULT_SERVER: &str = "http://127.0.0.1:8765";

const SERVER: &str = "LIVE_SERVER";
const CA_FILE: &str = "LIVE_CA_FILE";
const TOKEN: &str = "LIVE_PUBLISH_TOKEN";
const TOKEN_FILE: &str = "LIVE_PUBLISH_TOKEN_FILE";

/// The variables that the commands read.
pub(crate) const VARIABLES: [&str; 4] = [SERVER, CA_FILE, TOKEN, TOKEN_FILE];

/// A variable's text; an empty one says nothing, as for `live serve`.
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|text| !text.is_empty())
}

/// What the flag says, or else the variable; after the name of the one that said it.
fn said(flag: Option<&str>, flag_name: &'static str, name: &'static str) -> Option<(&'static str, String)> {
    let by_flag = flag.map(|text| (flag_name, text.to_owned()));
    by_flag.or_else(|| variable(name).map(|text| (name, text.to_string_lossy().into_owned())))
}

/// Whom to trust as the server, over TLS.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "The server")]
pub(crate) struct TrustArgs {
    /// Certificates (PEM) to trust besides the system's, for a server with a certificate of your own [env: LIVE_CA_FILE]
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

impl TrustArgs {
    pub(crate) fn ca_file(&self) -> Option<PathBuf> {
        self.ca_file.clone().or_else(|| variable(CA_FILE).map(PathBuf::from))
    }
}

/// What publishing needs.
#[derive(Clone, clap::Args)]
#[command(next_help_heading = "The server")]
pub(crate) struct TokenArgs {
    /// The publish token. Better in the environment than here, where other users of the machine can read it [env: LIVE_PUBLISH_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// A file with the publish token, as live serve takes it; of two tokens the first is used [env: LIVE_PUBLISH_TOKEN_FILE]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl TokenArgs {
    /// The token; that of the command line or the environment goes before the file's.
    ///
    /// # Errors
    /// [`Failure::Usage`]: what was said is no token, or the file cannot be read, or has no token in it.
    pub(crate) fn load(&self) -> Result<Option<Token>, Failure> {
        if let Some((name, text)) = said(self.token.as_deref(), "--token", TOKEN) {
            return text.parse().map(Some).map_err(|error| Failure::Usage(format!("{name}: {error}")));
        }
        let file = self.token_file.clone().or_else(|| variable(TOKEN_FILE).map(PathBuf::from));
        let Some(file) = file else { return Ok(None) };
        let wrong = |error: &dyn fmt::Display| Failure::Usage(format!("{}: {error}", file.display()));
        let text = std::fs::read_to_string(&file).map_err(|error| wrong(&error))?;
        let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        first.parse().map(Some).map_err(|error| wrong(&error))
    }
}

/// A publish token, ready for the header.
#[derive(Clone)]
pub(crate) struct Token(HeaderValue);

impl Token {
    /// The header that carries it (RFC 6750 §2.1).
    pub(crate) fn header(&self) -> (http::HeaderName, HeaderValue) {
        (AUTHORIZATION, self.0.clone())
    }
}

impl FromStr for Token {
    type Err = &'static str;

    fn from_str(token: &str) -> Result<Self, Self::Err> {
        let wrong = "a token is visible ASCII without spaces";
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong);
        }
        let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| wrong)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

/// Whether the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// The address of a server and the prefix of its routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    pub(crate) scheme: Scheme,
    /// A name, or an address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The value of the header `Host`.
    pub(crate) authority: String,
    /// Empty, or a path without the slash at its end.
    prefix: String,
}

/// A route of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelRoute {
    WebSocket,
    Events,
    Updates,
    Publish,
}

impl ServerUrl {
    /// Reads what was given under this name.
    ///
    /// # Errors
    /// [`Failure::Usage`], which does not repeat the text: there may be a password in it.
    pub(crate) fn load(name: &str, text: &str) -> Result<Self, Failure> {
        text.parse().map_err(|error| Failure::Usage(format!("{name}: {error}")))
    }

    /// The path of a route, under the server's prefix.
    pub(crate) fn path(&self, route: ChannelRoute, channel: &ChannelId) -> String {
        let route = match route {
            ChannelRoute::WebSocket => "ws/channel",
            ChannelRoute::Events => "events",
            ChannelRoute::Updates => "updates",
            ChannelRoute::Publish => "publish",
        };
        format!("{}/{route}/{}/", self.prefix, encode(channel.as_str()))
    }
}

/// Text in a path segment or a query (RFC 3986 §2.3: what is unreserved stays).
pub(crate) fn encode(text: &str) -> impl fmt::Display {
    utf8_percent_encode(text, RESERVED)
}

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}{}", self.authority, self.prefix)
    }
}

impl FromStr for ServerUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let example = "write it as http://127.0.0.1:8765 or https://example.org/live";
        // `localhost:8765` would be read as a URL whose scheme is "localhost".
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&with_scheme).map_err(|error| format!("{error}; {example}"))?;
        let scheme = match url.scheme() {
            "http" | "ws" => Scheme::Http,
            "https" | "wss" => Scheme::Https,
            other => return Err(format!("{other} is neither http nor https; {example}")),
        };
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err(format!("a server has neither query nor user; {example}"));
        }
        let host = url.host().ok_or_else(|| format!("there is no host; {example}"))?;
        let port = url.port_or_known_default().ok_or_else(|| format!("there is no port; {example}"))?;
        let authority = url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
        let host = match host {
            Host::Ipv6(address) => address.to_string(),
            other => other.to_string(),
        };
        Ok(Self { scheme, host, port, authority, prefix: url.path().trim_end_matches('/').to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_address_and_a_prefix() {
        let blog = ChannelId::new("blog").unwrap();
        for (text, shown, host, port, path) in [
            ("http://127.0.0.1:8765", "http://127.0.0.1:8765", "127.0.0.1", 8765, "/publish/blog/"),
            ("localhost:8000/live/", "http://localhost:8000/live", "localhost", 8000, "/live/publish/blog/"),
            ("https://example.org/a/b", "https://example.org/a/b", "example.org", 443, "/a/b/publish/blog/"),
            ("wss://example.org:443", "https://example.org", "example.org", 443, "/publish/blog/"),
            ("http://[::1]:8765/", "http://[::1]:8765", "::1", 8765, "/publish/blog/"),
        ] {
            let url: ServerUrl = text.parse().unwrap();
            assert_eq!((url.to_string().as_str(), url.host.as_str(), url.port), (shown, host, port));
            assert_eq!(url.path(ChannelRoute::Publish, &blog), path);
        }
    }

    #[test]
    fn what_is_no_server_is_answered_with_an_example() {
        for bad in
            ["", "http://", "ftp://example.org", "http://example.org/?x", "http://me@example.org", "http://a:99999"]
        {
            assert!(bad.parse::<ServerUrl>().unwrap_err().contains("http://127.0.0.1:8765"), "{bad}");
        }
    }

    #[test]
    fn a_channel_is_encoded_so_that_the_server_decodes_it_once() {
        let url: ServerUrl = "http://localhost".parse().unwrap();
        for id in ["a b", "a%20b", "ü?x#y", "..", "*", "a+b&c"] {
            let path = url.path(ChannelRoute::Events, &ChannelId::new(id).unwrap());
            let segment = path.strip_prefix("/events/").unwrap().strip_suffix('/').unwrap();
            assert!(!segment.contains(['?', '#', ' ', '+', '&']), "{path}");
            assert_eq!(ChannelId::from_path_segment(segment).unwrap().as_str(), id);
        }
    }

    #[test]
    fn a_token_is_not_shown() {
        let (_, value) = "geheim".parse::<Token>().unwrap().header();
        assert_eq!(value, "Bearer geheim");
        assert!(!format!("{value:?}").contains("geheim"));
        for bad in ["", "a b", "a\n", "ü"] {
            assert!(bad.parse::<Token>().is_err(), "{bad:?}");
        }
    }
}
