//! Which route a path names. A path with and without the trailing slash is the same route.

use http::Method;

use super::{answer::Refusal, assets::Asset};
use crate::id::ChannelId;

/// One of Live's routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `/ws/channel/{channel}/`
    WebSocket(ChannelId),
    /// `/events/{channel}/`
    Events(ChannelId),
    /// `/updates/{channel}/`
    Updates(ChannelId),
    /// `/get-updates/{channel}/`
    WagtailPolling(ChannelId),
    /// `/publish/{channel}/`
    Publish(ChannelId),
    /// `/v3/{channel}`, a WebSocket as PieSocket has it
    PieSocket(ChannelId),
    /// `/api/publish`, PieSocket's
    PieSocketPublish,
    /// `/live.js`
    Client,
    /// `/wagtail-live.js`
    WagtailClient,
}

impl Route {
    /// The patterns of all routes for a router that has wildcards; `{*}` stands for the rest of the path, at least one character
    /// of it. A route without its channel is there to be refused with that reason.
    #[rustfmt::skip]
    pub const PATTERNS: [&'static str; 24] = [
        "/ws/channel", "/ws/channel/", "/ws/channel/{*}",
        "/events", "/events/", "/events/{*}",
        "/updates", "/updates/", "/updates/{*}",
        "/get-updates", "/get-updates/", "/get-updates/{*}",
        "/publish", "/publish/", "/publish/{*}",
        "/v3", "/v3/", "/v3/{*}",
        "/api/publish", "/api/publish/",
        "/live.js", "/live.js/",
        "/wagtail-live.js", "/wagtail-live.js/",
    ];

    /// Reads a path, percent-encoded as it came.
    ///
    /// # Errors
    /// A [`Refusal`]: 404 for any other path, 400 for a channel id that is not valid.
    pub fn parse(path: &str) -> Result<Self, Refusal> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let channel = |rest: &str| match rest.contains('/') {
            true => Err(Refusal::NotFound),
            false => ChannelId::from_path_segment(rest).map_err(Refusal::from),
        };
        type Make = fn(ChannelId) -> Route;
        let prefixes: [(&str, Make); 6] = [
            ("/ws/channel", Self::WebSocket),
            ("/events", Self::Events),
            ("/updates", Self::Updates),
            ("/get-updates", Self::WagtailPolling),
            ("/publish", Self::Publish),
            ("/v3", Self::PieSocket),
        ];
        for (prefix, route) in prefixes {
            match path.strip_prefix(prefix) {
                // `/events/` without a channel: an empty id, which is refused with that reason.
                Some("") => return channel("").map(route),
                Some(rest) if rest.starts_with('/') => return channel(&rest[1..]).map(route),
                _ => {}
            }
        }
        match path {
            "/api/publish" => Ok(Self::PieSocketPublish),
            "/live.js" => Ok(Self::Client),
            "/wagtail-live.js" => Ok(Self::WagtailClient),
            _ => Err(Refusal::NotFound),
        }
    }

    /// The methods that it has, and the same as `Allow` lists them.
    pub(super) fn methods(&self) -> (&'static [Method], &'static str) {
        const GET: Method = Method::GET;
        const HEAD: Method = Method::HEAD;
        const POST: Method = Method::POST;
        const OPTIONS: Method = Method::OPTIONS;
        match self {
            Self::WebSocket(_) | Self::PieSocket(_) => (&[GET, OPTIONS], "GET, OPTIONS"),
            Self::Events(_) | Self::Updates(_) | Self::Client | Self::WagtailClient => {
                (&[GET, HEAD, OPTIONS], "GET, HEAD, OPTIONS")
            }
            Self::WagtailPolling(_) => (&[GET, POST, HEAD, OPTIONS], "GET, POST, HEAD, OPTIONS"),
            Self::Publish(_) | Self::PieSocketPublish => (&[POST, OPTIONS], "POST, OPTIONS"),
        }
    }

    pub(super) fn asset(&self) -> Option<Asset> {
        match self {
            Self::Client => Some(Asset::Client),
            Self::WagtailClient => Some(Asset::WagtailClient),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trailing_slash_makes_no_difference() {
        let channel = ChannelId::new("a b").unwrap();
        for path in ["/ws/channel/a%20b", "/ws/channel/a%20b/"] {
            assert_eq!(Route::parse(path).unwrap(), Route::WebSocket(channel.clone()));
        }
        for path in ["/v3/a%20b", "/v3/a%20b/"] {
            assert_eq!(Route::parse(path).unwrap(), Route::PieSocket(channel.clone()));
        }
        assert_eq!(Route::parse("/api/publish/").unwrap(), Route::PieSocketPublish);
        assert_eq!(Route::parse("/live.js").unwrap(), Route::Client);
    }

    #[test]
    fn other_paths_are_not_found_and_bad_channels_are_refused() {
        for path in ["", "/", "/ws/a/", "/ws/channel/a/b/", "/events/a//", "/eventsa/", "/x/ws/channel/a/"] {
            assert!(matches!(Route::parse(path), Err(Refusal::NotFound)), "{path}");
        }
        for path in
            ["/events/", "/events", "/ws/channel//", "/updates/%2F/", "/updates/%zz/", "/updates/%00/", "/updates/%ff/"]
        {
            assert!(matches!(Route::parse(path), Err(Refusal::Bad(_))), "{path}");
        }
    }
}
