//! Wagtail Live's settings, as variables: what each means here. And `LIVE_PUBLISHER`, which is ours and in the same spirit.

use std::collections::BTreeMap;

use live_axum::{PUBLISHER_VARIABLE, Transport};

use super::in_force::Environment;

/// What the variables come to, by setting: the text and the variable's name.
#[derive(Debug, Default)]
pub(super) struct Translations {
    pub(super) values: BTreeMap<&'static str, (String, &'static str)>,
    pub(super) notes: Vec<String>,
    pub(super) mistakes: Vec<String>,
    pub(super) secure_websockets: Option<bool>,
}

const PUBLISHER: &str = "WAGTAIL_LIVE_PUBLISHER";
const HOST: &str = "WAGTAIL_LIVE_SERVER_HOST";
const PORT: &str = "WAGTAIL_LIVE_SERVER_PORT";
const REDIS_URL: &str = "WAGTAIL_LIVE_REDIS_URL";
const POLLING_TIMEOUT: &str = "WAGTAIL_LIVE_POLLING_TIMEOUT";
const POLLING_INTERVAL: &str = "WAGTAIL_LIVE_POLLING_INTERVAL";
const PIESOCKET_KEY: &str = "PIESOCKET_API_KEY";
const PIESOCKET_SECRET: &str = "PIESOCKET_SECRET";
const SECURE: &str = "WAGTAIL_LIVE_USE_SECURE_WS_CONNECTION";

/// All that are read here.
pub(super) const VARIABLES: [&str; 8] =
    [PUBLISHER, HOST, PORT, REDIS_URL, POLLING_TIMEOUT, POLLING_INTERVAL, SECURE, PUBLISHER_VARIABLE];

const DEFAULT_HOST: &str = "localhost";
const DEFAULT_PORT: &str = "8765";
const DEFAULT_REDIS_URL: &str = "redis://127.0.0.1:6379/1";
/// Where `CHANNEL_LAYERS` of Channels' own documentation leads to. It is no setting of Wagtail Live, so no variable says it.
const DEFAULT_CHANNELS_BUS: &str = "redis+channels://127.0.0.1:6379/0";

/// What a publisher of the original means for this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// The site publishes to Redis, where this server listens, and pages read over WebSocket.
    Redis,
    /// The site publishes to a channel layer on Redis, where this server takes Daphne's place.
    Channels,
    /// Pages poll. The original has no server beside the site then; here the site publishes to this one.
    Polls(Transport),
    /// The site publishes to PieSocket, in whose place this server is, and pages read over its protocol.
    PieSocket,
    /// The site publishes to this server over HTTP, and pages read over what they like.
    Http,
}

/// The publishers of Wagtail Live 1.0 by the names that a site's settings have, with and without the module in between.
const PUBLISHERS: [(&str, &str, &str, Meaning); 7] = [
    ("starlette", "publisher", "StarlettePublisher", Meaning::Redis),
    ("websockets", "publisher", "WebsocketsPublisher", Meaning::Redis),
    ("redis", "publisher", "RedisPubSubPublisher", Meaning::Redis),
    ("django_channels", "publisher", "DjangoChannelsPublisher", Meaning::Channels),
    ("piesocket", "publisher", "PieSocketPublisher", Meaning::PieSocket),
    ("polling", "", "IntervalPollingPublisher", Meaning::Polls(Transport::IntervalPolling)),
    ("polling", "", "LongPollingPublisher", Meaning::Polls(Transport::LongPolling)),
];

/// Live's own publishers for such a site, by the names that they have there.
const OWN_PUBLISHERS: [&str; 3] =
    ["live_publisher.LivePublisher", "live_publisher.publisher.LivePublisher", "live_outbox.publisher.OutboxPublisher"];

