//! Every limit and every choice, in one place. An adapter has none of its own.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    html::Html,
    page::{PageLimits, ViewLimits, WhenFull},
    policy::{Origins, PieSocketKeys, Publishing, Tokens, TrustedProxies},
    publisher::{PUBLISHER_VARIABLE, Transport, UnknownPublisher},
};

/// What a site may choose. Start from the defaults:
///
/// ```
/// use live_core::{Config, Publishing};
/// let config = Config { publishing: Publishing::token("a long random text"), ..Config::default() };
/// assert!(config.check().is_ok());
/// ```
#[derive(Debug)]
pub struct Config {
    /// The transports that the page's HTML offers to its readers, in the order in which they fall back.
    /// Default: all four. The server answers on all of them in any case.
    pub transports: Vec<Transport>,
    /// The prefix of the routes as browsers see it: a path (`/live`), or an absolute URL (`https://live.example:8765`) where the
    /// readers' server is not the page's own. Default: `/live`.
    pub public_url: String,

    /// Posts and bytes of a page. Default: 10,000 posts, 16 MiB, 256 KiB of one post, 10,000 items of one update: more than a
    /// browser shows well.
    pub page: PageLimits,
    /// Removals that a page remembers. Default: 10,000. Readers who were away for more than that begin anew.
    pub max_tombstones: usize,
    /// How long a page without a publish is kept. Default: 30 days, which is longer than HTML is cached.
    pub page_retention: Duration,
    /// Pages that a bus within this process keeps. Default: 100,000.
    pub max_pages: usize,
    /// Pages that have readers, or had within the linger. Default: 10,000; readers of more get 503.
    pub max_open_pages: usize,
    /// Pages that are loaded from the [`PageSource`](crate::PageSource) at a time. Default: 16, what a database has connections for;
    /// more wait for their turn, because all pages are loaded anew when a relayed bus was away.
    pub max_page_loads: usize,

    /// Recent frames that a page keeps as they were sent. Default: 256.
    pub ring_frames: usize,
    /// Bytes of these frames. Default: 1 MiB.
    pub ring_bytes: usize,
    /// Bytes of the conflated frames that a page keeps to be shared until its next update. Default: 4 MiB.
    pub conflated_bytes: usize,
    /// Bytes of a frame's JSON from which on polls are answered with gzip, to readers who accept it. Default: 1 KiB, because a shorter one
    /// fills a packet at most. It is made once and kept with the frame, some quarter of its size. `usize::MAX` switches it off.
    pub gzip_from_bytes: usize,
    /// A reader that lacks more frames than this gets one conflated frame. Default: 8, a moment's hiccup.
    pub conflate_after: usize,
    /// How far back a reader without a cursor is served. Default: 60 s, the time between a page's HTML and its socket at worst.
    pub grace: Duration,
    /// How long a hub follows a page after its last reader has left. Default: 60 s, so that a reload finds it warm. At least three
    /// of the longest polling intervals, because between two polls a page has no reader.
    pub linger: Duration,

    /// Silence after which a stream gets an empty frame and a ping. Default: 25 s, below the 30 s of impatient proxies.
    pub heartbeat: Duration,
    /// A connection whose socket takes nothing for this long is closed. Default: 30 s.
    pub write_deadline: Duration,
    /// Bytes that the kernel holds for a connection before they are on their way (Linux). Default: 128 KiB, so that a reader who falls
    /// behind gets fewer frames instead of old ones.
    pub max_unsent_bytes: u32,
    /// A WebSocket from which nothing came for this long, not even a pong, is closed. Time in which the server
    /// itself was stopped or had too much to do does not count. Default: 60 s, two heartbeats and some.
    pub silence_deadline: Duration,
    /// What interval polling waits between two polls. Default: 3 s, as Wagtail Live. From 250 ms to 10 min.
    pub poll_interval: Duration,
    /// What it waits at most when so many poll that [`polls_per_second`](Self::polls_per_second) would be exceeded. Default: 15 s, a quarter
    /// of the linger. Up to 10 min; with `poll_interval` or less readers are told the same whatever the load.
    pub max_poll_interval: Duration,
    /// Interval polls that a server wants to answer in a second: readers are told to wait longer when more would come. Default: 10,000,
    /// about a tenth of a core, or 30,000 readers every 3 s. Those whom a cache answers do not count.
    pub polls_per_second: usize,
    /// The longest that a long poll waits. Default: 60 s, as Wagtail Live.
    pub long_poll_timeout: Duration,
    /// How long a client may take to send a request's header. Default: 5 s.
    pub header_timeout: Duration,
    /// Bytes of a request's header; at least 8 KiB. Default: 16 KiB.
    pub max_header_bytes: usize,
    /// How long the body of a publish may take. Default: 30 s.
    pub body_timeout: Duration,
    /// How long a request waits for the bus, and for the page to be loaded. Default: 5 s; then it is answered 503. It is also how
    /// long one load may take.
    pub bus_deadline: Duration,
    /// How long a publish may take on a bus that other machines are part of. Default: 2 s: an editor waits for it, and may repeat it
    /// with its idempotency key.
    pub publish_deadline: Duration,
    /// How long a publisher waits for one answer of a hosted service. Default: 5 s; then it tries again.
    pub service_timeout: Duration,
    /// How long a publish to a hosted service may take with all its tries. Default: 15 s, which an editor who saves a post waits for at
    /// worst.
    pub service_deadline: Duration,
    /// How often a hub compares its heads with the bus. Default: 10 s.
    pub compare_interval: Duration,

