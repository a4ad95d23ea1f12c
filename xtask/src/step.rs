//! Running the commands of one step: log file, deadline, and the test count that it ends with.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::failures;
use crate::process_group::ProcessGroup;
use crate::tally::Tally;

/// Where and how steps run.
pub(crate) struct Runner {
    pub(crate) root: PathBuf,
    /// Each step writes `NAME.log` here.
    pub(crate) logs: PathBuf,
    /// Set for every command of every step.
    pub(crate) env: Vec<(&'static str, String)>,
    /// For a whole step. A step that hangs would otherwise hide the table of those that did not.
    pub(crate) deadline: Duration,
    pub(crate) output: Output,
}

/// Whether the output of a step is shown while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Into the log only; its end is shown when the step fails.
    Quiet,
    Verbose,
}

/// What became of a step.
pub(crate) struct Finished {
    pub(crate) log: PathBuf,
    pub(crate) tally: Tally,
    /// Why the step failed.
    pub(crate) failure: Option<String>,
}

impl Runner {
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    /// Runs the commands one after the other and stops at the first that fails.
    pub(crate) fn run(&self, name: &str, commands: Vec<Command>) -> Result<Finished> {
        fs::create_dir_all(&self.logs).with_context(|| format!("cannot make {}", self.logs.display()))?;
        let log = self.log(name);
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let deadline = Instant::now() + self.deadline;
        let mut failure = None;
        for command in commands {
            failure = self.run_command(command, &log, &file, deadline)?;
            if failure.is_some() {
                break;
            }
        }
        Ok(Finished { tally: Tally::from_log(&read_lossily(&log)?), log, failure })
    }

    /// Returns why the command failed, if it did.
    fn run_command(
        &self,
        mut command: Command,
        log: &Path,
        mut file: &File,
        deadline: Instant,
    ) -> Result<Option<String>> {
        writeln!(file, "$ {}", shown(&command))?;
        if command.get_current_dir().is_none() {
            command.current_dir(&self.root);
        }
        command
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .env_remove("FORCE_COLOR")
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file.try_clone()?);
        let mut follower = Follower::start(log, self.output)?;
        let mut group = ProcessGroup::spawn(&mut command)?;
        let status = group.wait(deadline, || follower.show_new())?;
        drop(group);
        Ok(self.failure(status))
    }

    fn failure(&self, status: Option<ExitStatus>) -> Option<String> {
        match status {
            Some(status) if status.success() => None,
            Some(status) => Some(status.to_string()),
            None => Some(format!("not finished after {} minutes", self.deadline.as_secs() / 60)),
        }
    }
}

/// Copies what a step appends to its log to the terminal.
enum Follower {
    Off,
    On(File),
}

impl Follower {
    fn start(log: &Path, output: Output) -> Result<Follower> {
        if output == Output::Quiet {
            return Ok(Follower::Off);
        }
        let mut file = File::open(log)?;
        // What earlier commands of the step wrote has been shown; only the command line is new.
        let text = read_rest(&mut file)?;
        if let Some(line) = text.lines().last() {
            println!("{line}");
        }
        Ok(Follower::On(file))
    }

    fn show_new(&mut self) -> Result<()> {
        if let Follower::On(file) = self {
            io::copy(file, &mut io::stdout())?;
        }
        Ok(())
    }
}

/// The last lines of a log, for a step that failed.
pub(crate) fn tail(log: &Path, lines: usize) -> Result<String> {
    let text = read_lossily(log)?;
    let all: Vec<&str> = text.lines().collect();
    let start = all.len().saturating_sub(lines);
    Ok(all[start..].join("\n"))
}

/// What the tests that failed said; none where there is no log.
pub(crate) fn failed_tests(log: &Path) -> Vec<String> {
    read_lossily(log).map_or_else(|_| Vec::new(), |text| failures::failures(&text))
}

/// A command as one would type it.
fn shown(command: &Command) -> String {
    let mut line = String::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = write!(line, "{}={:?} ", name.to_string_lossy(), value);
        }
    }
    line.push_str(&command.get_program().to_string_lossy());
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&arg.to_string_lossy());
    }
    line
}

fn read_lossily(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn read_rest(file: &mut File) -> Result<String> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runner(name: &str) -> Runner {
        let folder = std::env::temp_dir().join(format!("xtask-{}-{name}", std::process::id()));
        Runner {
            root: std::env::temp_dir(),
            logs: folder,
            env: vec![("LIVE_TEST_SIZE", "short".to_owned())],
            deadline: Duration::from_secs(20),
            output: Output::Quiet,
        }
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn run(name: &str, deadline: Duration, scripts: &[&str]) -> (Finished, String) {
        let runner = Runner { deadline, ..runner(name) };
        let commands = scripts.iter().map(|script| shell(script)).collect();
        let finished = runner.run("sample", commands).unwrap();
        let log = tail(&finished.log, 3).unwrap();
        fs::remove_dir_all(&runner.logs).unwrap();
        (finished, log)
    }

    #[test]
    fn a_step_logs_its_output_and_counts_its_tests() {
        let script = "echo $LIVE_TEST_SIZE; echo '# pass 2' >&2";
        let (finished, log) = run("logs", Duration::from_secs(20), &[script]);
        assert_eq!(log, format!("$ sh -c {script}\nshort\n# pass 2"));
        assert_eq!(finished.tally.passed, 2);
        assert_eq!(finished.failure, None);
    }

    #[test]
    fn a_step_stops_at_the_command_that_fails() {
        let scripts = ["exit 3", "echo '# pass 1'"];
        let (finished, _) = run("fails", Duration::from_secs(20), &scripts);
        assert_eq!(finished.failure.as_deref(), Some("exit status: 3"));
        assert_eq!(finished.tally.ran(), 0);
    }

    #[test]
    fn a_step_that_hangs_fails_at_its_deadline() {
        let (finished, _) = run("hangs", Duration::ZERO, &["sleep 60"]);
        assert_eq!(finished.failure.as_deref(), Some("not finished after 0 minutes"));
    }

    #[test]
    fn a_tail_is_the_last_lines() {
        let (_, log) = run("tail", Duration::from_secs(20), &["seq 100"]);
        assert_eq!(log, "98\n99\n100");
    }
}
