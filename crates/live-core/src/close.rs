//! How a connection ends: one table of close codes for all transports and adapters.

use std::time::Duration;

/// Why a reader's connection is closed, with the code of RFC 6455 §7.4. Of the codes that are ours, 4000 to 4499 mean "reconnect".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// The reader closed.
    Normal,
    /// The server drains; the reader comes back after this delay.
    Draining(Duration),
    /// No progress within the write deadline.
    TooSlow,
    /// Nothing came from the reader, not even a pong.
    Silent,
    /// The reader's admission has ended; it has to ask the site for a new one.
    AdmissionEnded,
    /// A bug in the server.
    Internal,
}

impl Close {
    /// The close code.
    pub fn code(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::Internal => 1011,
            Self::Draining(_) => 1012,
            Self::TooSlow => 4000,
            Self::Silent => 4001,
            Self::AdmissionEnded => 4100,
        }
    }

    /// The reason, at most 123 bytes (RFC 6455 §5.5: a control frame carries 125, the code takes two).
    pub fn reason(self) -> String {
        match self {
            Self::Normal => String::new(),
            Self::Internal => "internal error".to_owned(),
            Self::Draining(delay) => format!("the server restarts; retry in {} ms", delay.as_millis()),
            Self::TooSlow => "no progress within the write deadline".to_owned(),
            Self::Silent => "no answer to pings".to_owned(),
            Self::AdmissionEnded => "admission ended".to_owned(),
        }
    }

    /// Whether the reader should come back.
    pub fn reconnects(self) -> bool {
        self != Self::Normal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_codes_say_by_their_range_whether_to_reconnect() {
        let all = [
            Close::Normal,
            Close::Draining(Duration::from_secs(9)),
            Close::TooSlow,
            Close::Silent,
            Close::AdmissionEnded,
            Close::Internal,
        ];
        for close in all {
            if close.code() >= 4000 {
                assert_eq!(close.reconnects(), close.code() < 4500, "{close:?}");
            }
            assert!(close.reason().len() <= 123);
        }
        assert_eq!(Close::Draining(Duration::from_millis(1500)).reason(), "the server restarts; retry in 1500 ms");
    }
}
