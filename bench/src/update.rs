//! What an update of the benchmark says: which one it is, and when it was published. Readers check the first and measure by the second.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Bytes of one WebSocket frame, header and all: a post of a few sentences.
pub(crate) const FRAME_BYTES: usize = 704;

/// The label that begins an update's text, its number counted from 1 in each channel, and the moment of its publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) number: u32,
    pub(crate) published: Duration,
}

impl Label {
    pub(crate) fn now(number: u32) -> Self {
        Self { number, published: now() }
    }

    /// The label, and as many letters as make `bytes` of it.
    pub(crate) fn text(self, bytes: usize) -> String {
        let Self { number, published } = self;
        let label = format!("{MARK}{number:010} at={:019} ", published.as_nanos());
        format!("{label}{}", "x".repeat(bytes.saturating_sub(label.len())))
    }

    /// Finds the label in a message, which has none if it is a hello or a heartbeat.
    pub(crate) fn find(message: &[u8]) -> Option<Self> {
        let start = message.windows(MARK.len()).position(|window| window == MARK.as_bytes())? + MARK.len();
        let digits = |from: usize, count: usize| std::str::from_utf8(message.get(from..from + count)?).ok();
        let number = digits(start, 10)?.parse().ok()?;
        let nanos = digits(start + 14, 19)?.parse().ok()?;
        Some(Self { number, published: Duration::from_nanos(nanos) })
    }
}

/// The monotonic clock, which is one for all processes of a machine.
pub(crate) fn now() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

const MARK: &str = "seq=";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_found_in_the_text_that_it_begins() {
        let label = Label::now(12);
        let text = label.text(500);
        assert_eq!(text.len(), 500);
        assert_eq!(Label::find(format!("{{\"content\":\"{text}").as_bytes()), Some(label));
        assert_eq!(Label::find(b"{\"renders\":{}}"), None);
    }
}
