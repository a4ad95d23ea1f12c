//! How a command fails, and the exit code that tells a script which way it was.

use std::process::ExitCode;

/// A failure with an exit code of its own. Every other error ends with 1.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line is wrong in a way that only shows once it is put together; clap's own code.
    #[error("{0}")]
    Usage(String),
    /// The server understood and said no; asking again does not help.
    #[error("{0}")]
    Refused(String),
    /// The server was not reached, or did not do it, until the deadline.
    #[error("{0}")]
    Unreachable(String),
    /// Something in the input cannot be published; what came before it is.
    #[error("{0}")]
    Input(String),
    /// Ctrl-C; the text says how to go on.
    #[error("{0}")]
    Interrupted(String),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Refused(_) => 3,
            Self::Unreachable(_) => 4,
            Self::Input(_) => 5,
            Self::Interrupted(_) => 130,
        }
    }

    /// The same failure in other words.
    #[must_use]
    pub(crate) fn map(self, text: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Usage(reason) => Self::Usage(text(reason)),
            Self::Refused(reason) => Self::Refused(text(reason)),
            Self::Unreachable(reason) => Self::Unreachable(text(reason)),
            Self::Input(reason) => Self::Input(text(reason)),
            Self::Interrupted(reason) => Self::Interrupted(text(reason)),
        }
    }
}

/// The end of a command: a failure is printed and becomes its exit code.
pub(crate) fn finish(result: anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    match result {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            let Some(code) = error.downcast_ref().map(Failure::code) else { return Err(error) };
            eprintln!("live: {error:#}");
            Ok(ExitCode::from(code))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_fail_has_a_code_of_its_own() {
        let failures: [fn(String) -> Failure; 5] =
            [Failure::Usage, Failure::Refused, Failure::Unreachable, Failure::Input, Failure::Interrupted];
        let codes = failures.map(|failure| failure("why".to_owned()).map(|why| why).code());
        assert_eq!(codes, [2, 3, 4, 5, 130]);
        assert_eq!(Failure::Input("why".to_owned()).map(|why| format!("line 3: {why}")).to_string(), "line 3: why");
    }
}