    /// Bytes of one message from a reader; readers send nothing. Default: 4 KiB.
    pub max_incoming_bytes: usize,
    /// Bytes of a publish over HTTP; on the buses `redis+pubsub:` and `redis+channels:` of every publish, and of every message from Redis, where larger ones
    /// are skipped. Default: 16 MiB, a whole page.
    pub max_publish_bytes: usize,
    /// Sockets that `serve` holds at a time, beside those that became WebSockets or streams of events. Default: 20,000; more wait to be
    /// accepted.
    pub max_sockets: usize,
    /// Readers at a time, on all transports. Default: 100,000; more get 503.
    pub max_connections: usize,
    /// Readers at a time from one address (IPv6: from one /64). Default: 100, an office behind one router; more get 429. Loopback has
    /// no limit.
    pub max_connections_per_address: usize,

    /// Which web pages may connect. Default: those on the same host, whatever the port.
    pub origins: Origins,
    /// Proxies whose `Forwarded` and `X-Forwarded-For` are believed. Default: none.
    pub trusted_proxies: TrustedProxies,
    /// Who may publish over HTTP. Default: nobody; the route does not exist.
    pub publishing: Publishing,
    /// Keys and secrets of PieSocket's protocol, by which Live takes the place of that service. Default: none; its routes do not exist.
    pub piesocket: PieSocketKeys,
    /// Which channels ask their readers for a token, and which tokens are good. Default: no key, so every channel is open.
    pub tokens: Tokens,
    /// What happens to HTML that is published over HTTP. Default: it is sanitised.
    pub html: Html,
    /// Whether polls may be cached by a shared cache (a CDN). Default: yes, for a second, except of readers who were admitted for a
    /// time. Switch it off where admission depends on the reader in another way.
    pub public_cache: bool,

    /// When a server drains, its readers are told to come back within this time, each at a moment of its own. Default: 10 s.
    pub drain_window: Duration,
    /// How long a drain may take before the remaining connections are dropped. Default: 20 s.
    pub drain_deadline: Duration,

    /// The time that numbers updates. Default: the system's.
    pub clock: Clock,

    /// Whether a WebSocket sends each message back to its reader, for suites that test the protocol. Default: no.
    #[cfg(feature = "echo")]
    #[doc(hidden)]
    pub echo: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            transports: Transport::ALL.to_vec(),
            public_url: "/live".to_owned(),
            page: PageLimits {
                max_posts: 10_000,
                max_page_bytes: 16 << 20,
                max_post_bytes: 256 << 10,
                max_update_items: 10_000,
                when_full: WhenFull::Refuse,
            },
            max_tombstones: 10_000,
            page_retention: Duration::from_secs(30 * 24 * 60 * 60),
            max_pages: 100_000,
            max_open_pages: 10_000,
            max_page_loads: 16,
            ring_frames: 256,
            ring_bytes: 1 << 20,
            conflated_bytes: 4 << 20,
            gzip_from_bytes: 1 << 10,
            conflate_after: 8,
            grace: Duration::from_secs(60),
            linger: Duration::from_secs(60),
            heartbeat: Duration::from_secs(25),
            write_deadline: Duration::from_secs(30),
            max_unsent_bytes: 128 << 10,
            silence_deadline: Duration::from_secs(60),
            poll_interval: Duration::from_secs(3),
            max_poll_interval: Duration::from_secs(15),
            polls_per_second: 10_000,
            long_poll_timeout: Duration::from_secs(60),
            header_timeout: Duration::from_secs(5),
            max_header_bytes: 16 << 10,
            body_timeout: Duration::from_secs(30),
            bus_deadline: Duration::from_secs(5),
            publish_deadline: Duration::from_secs(2),
            service_timeout: Duration::from_secs(5),
            service_deadline: Duration::from_secs(15),
            compare_interval: Duration::from_secs(10),
            max_incoming_bytes: 4 << 10,
            max_publish_bytes: 16 << 20,
            max_sockets: 20_000,
            max_connections: 100_000,
            max_connections_per_address: 100,
            origins: Origins::SameHost,
            trusted_proxies: TrustedProxies::default(),
            publishing: Publishing::Off,
            piesocket: PieSocketKeys::off(),
            tokens: Tokens::default(),
            html: Html::sanitize(),
            public_cache: true,
            drain_window: Duration::from_secs(10),
            drain_deadline: Duration::from_secs(20),
            clock: Clock::default(),
            #[cfg(feature = "echo")]
            echo: false,
        }
    }
}

