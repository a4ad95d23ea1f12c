//! A private redis-server on a port of its own, and a plain client for it. Tests that need Redis start one and fail where they cannot.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher as _, Hasher as _},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A redis-server that keeps nothing, unless its options say otherwise. It ends with this value.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    arguments: Vec<String>,
    folder: PathBuf,
    process: Child,
}

/// No wait is longer.
const DEADLINE: Duration = Duration::from_secs(20);
/// Somebody else may take the port between its choice and the start.
const STARTS: usize = 5;

impl RedisServer {
    /// Starts a server.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with more of its options, `["--requirepass", "secret"]` for example.
    pub fn start_with(arguments: &[&str]) -> Self {
        let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let folder = new_folder();
        for _ in 0..STARTS {
            let port = free_port();
            if let Some(process) = spawn(port, &arguments, &folder) {
                return Self { port, arguments, folder, process };
            }
        }
        panic!("redis-server does not start; its log is in {}", folder.display());
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of the bus on it.
    pub fn url(&self) -> String {
        format!("redis+pubsub://127.0.0.1:{}/1", self.port)
    }

    /// Ends the server at once, as `kill -9` does.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Ends the server at once, and removes what it may have written to its disk.
    pub fn wipe(&mut self) {
        self.kill();
        std::fs::remove_dir_all(&self.folder).unwrap();
        std::fs::create_dir(&self.folder).unwrap();
    }

    /// Starts it again on its port, with what is on its disk: nothing, unless its options say otherwise.
    pub fn restart(&mut self) {
        self.kill();
        let began = Instant::now();
        while began.elapsed() < DEADLINE {
            if let Some(process) = spawn(self.port, &self.arguments, &self.folder) {
                self.process = process;
                return;
            }
        }
        panic!("redis-server does not start again; its log is in {}", self.folder.display());
    }

    /// Stops the process, as a machine that hangs: connections stay, nobody answers. It goes on when the value is dropped.
    pub fn freeze(&self) -> Frozen {
        self.signal("STOP");
        Frozen { process: self.process.id() }
    }

    /// Lets Redis answer nobody for a while.
    pub fn pause(&self, time: Duration) {
        let milliseconds = time.as_millis().to_string();
        assert_eq!(self.client().command(&[b"CLIENT", b"PAUSE", milliseconds.as_bytes(), b"ALL"]), Reply::ok());
    }

    /// Closes the connections of all who are subscribed to something, and returns how many there were.
    pub fn kill_subscribers(&self) -> i64 {
        self.client().command(&[b"CLIENT", b"KILL", b"TYPE", b"pubsub"]).number()
    }

    /// Closes all connections, but for the one that says so.
    pub fn kill_connections(&self) {
        self.client().command(&[b"CLIENT", b"KILL", b"SKIPME", b"yes"]).number();
    }

    /// How many connections are subscribed to a channel of Redis.
    pub fn subscribers(&self, channel: &str) -> i64 {
        let Reply::Many(replies) = self.client().command(&[b"PUBSUB", b"NUMSUB", channel.as_bytes()]) else {
            panic!("not a list")
        };
        replies[1].number()
    }

    /// Publishes these bytes to a channel of Redis, and returns how many connections got them.
    pub fn publish(&self, channel: &str, message: &[u8]) -> i64 {
        self.client().publish(channel, message)
    }

    /// A connection of its own.
    pub fn client(&self) -> RedisClient {
        RedisClient::connect(self.port).unwrap()
    }

    /// A connection to whatever speaks Redis' protocol on this port of loopback, a sentinel for example.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn client_of(port: u16) -> std::io::Result<RedisClient> {
        RedisClient::connect(port)
    }