pub(super) fn translate(environment: &Environment) -> Translations {
    let said = |name: &str| environment.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let mut translations = Translations::default();
    translations.address(said(HOST), said(PORT));
    let meaning = said(PUBLISHER).and_then(|name| translations.publisher(name));
    translations.redis(said(REDIS_URL), meaning);
    if meaning == Some(Meaning::PieSocket) {
        translations.piesocket(said(PIESOCKET_KEY), said(PIESOCKET_SECRET));
    }
    translations.time("long-poll-timeout", POLLING_TIMEOUT, "seconds", 1_000.0, said(POLLING_TIMEOUT));
    translations.time("poll-interval", POLLING_INTERVAL, "milliseconds", 1.0, said(POLLING_INTERVAL));
    match said(SECURE).map(python_bool) {
        Some(None) => translations.mistakes.push(format!("{SECURE} is neither True nor False")),
        Some(secure) => translations.secure_websockets = secure,
        None => {}
    }
    if let Some(name) = said(PUBLISHER_VARIABLE) {
        translations.set("transports", name.to_owned(), PUBLISHER_VARIABLE);
    }
    translations
}

impl Translations {
    fn set(&mut self, setting: &'static str, text: String, variable: &'static str) {
        self.values.insert(setting, (text, variable));
    }

    fn address(&mut self, host: Option<&str>, port: Option<&str>) {
        if host.is_none() && port.is_none() {
            return;
        }
        let (host_or_default, port_or_default) = (host.unwrap_or(DEFAULT_HOST), port.unwrap_or(DEFAULT_PORT));
        // An IPv6 address goes in brackets before a port.
        let is_bare_ipv6 = host_or_default.contains(':') && !host_or_default.starts_with('[');
        let host_text = if is_bare_ipv6 { format!("[{host_or_default}]") } else { host_or_default.to_owned() };
        self.set("listen", format!("{host_text}:{port_or_default}"), if host.is_some() { HOST } else { PORT });
    }

    fn publisher(&mut self, name: &str) -> Option<Meaning> {
        if OWN_PUBLISHERS.contains(&name) {
            return Some(Meaning::Http);
        }
        let found = PUBLISHERS.iter().find(|(package, module, class, _)| {
            let path = name.strip_prefix("wagtail_live.publishers.").and_then(|rest| rest.strip_suffix(class));
            path.is_some_and(|path| path == format!("{package}.") || path == format!("{package}.{module}."))
        });
        let Some((.., meaning)) = found else {
            let known = PUBLISHERS.map(|(package, _, class, _)| format!("wagtail_live.publishers.{package}.{class}"));
            self.mistakes.push(format!(
                "{PUBLISHER}: {name:?} is not known; there are {}, {}. For one of your own, unset it and give LIVE_BUS",
                known.join(", "),
                OWN_PUBLISHERS.join(", ")
            ));
            return None;
        };
        match meaning {
            Meaning::Redis | Meaning::Channels | Meaning::PieSocket => {
                self.set("transports", Transport::WebSocket.name().to_owned(), PUBLISHER);
            }
            Meaning::Http => {}
            Meaning::Polls(transport) => self.set("transports", transport.name().to_owned(), PUBLISHER),
        }
        Some(*meaning)
    }

    /// What else the site has to say stands in no setting of its own: where it publishes to is written into its publisher.
    fn piesocket(&mut self, key: Option<&str>, secret: Option<&str>) {
        for (setting, variable, text) in
            [("piesocket-key", PIESOCKET_KEY, key), ("piesocket-secret", PIESOCKET_SECRET, secret)]
        {
            match text {
                Some(text) => self.set(setting, text.to_owned(), variable),
                None => self.notes.push(format!("{variable} is not set, which PieSocketPublisher asks for")),
            }
        }
    }

