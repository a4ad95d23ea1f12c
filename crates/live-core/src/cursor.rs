//! Where a reader is in a page's log.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The number of an update: an integer below 2^53, strictly increasing per page, seeded by the microseconds since the Unix epoch.
///
/// 0 stands for "before the first update". Below 2^53 a JavaScript number holds it exactly.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Version(u64);

impl Version {
    /// Before the first update of a log.
    pub const ZERO: Self = Self(0);
    /// The greatest version.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// The version with this number, or `None` from 2^53 on.
    pub fn new(number: u64) -> Option<Self> {
        (number <= Self::MAX.0).then_some(Self(number))
    }

    /// The version with this number, or the greatest one.
    pub fn saturating(number: u64) -> Self {
        Self(number.min(Self::MAX.0))
    }

    /// The number.
    pub fn number(self) -> u64 {
        self.0
    }

    /// Wagtail Live's form: seconds with six decimals, exact in a double until the year 2242.
    pub fn to_seconds(self) -> String {
        // One number, and not two: formatting is most of what a poll of Wagtail Live's page costs.
        let mut seconds = if self.0 < 1_000_000 { format!("{:07}", self.0) } else { self.0.to_string() };
        seconds.insert(seconds.len() - 6, '.');
        seconds
    }

    /// Reads Wagtail Live's form by rounding to the nearest microsecond; anything below 0 is [`Version::ZERO`].
    ///
    /// `None` for what is not a finite number.
    pub fn from_seconds(seconds: f64) -> Option<Self> {
        // A float-to-integer `as` saturates at both ends.
        seconds.is_finite().then(|| Self::saturating((seconds * 1e6).round() as u64))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The random name of one life of a page's log.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// A new random epoch.
    ///
    /// # Errors
    /// The operating system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        getrandom::u64().map(Self)
    }

    /// The epoch with these bits, for tests and for stores that made the randomness themselves.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Hexadecimal digits of an epoch as text.
const EPOCH_DIGITS: usize = 16;

impl FromStr for Epoch {
    type Err = MalformedCursor;

    fn from_str(text: &str) -> Result<Self, MalformedCursor> {
        if text.len() != EPOCH_DIGITS {
            return Err(MalformedCursor);
        }
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(u64::from(byte - b'0')),
            b'a'..=b'f' => Ok(u64::from(byte - b'a') + 10),
            _ => Err(MalformedCursor),
        };
        text.bytes().try_fold(0, |bits, byte| Ok(bits << 4 | digit(byte)?)).map(Self)
    }
}

/// A place in a page's log: `<epoch>-<version>`, the same on every transport.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The life of the log that the version belongs to.
    pub epoch: Epoch,
    /// The last update that the holder of the cursor has.
    pub version: Version,
}

impl Cursor {
    /// A cursor from its two halves.
    pub const fn new(epoch: Epoch, version: Version) -> Self {
        Self { epoch, version }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.version)
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Cursor {
    type Err = MalformedCursor;

    fn from_str(text: &str) -> Result<Self, MalformedCursor> {
        let (epoch, version) = text.split_at_checked(EPOCH_DIGITS).ok_or(MalformedCursor)?;
        let version = version.strip_prefix('-').ok_or(MalformedCursor)?;
        // One cursor has one spelling: caches compare URLs by bytes.
        let plain = version == "0" || version.starts_with(|first: char| matches!(first, '1'..='9'));
        let number = version.parse().ok().filter(|_| plain).ok_or(MalformedCursor)?;
        Ok(Self::new(epoch.parse()?, Version::new(number).ok_or(MalformedCursor)?))
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The text is not a cursor. To a server that is a cursor that nobody knows, never a reason to refuse a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor (sixteen hexadecimal digits, a hyphen, a version below 2^53)")]
pub struct MalformedCursor;

/// Where a reader asks to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// No cursor: what was published within the grace is sent.
    Recent,
    /// `*`: everything.
    Everything,
    /// From this cursor on.
    At(Cursor),
    /// A cursor that does not parse, and so nobody knows.
    Unknown,
}

impl Start {
    /// Reads the `cursor` of a request; it never fails.
    pub fn parse(cursor: Option<&str>) -> Self {
        match cursor {
            None | Some("") => Self::Recent,
            Some("*") => Self::Everything,
            Some(text) => text.parse().map_or(Self::Unknown, Self::At),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_has_one_spelling() {
        let text = "00000000000000ff-1795321191581000";
        let cursor: Cursor = text.parse().unwrap();
        assert_eq!(cursor.to_string(), text);
        for bad in [
            "",
            "-",
            "ff-1",
            "00000000000000FF-1",
            "00000000000000ff-01",
            "00000000000000ff--1",
            "00000000000000ff-+1",
            "00000000000000ff-9007199254740992",
            "00000000000000ff-18446744073709551616",
            "00000000000000ff-1 ",
            "00000000000000ff-١",
            "+0000000000000ff-1",
        ] {
            assert_eq!(Start::parse(Some(bad)), if bad.is_empty() { Start::Recent } else { Start::Unknown }, "{bad:?}");
        }
    }

    #[test]
    fn seconds_round_trip_exactly_through_a_double_until_2242() {
        for number in [0, 1, 1_795_321_191_581_234, 8_589_934_591_999_999] {
            let version = Version::new(number).unwrap();
            let seconds: f64 = version.to_seconds().parse().unwrap();
            assert_eq!(Version::from_seconds(seconds), Some(version));
        }
        for (number, seconds) in
            [(0, "0.000000"), (999_999, "0.999999"), (1_000_000, "1.000000"), (12_000_034, "12.000034")]
        {
            assert_eq!(Version::saturating(number).to_seconds(), seconds);
        }
        assert_eq!(Version::from_seconds(-5.0), Some(Version::ZERO));
        assert_eq!(Version::from_seconds(1e30), Some(Version::MAX));
        assert_eq!(Version::from_seconds(f64::NAN), None);
        assert_eq!(Version::from_seconds(f64::INFINITY), None);
    }
}
