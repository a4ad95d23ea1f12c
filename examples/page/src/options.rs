//! What every example can be told on the command line.

use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use clap::{Parser, error::ErrorKind};
use live_core::{
    Config, PUBLISHER_VARIABLE, Transport,
    page::{PageLimits, WhenFull},
};

/// A live blog: readers see posts, edits and removals the moment they are published.
#[derive(Debug, Clone, Parser)]
pub struct Options {
    /// The address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,

    /// The database of the posts; beside it are FILE.live (Live's log) and FILE.token (the publish token)
    #[arg(long, value_name = "FILE", default_value = "live-blog.db")]
    pub db: PathBuf,

    /// The path that Live's routes are mounted under
    #[arg(long, value_name = "PATH", default_value = "/live", value_parser = prefix)]
    pub prefix: String,

    /// The token that writing needs; without it the one in FILE.token, which is made at the first start
    #[arg(long, value_name = "TOKEN", env = "LIVE_PUBLISH_TOKEN", hide_env_values = true)]
    pub publish_token: Option<String>,

    /// The one transport that readers use: websocket, sse, long-polling or interval-polling. Without it all, with fallback
    #[arg(long, value_name = "NAME", env = PUBLISHER_VARIABLE)]
    pub publisher: Option<Transport>,

    /// The headline of the page
    #[arg(long, default_value = "The live blog")]
    pub title: String,

    /// Plays posts into the page: a file of JSON lines {"at": seconds, "id": …, "speaker": …, "vehicle": …, "text": …}
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,

    /// How many times faster than it happened a replay goes; "max" waits for nothing. No silence lasts longer than half a minute
    #[arg(long, value_name = "N", default_value = "60")]
    pub speed: Speed,

    /// The readers' server, where that is another one: `http://HOST:PORT`. The pages then connect there, over WebSocket alone
    #[arg(skip)]
    pub readers: Option<String>,
}

impl Options {
    /// Reads the command line; on `--help` and on a mistake it prints what is right and ends the process.
    pub fn from_command_line() -> Self {
        Self::parse()
    }

    /// The options of a site whose readers are served by another server, over WebSocket alone.
    ///
    /// # Errors
    ///
    /// Another transport was asked for. `exit` prints that, and ends the process.
    pub fn with_readers_at(self, server: String) -> Result<Self, clap::Error> {
        if let Some(other) = self.publisher.filter(|transport| *transport != Transport::WebSocket) {
            let why = format!("--publisher {other}: the readers' server at {server} has nothing but websocket\n");
            return Err(clap::Error::raw(ErrorKind::ValueValidation, why));
        }
        Ok(Self { readers: Some(server), ..self })
    }

    /// The bus that keeps Live's log beside the posts. It is a file of its own: one process holds it.
    pub fn bus_url(&self) -> String {
        format!("sqlite:{}", self.beside("live").display())
    }

    /// What the example chooses of Live's configuration.
    ///
    /// Publishing over Live's own route stays off: what is posted there would be on the live page and in no database, and so
    /// missing from the page's HTML. Posts come in by the page's own routes.
    pub fn config(&self) -> Config {
        let defaults = Config::default();
        // A live blog never stands still because it is full: its oldest posts leave the live page, and stay in the database.
        let page = PageLimits { when_full: WhenFull::RemoveOldest, ..defaults.page };
        // A site that wants one transport alone names it; else its readers fall back from one to the next.
        let transports = match (&self.readers, self.publisher) {
            (Some(_), _) => vec![Transport::WebSocket],
            (None, Some(transport)) => vec![transport],
            (None, None) => defaults.transports,
        };
        let public_url = self.readers.as_ref().unwrap_or(&self.prefix).clone();
        Config { public_url, page, transports, ..defaults }
    }

    /// A file beside the database.
    pub(crate) fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.db.clone().into_os_string();
        name.push(".");
        name.push(extension);
        name.into()
    }
}

/// How fast a replay goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// This many times faster than it happened.
    Times(f64),
    /// As fast as the posts can be stored.
    Max,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            _ if text == "max" => Ok(Self::Max),
            Ok(0.0) => Ok(Self::Max),
            Ok(times) if times.is_finite() && times > 0.0 => Ok(Self::Times(times)),
            _ => Err("give a number above 0, or \"max\"".to_owned()),
        }
    }
}

fn prefix(text: &str) -> Result<String, String> {
    let prefix = text.trim_end_matches('/');
    let plain = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b))
    };
    let segments: Vec<_> = prefix.split('/').skip(1).collect();
    if !prefix.starts_with('/') || !segments.iter().all(|segment| plain(segment)) {
        return Err("a prefix is a path such as /live".to_owned());
    }
    if ["api", "posts", "compose"].contains(&segments[0]) {
        return Err(format!("/{} is the page's own", segments[0]));
    }
    Ok(prefix.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_what_the_readme_says() {
        let options = Options::parse_from(["example"]);
        assert_eq!(options.listen.to_string(), "127.0.0.1:8000");
        assert_eq!(options.bus_url(), "sqlite:live-blog.db.live");
        assert_eq!(options.prefix, "/live");
        assert_eq!(options.speed, Speed::Times(60.0));
    }

    #[test]
    fn a_speed_is_a_number_above_zero_or_max() {
        assert_eq!("2.5".parse(), Ok(Speed::Times(2.5)));
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("0".parse(), Ok(Speed::Max));
        for bad in ["-1", "nan", "inf", "fast", ""] {
            assert!(bad.parse::<Speed>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_site_whose_readers_are_elsewhere_takes_no_transport_but_websocket() {
        let with = |publisher| {
            let options = Options { publisher, ..Options::parse_from(["example"]) };
            options.with_readers_at("http://127.0.0.1:8765".to_owned())
        };
        for allowed in [None, Some(Transport::WebSocket)] {
            let config = with(allowed).unwrap().config();
            assert_eq!(config.public_url, "http://127.0.0.1:8765");
            assert_eq!(config.transports, [Transport::WebSocket]);
        }
        for refused in [Transport::Sse, Transport::LongPolling, Transport::IntervalPolling] {
            let why = with(Some(refused)).unwrap_err().to_string();
            assert!(why.contains(&format!("--publisher {refused}")), "{why}");
        }
    }

    #[test]
    fn a_prefix_is_a_plain_path_that_the_page_does_not_use_itself() {
        assert_eq!(prefix("/live/").unwrap(), "/live");
        assert_eq!(prefix("/a/b.c").unwrap(), "/a/b.c");
        for bad in ["", "/", "live", "//", "/a//b", "/{x}", "/a b", "/api", "/posts/x", "/compose"] {
            assert!(prefix(bad).is_err(), "{bad:?}");
        }
    }
}
