//! How a value is written: one text form for flags, environment, file and `--check`.

use std::time::Duration;

use super::{Settings, check::redacted};

/// Where a setting's value lives in [`Settings`], and so how it is written.
pub(crate) enum Value {
    /// `25s`
    Duration(fn(&mut Settings) -> &mut Duration),
    /// `256KiB`
    Bytes(fn(&mut Settings) -> &mut usize),
    /// `10000`
    Count(fn(&mut Settings) -> &mut usize),
    /// `true`
    Switch(fn(&mut Settings) -> &mut bool),
    /// A form of its own.
    Other { read: fn(&mut Settings, &str) -> Result<(), String>, show: fn(&Settings) -> String },
    /// A URL, shown without user, password and query.
    Url { read: fn(&mut Settings, &str) -> Result<(), String>, url: fn(&Settings) -> &str },
    /// As `Other`, and `--check` does not show it.
    Secret { read: fn(&mut Settings, &str) -> Result<(), String>, is_set: fn(&Settings) -> bool },
}

impl Value {
    /// Reads the text into the settings; the error says what would be right.
    pub(crate) fn read(&self, settings: &mut Settings, text: &str) -> Result<(), String> {
        match self {
            Self::Duration(field) => *field(settings) = parse_duration(text)?,
            Self::Bytes(field) => *field(settings) = parse_bytes(text)?,
            Self::Count(field) => *field(settings) = parse_count(text)?,
            Self::Switch(field) => *field(settings) = parse_switch(text)?,
            Self::Other { read, .. } | Self::Url { read, .. } | Self::Secret { read, .. } => read(settings, text)?,
        }
        Ok(())
    }

    /// The text that reads as what is in force; a secret's is not it, nor one that is redacted.
    pub(crate) fn show(&self, settings: &mut Settings) -> String {
        match self {
            Self::Duration(field) => show_duration(*field(settings)),
            Self::Bytes(field) => show_bytes(*field(settings)),
            Self::Count(field) => field(settings).to_string(),
            Self::Switch(field) => field(settings).to_string(),
            Self::Other { show, .. } => show(settings),
            Self::Url { url, .. } => redacted(url(settings)),
            Self::Secret { is_set, .. } if is_set(settings) => "(set)".to_owned(),
            Self::Secret { .. } => String::new(),
        }
    }

    /// Whether what is in force must not be shown.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self, Self::Secret { .. })
    }

    /// Whether what is shown lacks a part of what is in force.
    pub(crate) fn is_redacted(&self, settings: &Settings) -> bool {
        matches!(self, Self::Url { url, .. } if redacted(url(settings)) != url(settings))
    }

    /// Whether it is written without quotes in a file.
    pub(crate) fn is_bare(&self) -> bool {
        matches!(self, Self::Count(_) | Self::Switch(_))
    }

    /// The name of the form in `--help`.
    pub(crate) fn name(&self) -> Option<&'static str> {
        match self {
            Self::Duration(_) => Some("DURATION"),
            Self::Bytes(_) => Some("SIZE"),
            Self::Count(_) => Some("NUMBER"),
            Self::Switch(_) => Some("true|false"),
            Self::Other { .. } | Self::Url { .. } | Self::Secret { .. } => None,
        }
    }
}

const DURATION_UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 60 * 60_000), ("d", 24 * 60 * 60_000)];
const SIZE_UNITS: [(&str, usize); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

fn parse_duration(text: &str) -> Result<Duration, String> {
    let wanted =
        || format!("{text:?} is not a duration; write a whole number with ms, s, m, h or d, such as 25s or 250ms");
    let (number, unit) = split_unit(text);
    let number: u64 = number.parse().map_err(|_| wanted())?;
    let (_, milliseconds) = DURATION_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wanted)?;
    number.checked_mul(*milliseconds).map(Duration::from_millis).ok_or_else(|| format!("{text:?} is too long"))
}

/// The largest unit that is exact.
pub(super) fn show_duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis() as u64;
    if milliseconds == 0 {
        return "0s".to_owned();
    }
    let exact = DURATION_UNITS.iter().rev().find(|(_, unit)| milliseconds.is_multiple_of(*unit));
    exact.map_or_else(String::new, |(name, unit)| format!("{}{name}", milliseconds / unit))
}

pub(super) fn parse_bytes(text: &str) -> Result<usize, String> {
    let wanted =
        || format!("{text:?} is not a size; write a whole number with KiB, MiB or GiB, such as 256KiB, or of bytes");
    let (number, unit) = split_unit(text);
    let number: usize = number.parse().map_err(|_| wanted())?;
    let unit = if unit.is_empty() { "B" } else { unit };
    let (_, bytes) = SIZE_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wanted)?;
    number.checked_mul(*bytes).ok_or_else(|| format!("{text:?} is too large"))
}

pub(super) fn show_bytes(bytes: usize) -> String {
    let exact = SIZE_UNITS.iter().rev().find(|(_, unit)| bytes.is_multiple_of(*unit) && bytes > 0);
    exact.map_or_else(|| "0B".to_owned(), |(name, unit)| format!("{}{name}", bytes / unit))
}

fn parse_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(format!("{text:?} is not a whole number above 0")),
    }
}

fn parse_switch(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| format!("{text:?} is neither true nor false"))
}

fn split_unit(text: &str) -> (&str, &str) {
    text.split_at(text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_reads_back_as_it_is_shown() {
        for text in ["0s", "1ms", "250ms", "25s", "90s", "5m", "36h", "30d"] {
            assert_eq!(show_duration(parse_duration(text).unwrap()), text);
        }
        assert_eq!(show_duration(Duration::from_secs(60)), "1m");
        for bad in ["", "25", "s", "1.5s", "-1s", "25 s", "25sec", "1h30m", "99999999999999999d"] {
            assert!(parse_duration(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_size_reads_back_as_it_is_shown_and_a_thousand_is_no_kib() {
        for text in ["0B", "1B", "1000B", "16KiB", "256KiB", "16MiB", "3GiB"] {
            assert_eq!(show_bytes(parse_bytes(text).unwrap()), text);
        }
        assert_eq!(parse_bytes("4096"), Ok(4_096));
        for bad in ["", "KiB", "1KB", "1 KiB", "-1", "1.5MiB", "99999999999999999GiB"] {
            assert!(parse_bytes(bad).is_err(), "{bad:?}");
        }
    }
}
