//! Times on the command line.

use std::time::Duration;

/// Reads `500ms`, `10s`, `2m`, `1h`, or a number of seconds.
///
/// # Errors
/// The text is none of these; the message says how to write it.
pub(crate) fn parse(text: &str) -> Result<Duration, &'static str> {
    let wrong = "write a time as 500ms, 10s, 2m or 1h";
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &text[number.len()..];
    let seconds = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return Err(wrong),
    };
    let number: f64 = number.trim().parse().map_err(|_| wrong)?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong).map(|time| time.min(LONGEST))
}

/// A year: moments that far away can still be reckoned with.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_or_is_in_seconds() {
        for (text, milliseconds) in
            [("500ms", 500), ("10s", 10_000), ("1.5", 1_500), ("2m", 120_000), ("1h", 3_600_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)));
        }
        assert_eq!(parse("1e12h"), Ok(LONGEST));
        for bad in ["", "s", "-1s", "1 day", "ten", "nan", "inf"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
