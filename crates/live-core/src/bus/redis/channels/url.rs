//! The URL of the bus: where the hosts are, and what the site's `CHANNEL_LAYERS` says.

use std::{str::FromStr, time::Duration};

use percent_encoding::percent_decode_str;
use redis::{Client, ProtocolVersion};

use super::{event::Format, fernet::Keys};
use crate::bus::redis::address;

/// The settings of a layer, by the names and with the defaults of channels_redis.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) hosts: Vec<Client>,
    pub(super) layer: Layer,
    pub(super) prefix: String,
    pub(super) expiry: Duration,
    pub(super) group_expiry: Duration,
    pub(super) capacity: u64,
    pub(super) random_prefix_length: usize,
    pub(super) format: Format,
    pub(super) keys: Option<Keys>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    Core,
    PubSub,
}

/// What channels_redis connects to by default.
const DEFAULT_ADDRESS: &str = "127.0.0.1:6379";
/// With fewer a single burst would be taken for a loss.
const MIN_CAPACITY: u64 = 10;
const YEAR: u64 = 366 * 24 * 60 * 60;

/// Without what was written, which may be part of a password.
const HOW: &str = "write redis+channels://USER:PASSWORD@HOST:PORT/DATABASE?layer=core, of which every part may be left out; several \
                   hosts are HOST,HOST/DATABASE, and the other parameters are prefix, expiry, group_expiry, capacity, \
                   random_prefix_length, serializer_format and key";

impl Settings {
    /// # Errors
    /// What is wrong with the URL, and what to write.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = match url.split_once(':') {
            Some(("redis+channels", rest)) => ("redis", rest),
            Some(("rediss+channels", rest)) => ("rediss", rest),
            _ => return Err(HOW.to_owned()),
        };
        let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
        let address = match address.strip_prefix("//") {
            None if !address.is_empty() => return Err(HOW.to_owned()),
            None | Some("") => DEFAULT_ADDRESS,
            Some(address) => address,
        };
        let parameters = Parameters::parse(query)?;
        let layer = parameters.one("layer", Layer::Core, "core or pubsub")?;
        // The core layer is asked, the other one speaks by itself.
        let protocol = match layer {
            Layer::Core => ProtocolVersion::RESP2,
            Layer::PubSub => ProtocolVersion::RESP3,
        };
        let (hosts, database) = address.split_once('/').unwrap_or((address, "0"));
        let host = |host: &str| address::client(scheme, &format!("{host}/{database}"), protocol);
        let hosts = hosts.split(',').map(host).collect::<Result<_, _>>().map_err(|error| format!("{error}; {HOW}"))?;
        Ok(Self {
            hosts,
            layer,
            prefix: parameters.one("prefix", "asgi".to_owned(), "a text")?,
            expiry: parameters.seconds("expiry", 60)?,
            group_expiry: parameters.seconds("group_expiry", 86_400)?,
            capacity: parameters.number("capacity", 100, MIN_CAPACITY..=1_000_000, "a number from 10 to 1000000")?,
            random_prefix_length: parameters.number("random_prefix_length", 12, 0..=255, "a number from 0 to 255")?
                as usize,
            format: parameters.one("serializer_format", Format::MessagePack, "msgpack or json")?,
            keys: Keys::new(&parameters.all("key")),
        })
    }
}

impl FromStr for Layer {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "core" => Ok(Self::Core),
            "pubsub" => Ok(Self::PubSub),
            _ => Err(()),
        }
    }
}