impl Config {
    /// With the transports that the environment's `LIVE_PUBLISHER` names: one of `websocket`, `sse`, `long-polling` and
    /// `interval-polling`; all stay if it is not set. For publishers of your own see [`Publishers`](crate::Publishers).
    ///
    /// # Errors
    /// [`UnknownPublisher`] lists the names that there are.
    pub fn publisher_from_env(self) -> Result<Self, UnknownPublisher> {
        match std::env::var(PUBLISHER_VARIABLE) {
            Ok(name) if !name.is_empty() => Ok(Self { transports: vec![name.parse()?], ..self }),
            _ => Ok(self),
        }
    }

    /// Checks the fields against each other. [`Hub::new`](crate::Hub::new) does so, too.
    ///
    /// # Errors
    /// A [`ConfigError`] names the field and what it may be.
    pub fn check(&self) -> Result<(), ConfigError> {
        let positive = [
            ("heartbeat", self.heartbeat),
            ("write_deadline", self.write_deadline),
            ("header_timeout", self.header_timeout),
            ("body_timeout", self.body_timeout),
            ("silence_deadline", self.silence_deadline),
            ("linger", self.linger),
            ("drain_window", self.drain_window.max(Duration::from_millis(1))),
            ("drain_deadline", self.drain_deadline),
            ("bus_deadline", self.bus_deadline),
            ("publish_deadline", self.publish_deadline),
            ("service_timeout", self.service_timeout),
            ("service_deadline", self.service_deadline),
            ("compare_interval", self.compare_interval),
            ("long_poll_timeout", self.long_poll_timeout),
            ("page_retention", self.page_retention),
        ];
        for (field, value) in positive {
            // Deadlines are counted in milliseconds from now, so "for ever" has to be a time as well.
            require(!value.is_zero() && value <= YEAR, field, "longer than nothing and at most a year")?;
        }
        require(!self.transports.is_empty(), "transports", "at least one transport")?;
        let interval = Duration::from_millis(250)..=Duration::from_secs(600);
        require(interval.contains(&self.poll_interval), "poll_interval", "from 250 ms to 10 min")?;
        require(self.max_poll_interval <= *interval.end(), "max_poll_interval", "at most 10 min")?;
        require(self.polls_per_second >= 1, "polls_per_second", "at least 1")?;
        let linger = "at least three times poll_interval and max_poll_interval";
        require(self.linger >= 3 * self.longest_poll_interval(), "linger", linger)?;
        require(self.silence_deadline > self.heartbeat, "silence_deadline", "longer than heartbeat")?;
        require(
            self.max_incoming_bytes >= 125,
            "max_incoming_bytes",
            "at least 125, the size of a ping (RFC 6455 §5.5)",
        )?;
        require(self.max_header_bytes >= 8 << 10, "max_header_bytes", "at least 8 KiB, hyper's smallest buffer")?;
        require(self.max_page_loads >= 1, "max_page_loads", "at least 1")?;
        require(self.conflate_after >= 1 && self.ring_frames >= 1, "ring_frames and conflate_after", "at least 1")?;
        require(!self.public_url.contains(['"', '<', '>', '&', ' ']), "public_url", "a path or an absolute URL")?;
        self.publishing.check()?;
        self.piesocket.check()?;
        self.tokens.check()
    }

    /// The longest that interval polling is told to wait.
    pub fn longest_poll_interval(&self) -> Duration {
        self.poll_interval.max(self.max_poll_interval)
    }

    pub(crate) fn view_limits(&self) -> ViewLimits {
        ViewLimits {
            ring_frames: self.ring_frames,
            ring_bytes: self.ring_bytes,
            conflated_bytes: self.conflated_bytes,
            conflate_after: self.conflate_after,
            grace: self.grace.as_micros() as u64,
        }
    }
}

const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);

fn require(condition: bool, field: &'static str, wanted: &'static str) -> Result<(), ConfigError> {
    if condition { Ok(()) } else { Err(ConfigError { field, wanted }) }
}

/// A field of [`Config`] has a value that cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("configuration: {field} must be {wanted}")]
pub struct ConfigError {
    /// The field.
    pub field: &'static str,
    /// What it may be.
    pub wanted: &'static str,
}

/// The time as buses and hubs see it, so that tests can set it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// A clock that answers with microseconds since the Unix epoch.
    pub fn new(now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Microseconds since the Unix epoch.
    pub fn now(&self) -> u64 {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_a_bad_field_is_named() {
        assert_eq!(Config::default().check(), Ok(()));
        let config = Config { poll_interval: Duration::from_millis(249), ..Config::default() };
        assert_eq!(config.check().unwrap_err().field, "poll_interval");
        let config = Config { linger: Duration::from_secs(44), ..Config::default() };
        assert_eq!(config.check().unwrap_err().field, "linger");
        let config = Config { max_poll_interval: Duration::ZERO, linger: Duration::from_secs(9), ..config };
        assert_eq!(config.check(), Ok(()));
    }
}
