//! A command with all that it starts, so that a test run leaves nothing behind.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// A running command in a process group of its own. Dropping it ends whatever is left of the group.
///
/// It does not reach a process that leaves the group (a browser does; it ends when its driver does).
pub(crate) struct ProcessGroup {
    child: Child,
    /// A shell that waits for its standard input to close and then ends the group. The pipe closes
    /// however xtask ends, even by an interrupt from the keyboard or a SIGKILL, which no handler sees.
    keeper: Child,
}

impl ProcessGroup {
    pub(crate) fn spawn(command: &mut Command) -> Result<ProcessGroup> {
        let mut child = command.process_group(0).spawn().with_context(|| {
            let program = command.get_program().to_string_lossy();
            format!("cannot start `{program}`; is it installed and in PATH?")
        })?;
        match spawn_keeper(child.id()) {
            Ok(keeper) => Ok(ProcessGroup { child, keeper }),
            Err(error) => {
                // Best effort: without a keeper the command must not go on alone.
                child.kill().ok();
                child.wait().ok();
                Err(error)
            }
        }
    }

    /// Waits for the command, calling `tick` now and then. `None` means that the deadline came first.
    pub(crate) fn wait(
        &mut self,
        deadline: Instant,
        mut tick: impl FnMut() -> Result<()>,
    ) -> Result<Option<ExitStatus>> {
        loop {
            let status = self.child.try_wait()?;
            tick()?;
            if status.is_some() || Instant::now() >= deadline {
                return Ok(status);
            }
            thread::sleep(TICK);
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        while let Ok(None) = self.keeper.try_wait() {
            // A child that nobody waits for is still a member of the group, which the keeper sees.
            self.child.try_wait().ok();
            thread::sleep(TICK);
        }
        // Nothing to do unless the keeper itself was ended from outside.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn spawn_keeper(group: u32) -> Result<Child> {
    Command::new("sh")
        .args(["-c", KEEPER, "keeper", &group.to_string()])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start `sh`")
}

const TICK: Duration = Duration::from_millis(50);

/// Asks the group to end, gives it three seconds, then ends it. `kill -s`, because dash, Debian's `sh`,
/// takes no `--` after the short form of a signal.
const KEEPER: &str = r#"
read -r _
kill -s TERM -- "-$1" || exit 0
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    sleep 0.2
    kill -s 0 -- "-$1" || exit 0
done
kill -s KILL -- "-$1"
"#;

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::io::Read;

    /// Starts `script`, waits until it has printed a process id, and returns both.
    fn start(script: &str) -> (ProcessGroup, u32) {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(writer);
        let group = ProcessGroup::spawn(&mut command).unwrap();
        let mut line = Vec::new();
        let mut byte = [0];
        while reader.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
            line.push(byte[0]);
        }
        (group, String::from_utf8(line).unwrap().parse().unwrap())
    }

    /// A zombie has ended, though nobody has waited for it. Its state follows the name in brackets;
    /// the command line would not do, for it is empty for a moment while a process starts, too.
    fn is_running(process: u32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    }

    #[test]
    fn a_deadline_ends_the_command_and_what_it_started() {
        let (mut group, grandchild) = start("sleep 60 & echo $!; wait");
        assert!(is_running(grandchild));
        let status = group.wait(Instant::now(), || Ok(())).unwrap();
        assert!(status.is_none());
        drop(group);
        assert!(!is_running(grandchild));
    }

    #[test]
    fn a_process_that_outlives_its_command_is_ended() {
        let (mut group, grandchild) = start("sleep 60 & echo $!");
        let deadline = Instant::now() + Duration::from_secs(20);
        let status = group.wait(deadline, || Ok(())).unwrap();
        assert!(status.unwrap().success());
        assert!(is_running(grandchild));
        drop(group);
        assert!(!is_running(grandchild));
    }

    #[test]
    fn a_group_that_ignores_the_request_is_ended_all_the_same() {
        let (group, child) = start("trap '' TERM; echo $$; while true; do sleep 0.1; done");
        drop(group);
        assert!(!is_running(child));
    }
}