struct Parameters(Vec<(&'static str, String)>);

const NAMES: [&str; 8] =
    ["layer", "prefix", "expiry", "group_expiry", "capacity", "random_prefix_length", "serializer_format", "key"];

impl Parameters {
    fn parse(query: &str) -> Result<Self, String> {
        let mut parameters = Vec::new();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or(HOW)?;
            let name = NAMES.into_iter().find(|known| *known == name).ok_or(HOW)?;
            if name != "key" && parameters.iter().any(|(given, _)| *given == name) {
                return Err(format!("{name} is there twice"));
            }
            let value = percent_decode_str(value).decode_utf8().map_err(|_| format!("{name} is not UTF-8"))?;
            parameters.push((name, value.into_owned()));
        }
        Ok(Self(parameters))
    }

    fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(given, _)| *given == name).map(|(_, value)| value.clone()).collect()
    }

    fn one<T: FromStr>(&self, name: &str, default: T, wanted: &str) -> Result<T, String> {
        match self.0.iter().find(|(given, _)| *given == name) {
            Some((_, value)) => value.parse().map_err(|_| format!("{name} must be {wanted}")),
            None => Ok(default),
        }
    }

    fn number(
        &self,
        name: &str,
        default: u64,
        range: std::ops::RangeInclusive<u64>,
        wanted: &str,
    ) -> Result<u64, String> {
        let number = self.one(name, default, wanted)?;
        if range.contains(&number) { Ok(number) } else { Err(format!("{name} must be {wanted}")) }
    }

    fn seconds(&self, name: &str, default: u64) -> Result<Duration, String> {
        self.number(name, default, 1..=YEAR, "whole seconds, from 1 to a year").map(Duration::from_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(url: &str) -> Vec<(String, i64, Option<String>)> {
        let hosts = Settings::parse(url).unwrap().hosts;
        let address = |client: &Client| {
            let info = client.get_connection_info();
            (info.addr().to_string(), info.redis_settings().db(), info.redis_settings().password().map(str::to_owned))
        };
        hosts.iter().map(address).collect()
    }

    #[test]
    fn without_anything_it_is_the_default_of_channels_redis() {
        for url in ["redis+channels:", "redis+channels://", "redis+channels://127.0.0.1:6379/0?layer=core&prefix=asgi"]
        {
            assert_eq!(addresses(url), [("127.0.0.1:6379".to_owned(), 0, None)], "{url}");
            let settings = Settings::parse(url).unwrap();
            assert_eq!((settings.layer, settings.format), (Layer::Core, Format::MessagePack));
            assert_eq!((settings.prefix.as_str(), settings.capacity, settings.random_prefix_length), ("asgi", 100, 12));
            assert_eq!((settings.expiry.as_secs(), settings.group_expiry.as_secs()), (60, 86_400));
            assert!(settings.keys.is_none());
        }
    }

    #[test]
    fn every_part_of_the_url_counts() {
        let several = addresses("redis+channels://me:a%2Cb@one:7000,:pw@two,[::1]:7001/3");
        let password = |password: &str| Some(password.to_owned());
        let expected = [
            ("one:7000".to_owned(), 3, password("a,b")),
            ("two:6379".to_owned(), 3, password("pw")),
            ("::1:7001".to_owned(), 3, None),
        ];
        assert_eq!(several, expected);
        let url = "redis+channels://host?layer=pubsub&prefix=my%26site&expiry=5&group_expiry=600&capacity=10&random_prefix_length=0&serializer_format=json&key=a%20b&key=c";
        let settings = Settings::parse(url).unwrap();
        assert_eq!(
            (settings.layer, settings.format, settings.prefix.as_str()),
            (Layer::PubSub, Format::Json, "my&site")
        );
        assert_eq!((settings.capacity, settings.random_prefix_length), (10, 0));
        assert_eq!((settings.expiry.as_secs(), settings.group_expiry.as_secs()), (5, 600));
        assert_eq!(format!("{:?}", settings.keys.unwrap()), "2 keys");
    }

    #[test]
    fn a_url_that_cannot_be_used_is_explained_without_its_secrets() {
        for (url, reason) in [
            ("redis+channels:secret", "write redis+channels://"),
            ("redis+channels://:secret@host:port", "write redis+channels://"),
            ("redis+channels://:secret@host/x", "write redis+channels://"),
            ("redis+channels://:sec?secret@host", "write redis+channels://"),
            ("redis+channels://host?secret=1", "the other parameters are prefix"),
            ("redis+channels://host?layer=secret", "layer must be core or pubsub"),
            ("redis+channels://host?expiry=0", "expiry must be whole seconds"),
            ("redis+channels://host?group_expiry=secret", "group_expiry must be whole seconds"),
            ("redis+channels://host?capacity=9", "capacity must be a number from 10"),
            ("redis+channels://host?serializer_format=secret", "serializer_format must be msgpack or json"),
            ("redis+channels://host?prefix=%ff", "prefix is not UTF-8"),
            ("redis+channels://host?prefix=a&prefix=b", "prefix is there twice"),
        ] {
            let error = Settings::parse(url).unwrap_err();
            assert!(error.contains(reason), "{url}: {error}");
            assert!(!error.contains("secret"), "{url}: {error}");
        }
    }
}
