//! The nodes: processes of their own, each on a port that it keeps.

use std::{
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use live_conformance::crowd::{Place, Transport};

/// A node that is ended with its value.
pub(crate) struct Node {
    adapter: &'static str,
    address: SocketAddr,
    bus: String,
    process: Mutex<Option<Child>>,
}

const DEADLINE: Duration = Duration::from_secs(20);

impl Node {
    pub(crate) fn start(adapter: &'static str, bus: &str) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let node = Self { adapter, address, bus: bus.to_owned(), process: Mutex::new(None) };
        node.restart();
        node
    }

    pub(crate) fn place(&self) -> Place {
        let (prefix, transports): (_, &[Transport]) = match self.adapter {
            "tungstenite" => ("", &[Transport::WebSocket]),
            _ => ("/live", &Transport::ALL),
        };
        Place { address: self.address, prefix, transports }
    }

    /// Ends it at once.
    pub(crate) fn kill(&self) {
        if let Some(mut process) = self.process.lock().unwrap().take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Starts it on its port. A connection that somebody else has from there may be in the way for a moment.
    pub(crate) fn restart(&self) {
        self.kill();
        let began = Instant::now();
        while began.elapsed() < DEADLINE {
            if let Some(process) = self.try_start() {
                *self.process.lock().unwrap() = Some(process);
                return;
            }
        }
        panic!("{} does not listen on {}", self.adapter, self.address);
    }

    fn try_start(&self) -> Option<Child> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_live-node"))
            .args([self.adapter, &self.bus, &self.address.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line.starts_with("listening") && TcpStream::connect(self.address).is_ok() {
            return Some(process);
        }
        let _ = process.kill();
        let _ = process.wait();
        None
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