    fn signal(&self, signal: &str) {
        send(signal, self.process.id());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A server that hangs.
#[derive(Debug)]
pub struct Frozen {
    process: u32,
}

impl Drop for Frozen {
    fn drop(&mut self) {
        send("CONT", self.process);
    }
}

fn send(signal: &str, process: u32) {
    // The shell's own `kill`: the program is not on every system.
    let status = Command::new("sh").args(["-c", &format!("kill -{signal} {process}")]).status().unwrap();
    assert!(status.success(), "kill -{signal}");
}

/// Below those that the system gives to whoever asks for any, so that nobody else has it while the server is away.
pub(crate) fn free_port() -> u16 {
    loop {
        let random = RandomState::new().build_hasher().finish();
        let port = 20_000 + u16::try_from(random % 12_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn new_folder() -> PathBuf {
    static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("live-redis-{}-{number}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// `None` if it ends again, because the port is taken for example.
fn spawn(port: u16, arguments: &[String], folder: &Path) -> Option<Child> {
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.arg("--dir").arg(folder).arg("--logfile").arg(folder.join("redis.log")).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = command.spawn().expect("redis-server is not installed");
    let began = Instant::now();
    while began.elapsed() < DEADLINE {
        if process.try_wait().unwrap().is_some() {
            return None;
        }
        if RedisClient::connect(port).is_ok_and(|mut client| client.is_answered()) {
            return Some(process);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = process.kill();
    let _ = process.wait();
    None
}

/// What Redis answers (RESP2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A status, `OK` for example.
    Status(String),
    /// An error.
    Error(String),
    /// A number.
    Number(i64),
    /// Bytes, or nothing.
    Bytes(Option<Vec<u8>>),
    /// A list.
    Many(Vec<Reply>),
}

impl Reply {
    fn ok() -> Self {
        Self::Status("OK".to_owned())
    }

    /// The number that it is.
    pub fn number(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            other => panic!("not a number: {other:?}"),
        }
    }

    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Bytes(Some(bytes)) => bytes,
            other => panic!("not bytes: {other:?}"),
        }
    }
}

/// A connection to Redis that shares no code with Live.
#[derive(Debug)]
pub struct RedisClient {
    stream: BufReader<TcpStream>,
}

impl RedisClient {
    fn connect(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Whether the server is up; one that wants a password first is, too.
    fn is_answered(&mut self) -> bool {
        matches!(self.try_command(&[b"PING"]), Ok(Reply::Status(_) | Reply::Error(_)))
    }

    /// Sends one command and returns its answer.
    pub fn command(&mut self, parts: &[&[u8]]) -> Reply {
        self.try_command(parts).unwrap()
    }

    /// Publishes these bytes to a channel of Redis, and returns how many connections got them.
    pub fn publish(&mut self, channel: &str, message: &[u8]) -> i64 {
        self.command(&[b"PUBLISH", channel.as_bytes(), message]).number()
    }

    /// Publishes many messages without waiting in between, so that they come to whoever is subscribed as one burst.
    pub fn publish_all(&mut self, channel: &str, messages: &[Vec<u8>]) {
        let commands = messages.iter().map(|message| encode(&[b"PUBLISH", channel.as_bytes(), message]));
        self.stream.get_mut().write_all(&commands.collect::<Vec<_>>().concat()).unwrap();
        for _ in messages {
            self.read().unwrap().number();
        }
    }

    /// Subscribes to a channel of Redis; what is published to it comes by [`next_message`](Self::next_message).
    pub fn subscribe(&mut self, channel: &str) {
        let Reply::Many(_) = self.command(&[b"SUBSCRIBE", channel.as_bytes()]) else { panic!("not subscribed") };
    }

    /// The next message to a channel that this connection is subscribed to.
    pub fn next_message(&mut self) -> Vec<u8> {
        let Reply::Many(parts) = self.read().unwrap() else { panic!("not a message") };
        let [kind, _, message] = <[Reply; 3]>::try_from(parts).unwrap();
        assert_eq!(kind.bytes(), b"message");
        message.bytes()
    }

    fn try_command(&mut self, parts: &[&[u8]]) -> std::io::Result<Reply> {
        self.stream.get_mut().write_all(&encode(parts))?;
        self.read()
    }

    fn read(&mut self) -> std::io::Result<Reply> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let Some(rest) = line.strip_suffix("\r\n").filter(|line| !line.is_empty()) else {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        };
        let (kind, rest) = rest.split_at(1);
        let number = || rest.parse::<i64>().map_err(|_| std::io::Error::from(std::io::ErrorKind::InvalidData));
        Ok(match kind {
            "+" => Reply::Status(rest.to_owned()),
            "-" => Reply::Error(rest.to_owned()),
            ":" => Reply::Number(number()?),
            "$" => match usize::try_from(number()?) {
                Ok(length) => {
                    let mut bytes = vec![0; length + 2];
                    self.stream.read_exact(&mut bytes)?;
                    bytes.truncate(length);
                    Reply::Bytes(Some(bytes))
                }
                Err(_) => Reply::Bytes(None),
            },
            "*" => Reply::Many((0..number()?).map(|_| self.read()).collect::<std::io::Result<_>>()?),
            _ => return Err(std::io::ErrorKind::InvalidData.into()),
        })
    }
}

fn encode(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", parts.len()).into_bytes();
    for part in parts {
        bytes.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        bytes.extend_from_slice(part);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}
