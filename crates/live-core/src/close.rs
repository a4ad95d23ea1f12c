//! How a connection ends: one table of close codes for all transports and adapters.

use std::time::Duration;

/// Why a reader's connection is closed, with the code of RFC 6455 §7.4. Of the codes that are ours, 4000 to 4499 mean "reconnect".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// The server drains; the reader comes back after this delay.
    Draining(Duration),
    /// No progress within the write deadline.
    TooSlow,
    /// Nothing came from the reader, not even a pong.
    Silent,
    /// The reader's admission has ended; it has to ask the site for a new one.
    AdmissionEnded,
}

impl Close {
    /// The close code.
    pub fn code(self) -> u16 {
        match self {
            Self::Draining(_) => 1012,
            Self::TooSlow => 4000,
            Self::Silent => 4001,
            Self::AdmissionEnded => 4100,
        }
    }

    /// The reason, at most 123 bytes (RFC 6455 §5.5: a control frame carries 125, the code takes two).
    pub fn reason(self) -> String {
        match self {
            Self::Draining(delay) => format!("the server restarts; retry in {} ms", delay.as_millis()),
            Self::TooSlow => "no progress within the write deadline".to_owned(),
            Self::Silent => "no answer to pings".to_owned(),
            Self::AdmissionEnded => "admission ended".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_codes_are_in_the_range_that_means_reconnect_and_reasons_fit() {
        for close in [Close::Draining(Duration::MAX), Close::TooSlow, Close::Silent, Close::AdmissionEnded] {
            assert!(close.code() < 4500, "{close:?}");
            assert!(close.reason().len() <= 123);
        }
        assert_eq!(Close::Draining(Duration::from_millis(1500)).reason(), "the server restarts; retry in 1500 ms");
    }
}
