//! What the suite says of one case, and which case.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail};

/// The worse of the suite's two verdicts on a case: what was answered, and how the connection ended. Better ones come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Ok,
    /// Several answers are right, and the suite only notes which it got.
    Informational,
    /// Right, but later than the suite likes.
    NonStrict,
    /// The suite had to end the TCP connection, which the server should.
    FailedByClient,
    /// TCP ended without the closing handshake.
    Unclean,
    WrongCode,
    Failed,
}

impl Outcome {
    pub(crate) const ALL: [Outcome; 7] = [
        Outcome::Ok,
        Outcome::NonStrict,
        Outcome::Informational,
        Outcome::Failed,
        Outcome::WrongCode,
        Outcome::Unclean,
        Outcome::FailedByClient,
    ];

    /// As the suite writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Outcome::Ok => "OK",
            Outcome::Informational => "INFORMATIONAL",
            Outcome::NonStrict => "NON-STRICT",
            Outcome::FailedByClient => "FAILED BY CLIENT",
            Outcome::Unclean => "UNCLEAN",
            Outcome::WrongCode => "WRONG CODE",
            Outcome::Failed => "FAILED",
        }
    }

    /// Nothing is worse than something that the suite only notes.
    pub(crate) fn is_worse_than(self, stored: Outcome) -> bool {
        self > stored.max(Outcome::Informational)
    }
}

impl FromStr for Outcome {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        // A case that the suite itself does not have counts as none that passed.
        let name = if name == "UNIMPLEMENTED" { "FAILED" } else { name };
        let outcome = Self::ALL.into_iter().find(|outcome| outcome.name() == name);
        outcome.with_context(|| format!("the suite's report says `{name}`, which is not known here"))
    }
}

/// The number of a case, such as `6.4.3`. Ordered by its parts, as the suite runs them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CaseId(Vec<u32>);

impl CaseId {
    /// Whether one of the patterns has it: a number, or the beginning of one followed by `*`.
    pub(crate) fn is_among(&self, patterns: &[String]) -> bool {
        let id = self.to_string();
        patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => id.starts_with(beginning),
            None => id == *pattern,
        })
    }
}

impl FromStr for CaseId {
    type Err = Error;

    fn from_str(id: &str) -> Result<Self> {
        let parts: Result<Vec<u32>, _> = id.split('.').map(str::parse).collect();
        match parts {
            Ok(parts) => Ok(Self(parts)),
            Err(_) => bail!("`{id}` is not the number of a case"),
        }
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_suite_minds_is_worse() {
        assert!(Outcome::NonStrict.is_worse_than(Outcome::Ok));
        assert!(Outcome::Failed.is_worse_than(Outcome::NonStrict));
        assert!(!Outcome::Informational.is_worse_than(Outcome::Ok));
        assert!(!Outcome::NonStrict.is_worse_than(Outcome::NonStrict));
        assert!(!Outcome::Ok.is_worse_than(Outcome::Failed));
    }

    #[test]
    fn every_outcome_is_read_as_it_is_written() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.name().parse::<Outcome>().unwrap(), outcome);
        }
        assert!("PASSED".parse::<Outcome>().is_err());
    }

    #[test]
    fn cases_stand_in_the_order_of_their_numbers() {
        let mut ids: Vec<CaseId> = ["10.1.1", "9.1.10", "9.1.2"].iter().map(|id| id.parse().unwrap()).collect();
        ids.sort();
        assert_eq!(ids.iter().map(CaseId::to_string).collect::<Vec<_>>(), ["9.1.2", "9.1.10", "10.1.1"]);
    }

    #[test]
    fn a_pattern_has_its_section_and_no_other() {
        let id: CaseId = "1.2.3".parse().unwrap();
        let is_among = |pattern: &str| id.is_among(&[pattern.to_owned()]);
        assert!(is_among("1.*") && is_among("1.2.*") && is_among("1.2.3"));
        assert!(!is_among("10.*") && !is_among("1.2") && !is_among("2.*"));
    }
}
