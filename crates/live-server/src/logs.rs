//! Log lines, on standard error.

use std::io;

use tracing_subscriber::{EnvFilter, fmt};

use crate::settings::LogFormat;

/// Whether the text is a filter, such as `info,live_core=debug`.
///
/// # Errors
/// A sentence that says what is wrong.
pub(crate) fn check_filter(text: &str) -> Result<(), String> {
    let wanted = |error: &dyn std::fmt::Display| {
        format!(
            "{text:?} is not a filter ({error}); write error, warn, info, debug or trace, or parts such as info,live_core=debug"
        )
    };
    // A part without a level would be taken for the name of a part, and mean everything of it.
    if let Some(word) = text.split(',').map(str::trim).find(|part| !part.contains('=') && !LEVELS.contains(part)) {
        return Err(wanted(&format!("{word:?} is no level")));
    }
    EnvFilter::builder().parse(text).map(drop).map_err(|error| wanted(&error))
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Writes log lines from now on; once per process.
pub(crate) fn start(filter: &str, format: LogFormat) {
    let filter = EnvFilter::new(filter);
    let lines = fmt().with_env_filter(filter).with_writer(io::stderr);
    match format {
        LogFormat::Text => lines.with_ansi(false).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_level_or_levels_by_part() {
        for good in ["info", "warn,live_core=debug", "off", "info,hyper=trace"] {
            assert_eq!(check_filter(good), Ok(()), "{good}");
        }
        for bad in ["loud", "info,live_core=loud", "", "live_core", "info, hyper=trace"] {
            assert!(check_filter(bad).is_err(), "{bad:?}");
        }
    }
}