    fn redis(&mut self, url: Option<&str>, meaning: Option<Meaning>) {
        match (url, meaning) {
            (Some(_), Some(Meaning::Polls(_) | Meaning::PieSocket | Meaning::Http)) => {
                self.notes.push(format!("{REDIS_URL} is not used: the site's publisher publishes nothing to Redis"));
            }
            (url, Some(Meaning::Channels)) => {
                self.set("bus", DEFAULT_CHANNELS_BUS.to_owned(), PUBLISHER);
                if url.is_some() {
                    self.notes.push(format!(
                        "{REDIS_URL} is not used: a channel layer has its own hosts; give them as LIVE_BUS=redis+channels://HOST"
                    ));
                }
            }
            (Some(url), _) => match url.split_once("://") {
                Some((scheme @ ("redis" | "rediss"), rest)) => {
                    self.set("bus", format!("{scheme}+pubsub://{rest}"), REDIS_URL)
                }
                _ => self.mistakes.push(format!("{REDIS_URL} must begin with redis:// or rediss://")),
            },
            (None, Some(Meaning::Redis)) => {
                self.set("bus", DEFAULT_REDIS_URL.replacen("redis", "redis+pubsub", 1), PUBLISHER);
            }
            (None, _) => {}
        }
    }

    fn time(
        &mut self,
        setting: &'static str,
        variable: &'static str,
        unit: &str,
        milliseconds: f64,
        text: Option<&str>,
    ) {
        let Some(text) = text else { return };
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => {
                self.set(setting, format!("{}ms", (number * milliseconds).round() as u64), variable);
            }
            _ => self.mistakes.push(format!("{variable}: {text:?} is not a number of {unit}")),
        }
    }
}

