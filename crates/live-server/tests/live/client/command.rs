//! A command, run to its end or followed as it goes.

use std::{
    io::{Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::Instant,
};

use crate::server::{DEADLINE, lines_of, live};

/// `live` with these arguments, and whatever the environment of the tests says left out.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = live();
    command.args(arguments);
    command
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The exit code, after what was expected of it.
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Says so on standard error.
    pub(crate) fn saying(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text:?} is not in {self:?}");
        self
    }
}

/// Runs a command to its end, with this on standard input.
pub(crate) fn run(command: Command, input: &str) -> Ran {
    let mut running = Running::start(command);
    // A command that ends early does not read all of it.
    let _ = running.input.take().unwrap().write_all(input.as_bytes());
    running.finish()
}

/// A command that runs. It is killed when dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) input: Option<ChildStdin>,
    out: Receiver<String>,
    err: Receiver<String>,
}

impl Running {
    pub(crate) fn start(command: Command) -> Self {
        Self::with(command, lines_of)
    }

    /// Its standard output is a pipe that is closed after the first line, as by `head -1`.
    pub(crate) fn start_for_one_line(command: Command) -> Self {
        Self::with(command, |mut out| {
            let (tx, line) = channel();
            std::thread::spawn(move || {
                let (mut read, mut byte) = (Vec::new(), [0]);
                while out.read(&mut byte).unwrap_or(0) == 1 && byte != *b"\n" {
                    read.push(byte[0]);
                }
                drop(out);
                let _ = tx.send(String::from_utf8(read).unwrap());
            });
            line
        })
    }

    fn with(mut command: Command, read: impl FnOnce(ChildStdout) -> Receiver<String>) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let out = read(child.stdout.take().unwrap());
        let err = lines_of(child.stderr.take().unwrap());
        Self { input: child.stdin.take(), child, out, err }
    }

    /// The next line of standard output.
    pub(crate) fn line(&self) -> String {
        match self.out.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(error) => panic!("no line: {error}; on standard error: {:?}", self.err.try_iter().collect::<Vec<_>>()),
        }
    }

    /// Waits until standard error has a line with this in it, and returns that line.
    pub(crate) fn says(&self, text: &str) -> String {
        let until = Instant::now() + DEADLINE;
        loop {
            let line = self.err.recv_timeout(until.saturating_duration_since(Instant::now()));
            let line = line.unwrap_or_else(|error| panic!("nobody says {text:?}: {error}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    pub(crate) fn write(&mut self, text: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        input.flush().unwrap();
    }

    /// As Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }

    /// Waits for the end; what has not been read of its output is in the result.
    pub(crate) fn finish(mut self) -> Ran {
        drop(self.input.take());
        let [out, err] = [&self.out, &self.err].map(|lines| {
            let until = Instant::now() + DEADLINE;
            let mut text = String::new();
            loop {
                match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                    Ok(line) => text.extend([line.as_str(), "\n"]),
                    Err(RecvTimeoutError::Disconnected) => return text,
                    Err(RecvTimeoutError::Timeout) => panic!("the command does not end; so far: {text}"),
                }
            }
        });
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        Ran { code, out, err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
