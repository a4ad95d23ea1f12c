//! Numbers as people read them.

use std::time::Duration;

/// `12,345`
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `3.2 KiB`
pub(super) fn bytes(number: f64) -> String {
    let mut number = number;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if number < 1_000.0 {
            return if unit == "B" { format!("{number:.0} B") } else { format!("{number:.1} {unit}") };
        }
        number /= 1_024.0;
    }
    format!("{number:.1} TiB")
}

/// `0.4` below ten, `1,234` above; a dash while there is nothing to compare with.
pub(super) fn rate(per_second: Option<f64>) -> String {
    match per_second {
        None => "–".to_owned(),
        Some(rate) if rate > 0.0 && rate < 10.0 => format!("{rate:.1}"),
        Some(rate) => count(rate.round() as u64),
    }
}

/// `3 d 4 h`: the two largest units.
pub(super) fn time(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Text within HTML, and within its attributes.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.0, 999.0, 1_024.0, 5_000_000.0].map(bytes), ["0 B", "999 B", "1.0 KiB", "4.8 MiB"]);
        assert_eq!([None, Some(0.0), Some(0.44), Some(1_234.4)].map(rate), ["–", "0", "0.4", "1,234"]);
        assert_eq!(
            [59, 61, 3_700, 90_000].map(|seconds| time(Duration::from_secs(seconds))),
            ["59 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]
        );
        assert_eq!(escaped("<a href=\"&\">"), "&lt;a href=&quot;&amp;&quot;&gt;");
    }
}
