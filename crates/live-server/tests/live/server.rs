//! A `live serve` of one's own.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything here takes; what takes longer hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A process that is killed when dropped.
pub(crate) struct Killed(pub(crate) Child);

/// A running server.
pub(crate) struct Server {
    child: Killed,
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
    /// Further lines of its standard output.
    lines: Receiver<String>,
    log: Receiver<String>,
}

impl Server {
    /// `live serve` on a free port of loopback with these arguments besides; without a status page unless they say so.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = serve();
        if !arguments.contains(&"--admin") {
            command.args(["--admin", "none"]);
        }
        command.args(arguments);
        Self::spawn(command)
    }

    /// Runs a command that is a `live serve`, and waits until it listens.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = Killed(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        let lines = lines_of(child.0.stdout.take().unwrap());
        let log = lines_of(child.0.stderr.take().unwrap());
        let line = lines
            .recv_timeout(DEADLINE)
            .unwrap_or_else(|_| panic!("not started: {:?}", log.iter().collect::<Vec<_>>()));
        let url = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("unexpected line {line:?}")).to_owned();
        Self { child, url, lines, log }
    }

    /// The next line of its standard output.
    pub(crate) fn next_line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).unwrap()
    }

    /// The address of its status page.
    pub(crate) fn admin_url(&self) -> String {
        let line = self.next_line();
        let url = line.strip_prefix("status page on ").unwrap_or_else(|| panic!("unexpected line {line:?}"));
        url.trim_end_matches('/').to_owned()
    }

    /// `127.0.0.1:PORT`
    pub(crate) fn address(&self) -> &str {
        let (_, rest) = self.url.split_once("://").unwrap();
        rest.split('/').next().unwrap()
    }

    /// The next log line with this text in it.
    pub(crate) fn logged(&self, text: &str) -> String {
        let until = Instant::now() + DEADLINE;
        loop {
            let line = self.log.recv_timeout(until.saturating_duration_since(Instant::now()));
            let line = line.unwrap_or_else(|_| panic!("{text:?} was not logged"));
            if line.contains(text) {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child.0), signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the server ends", || {
            status = self.child.0.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `live serve` on a free port of loopback.
pub(crate) fn serve() -> Command {
    let mut command = live();
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    command
}

/// The binary, without what the environment of the tests says to it.
pub(crate) fn live() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_live"));
    let ours = |name: &str| name.starts_with("LIVE_") || name.starts_with("WAGTAIL_LIVE_");
    for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end: its exit code, standard output and standard error.
pub(crate) fn ran(mut command: Command) -> (i32, String, String) {
    let mut child = Killed(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let (out, err) = (lines_of(child.0.stdout.take().unwrap()), lines_of(child.0.stderr.take().unwrap()));
    let mut status = None;
    wait_until("the command ends", || {
        status = child.0.try_wait().unwrap();
        status.is_some()
    });
    let text = |lines: Receiver<String>| lines.iter().map(|line| line + "\n").collect();
    (status.and_then(|status| status.code()).unwrap(), text(out), text(err))
}

/// The lines of a stream as they come; the channel ends with it.
pub(crate) fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (tx, rx) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // Nobody may be listening; the stream is drained all the same, so that its writer does not block.
            let _ = tx.send(line);
        }
    });
    rx
}

/// Waits for what another process does.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < until, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
