//! When to come back: our own back-off, and the delays that a server gives.

use std::time::{Duration, SystemTime};

use http::HeaderMap;

/// Exponential back-off with full jitter: the whole delay is random, so that a crowd cut off at once does not return at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    attempts: u32,
    /// What every delay of our own stays below.
    cap: Duration,
}

impl Backoff {
    /// For readers, of whom there may be many.
    pub(crate) fn of_reader() -> Self {
        Self { attempts: 0, cap: Duration::from_secs(30) }
    }

    /// For a publisher, for whom many may be waiting.
    pub(crate) fn of_publisher() -> Self {
        Self { attempts: 0, cap: Duration::from_secs(5) }
    }

    /// The next delay, on top of what the server asked for: a crowd that gets the same delay would come back together.
    pub(crate) fn next(&mut self, asked: Option<Duration>) -> Duration {
        self.next_with(asked, random())
    }

    fn next_with(&mut self, asked: Option<Duration>, random: f64) -> Duration {
        let ceiling = BASE.saturating_mul(1 << self.attempts.min(16)).min(self.cap);
        self.attempts += 1;
        asked.unwrap_or_default().min(LONGEST) + ceiling.mul_f64(random)
    }

    /// It works again.
    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// What the first delay stays below.
const BASE: Duration = Duration::from_millis(500);
/// The longest delay that a server can ask for: no clock that is wrong holds a command for ever.
const LONGEST: Duration = Duration::from_secs(600);

/// A random number from 0 to below 1.
pub(crate) fn random() -> f64 {
    // Without randomness the delay is the middle one: worse for a crowd, no harm to this reader.
    getrandom::u32().map_or(0.5, |bits| f64::from(bits) / (f64::from(u32::MAX) + 1.0))
}

/// The delay in `Retry-After`: seconds or a date (RFC 9110 §10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// The delay at the end of a close reason, "… retry in N ms".
pub(crate) fn retry_in(reason: &str) -> Option<Duration> {
    let (_, number) = reason.strip_suffix(" ms")?.rsplit_once("retry in ")?;
    number.parse().ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_cap_and_are_random_from_nothing() {
        let mut backoff = Backoff::of_reader();
        let ceilings: Vec<_> = (0..8).map(|_| backoff.next_with(None, 1.0).as_millis()).collect();
        assert_eq!(ceilings, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        assert_eq!(backoff.next_with(None, 0.0), Duration::ZERO);
        backoff.reset();
        assert_eq!(backoff.next_with(None, 0.5), Duration::from_millis(250));
        backoff.attempts = u32::MAX - 1;
        assert_eq!(backoff.next_with(None, 1.0), Duration::from_secs(30));
    }

    #[test]
    fn the_delay_that_a_server_asks_for_is_the_least_and_has_an_end() {
        let asked = Duration::from_secs(5);
        assert_eq!(Backoff::of_reader().next_with(Some(asked), 0.5), asked + Duration::from_millis(250));
        assert_eq!(Backoff::of_reader().next_with(Some(Duration::MAX), 0.0), LONGEST);
    }

    #[test]
    fn randomness_is_from_zero_to_below_one() {
        assert!((0..1_000).map(|_| random()).all(|random| (0.0..1.0).contains(&random)));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let after = |value: &str| {
            let headers = [(http::header::RETRY_AFTER, value.parse().unwrap())].into_iter().collect();
            retry_after(&headers, now)
        };
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:40 GMT"), Some(Duration::from_secs(3)));
        assert_eq!(after("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!((after("soon"), after("-1"), after("")), (None, None, None));
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn a_close_reason_may_end_in_a_delay() {
        assert_eq!(retry_in("the server restarts; retry in 1500 ms"), Some(Duration::from_millis(1500)));
        for other in ["", "retry in ms", "retry in 5 s", "retry in -5 ms", "retry in 5 ms or so"] {
            assert_eq!(retry_in(other), None, "{other}");
        }
    }
}