fn python_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(variables: &[(&str, &str)]) -> Translations {
        translate(&variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    }

    fn text<'a>(translations: &'a Translations, setting: &str) -> Option<&'a str> {
        translations.values.get(setting).map(|(text, _)| text.as_str())
    }

    #[test]
    fn a_site_with_redis_needs_nothing_new() {
        for name in [
            "wagtail_live.publishers.starlette.StarlettePublisher",
            "wagtail_live.publishers.websockets.WebsocketsPublisher",
            "wagtail_live.publishers.websockets.publisher.WebsocketsPublisher",
        ] {
            let translations = translated(&[(PUBLISHER, name)]);
            assert_eq!(text(&translations, "bus"), Some("redis+pubsub://127.0.0.1:6379/1"), "{name}");
            assert_eq!(text(&translations, "transports"), Some("websocket"));
            assert_eq!(text(&translations, "listen"), None);
        }
        let url = translated(&[(REDIS_URL, "redis://:pw@redis.example:6380/5")]);
        assert_eq!(text(&url, "bus"), Some("redis+pubsub://:pw@redis.example:6380/5"));
        assert_eq!(
            translated(&[(REDIS_URL, "unix:///x")]).mistakes,
            ["WAGTAIL_LIVE_REDIS_URL must begin with redis:// or rediss://"]
        );
        assert_eq!(text(&translated(&[(REDIS_URL, "rediss://h")]), "bus"), Some("rediss+pubsub://h"));
    }

    #[test]
    fn a_site_with_channels_is_followed_on_its_layer() {
        let name = "wagtail_live.publishers.django_channels.DjangoChannelsPublisher";
        let translations = translated(&[(PUBLISHER, name)]);
        assert_eq!(text(&translations, "bus"), Some("redis+channels://127.0.0.1:6379/0"));
        assert_eq!(text(&translations, "transports"), Some("websocket"));
        assert!(translations.mistakes.is_empty() && translations.notes.is_empty());
        let translations = translated(&[(PUBLISHER, name), (REDIS_URL, "redis://h")]);
        assert_eq!(text(&translations, "bus"), Some("redis+channels://127.0.0.1:6379/0"));
        assert_eq!(translations.notes.len(), 1);
    }

    #[test]
    fn a_site_that_polls_publishes_to_this_server_and_not_to_redis() {
        let interval = "wagtail_live.publishers.polling.IntervalPollingPublisher";
        let translations = translated(&[(PUBLISHER, interval), (REDIS_URL, "redis://h")]);
        assert_eq!(text(&translations, "transports"), Some("interval-polling"));
        assert_eq!(text(&translations, "bus"), None);
        assert_eq!(translations.notes.len(), 1);
        let long = translated(&[(PUBLISHER, "wagtail_live.publishers.polling.LongPollingPublisher")]);
        assert_eq!(text(&long, "transports"), Some("long-polling"));
    }

    #[test]
    fn a_site_that_publishes_over_http_needs_only_an_address() {
        for name in OWN_PUBLISHERS {
            let translations = translated(&[(PUBLISHER, name), (PORT, "9000"), (REDIS_URL, "redis://h")]);
            assert_eq!(text(&translations, "listen"), Some("localhost:9000"), "{name}");
            assert_eq!((text(&translations, "bus"), text(&translations, "transports")), (None, None), "{name}");
            assert!(translations.mistakes.is_empty(), "{translations:?}");
            assert_eq!(translations.notes.len(), 1, "{translations:?}");
        }
    }

    #[test]
    fn an_unknown_publisher_is_answered_with_the_known_ones() {
        for name in
            ["StarlettePublisher", "mysite.StarlettePublisher", "wagtail_live.publishers.starlette.Other", "nonsense"]
        {
            let mistakes = translated(&[(PUBLISHER, name)]).mistakes;
            assert!(mistakes[0].contains(name), "{mistakes:?}");
            assert!(mistakes[0].contains("wagtail_live.publishers.polling.LongPollingPublisher"), "{mistakes:?}");
            assert!(mistakes[0].ends_with("For one of your own, unset it and give LIVE_BUS"), "{mistakes:?}");
        }
    }

    #[test]
    fn a_site_of_piesocket_brings_its_account() {
        let publisher = (PUBLISHER, "wagtail_live.publishers.piesocket.PieSocketPublisher");
        let translations = translated(&[publisher, (PIESOCKET_KEY, "key"), (PIESOCKET_SECRET, "hush")]);
        assert_eq!(text(&translations, "piesocket-key"), Some("key"));
        assert_eq!(text(&translations, "piesocket-secret"), Some("hush"));
        assert_eq!((text(&translations, "transports"), text(&translations, "bus")), (Some("websocket"), None));
        assert!(translations.mistakes.is_empty() && translations.notes.is_empty(), "{translations:?}");
        assert_eq!(translated(&[publisher]).notes.len(), 2);
        // They are other programs' variables, too.
        assert!(translated(&[(PIESOCKET_KEY, "key"), (PIESOCKET_SECRET, "hush")]).values.is_empty());
    }

    #[test]
    fn addresses_and_times_are_in_the_units_of_the_original() {
        assert_eq!(text(&translated(&[(HOST, "0.0.0.0")]), "listen"), Some("0.0.0.0:8765"));
        assert_eq!(text(&translated(&[(PORT, "9000")]), "listen"), Some("localhost:9000"));
        assert_eq!(text(&translated(&[(HOST, "::1"), (PORT, "9000")]), "listen"), Some("[::1]:9000"));
        let times = translated(&[(POLLING_TIMEOUT, "20"), (POLLING_INTERVAL, "5000")]);
        assert_eq!(
            (text(&times, "long-poll-timeout"), text(&times, "poll-interval")),
            (Some("20000ms"), Some("5000ms"))
        );
        assert_eq!(translated(&[(POLLING_TIMEOUT, "1m")]).mistakes.len(), 1);
        assert_eq!(translated(&[(SECURE, "True")]).secure_websockets, Some(true));
        assert_eq!(translated(&[(SECURE, "maybe")]).mistakes.len(), 1);
        assert_eq!(text(&translated(&[(PUBLISHER_VARIABLE, "sse")]), "transports"), Some("sse"));
    }
}
