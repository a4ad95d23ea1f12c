//! What the system lets and tells us: open files and processor time.

use std::{fs, time::Duration};

use rustix::{
    param::clock_ticks_per_second,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

use super::super::failure::Failure;

/// Makes room for so many open files.
///
/// # Errors
/// [`Failure::Usage`] if the system does not allow for that many.
pub(super) fn allow_open_files(needed: u64) -> Result<(), Failure> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum: limit.maximum });
    if raised.is_ok() && limit.maximum.is_none_or(|maximum| maximum >= needed) {
        return Ok(());
    }
    let most = limit.maximum.unwrap_or_default();
    Err(Failure::Usage(format!(
        "so many readers need {needed} open files, and this process may have {most}. Ask for at most {} readers, or raise the limit \
         first: ulimit -n {needed}",
        most.saturating_sub(SPARE_FILES)
    )))
}

/// Files besides the readers' sockets.
pub(super) const SPARE_FILES: u64 = 64;

/// The processor time that a process has had, in steps of 10 ms; `None` where the system does not say (other than Linux), or there is no
/// such process.
pub(super) fn cpu_time(process: &str) -> Option<Duration> {
    cpu_time_in(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// proc_pid_stat(5): utime and stime are the fields 14 and 15; the name, field 2, may contain anything.
fn cpu_time_in(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let (user, system) = (ticks()?, ticks()?);
    Some(Duration::from_secs_f64((user + system) as f64 / clock_ticks_per_second() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_past_any_name() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 1 0 0 0 30 12 0 0 20 0 1 0 1";
        let seconds = 42.0 / clock_ticks_per_second() as f64;
        assert_eq!(cpu_time_in(stat), Some(Duration::from_secs_f64(seconds)));
        assert_eq!(cpu_time_in("42 (a"), None);
    }

    #[test]
    fn more_files_than_there_can_be_are_refused_with_what_to_do() {
        let error = allow_open_files(u64::MAX - 1).unwrap_err().to_string();
        assert!(error.contains("ulimit -n"), "{error}");
        assert!(allow_open_files(1).is_ok());
    }
}
