//! Readers that poll at intervals, as the browser client does, until all of them are where they should be.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, ensure};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::watch,
    task::JoinSet,
};

/// What they share.
struct Crowd {
    address: SocketAddr,
    /// With the channel, and without the cursor.
    path: String,
    polls: AtomicU64,
    frames: AtomicU64,
    /// The cursor at which a reader ends, once it is known.
    goal: watch::Receiver<Option<String>>,
}

/// Prints `connected`, reads the cursor at which they end from standard input, and prints what they have asked and got.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(address: SocketAddr, path: &str, count: usize) -> anyhow::Result<()> {
    let (tell, goal) = watch::channel(None);
    let crowd =
        Arc::new(Crowd { address, path: path.to_owned(), polls: AtomicU64::new(0), frames: AtomicU64::new(0), goal });
    let mut readers = JoinSet::new();
    for number in 0..count {
        let socket = connect(address).await?;
        readers.spawn(poll(socket, number, count, Arc::clone(&crowd)));
    }
    println!("connected");
    // Standard input has no end to wait for while the readers are at work.
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = std::io::stdin().read_line(&mut line);
        tell.send_replace(Some(line.trim().to_owned()));
        std::thread::park();
    });
    while let Some(reader) = readers.join_next().await {
        reader??;
    }
    println!("{} polls, {} frames", crowd.polls.load(Ordering::Relaxed), crowd.frames.load(Ordering::Relaxed));
    Ok(())
}

async fn connect(address: SocketAddr) -> anyhow::Result<BufReader<TcpStream>> {
    let socket = TcpStream::connect(address).await.context("connect")?;
    socket.set_nodelay(true)?;
    Ok(BufReader::with_capacity(1024, socket))
}

async fn poll(mut socket: BufReader<TcpStream>, number: usize, count: usize, crowd: Arc<Crowd>) -> anyhow::Result<()> {
    // Pages are not all opened in the same moment.
    tokio::time::sleep(Duration::from_secs(1).mul_f64(number as f64 / count as f64)).await;
    let mut cursor = String::new();
    for polls in 0_usize.. {
        let request = format!("GET {}?cursor={cursor} HTTP/1.1\r\nHost: localhost\r\n\r\n", crowd.path);
        socket.write_all(request.as_bytes()).await?;
        let answer = Answer::read(&mut socket).await?;
        crowd.polls.fetch_add(1, Ordering::Relaxed);
        if let Some(next) = answer.cursor()? {
            crowd.frames.fetch_add(1, Ordering::Relaxed);
            cursor = next.to_owned();
        }
        if crowd.goal.borrow().as_ref() == Some(&cursor) {
            return Ok(());
        }
        if answer.closes {
            socket = connect(crowd.address).await?;
        }
        // Each waits the interval, give or take a tenth.
        let tenths = (number * 7_919 + polls * 104_729) % 1_000;
        tokio::time::sleep(answer.interval.mul_f64(0.9 + 0.2 * tenths as f64 / 1_000.0)).await;
    }
    Ok(())
}

struct Answer {
    status: String,
    interval: Duration,
    closes: bool,
    body: String,
}

impl Answer {
    async fn read(socket: &mut BufReader<TcpStream>) -> anyhow::Result<Self> {
        let mut status = String::new();
        ensure!(socket.read_line(&mut status).await? > 0, "the connection ended");
        let (mut interval, mut length, mut closes) = (None, 0, false);
        loop {
            let mut line = String::new();
            ensure!(socket.read_line(&mut line).await? > 0, "the connection ended");
            let Some((name, value)) = line.trim().split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "live-poll-interval" => interval = Some(Duration::from_millis(value.parse()?)),
                "content-length" => length = value.parse()?,
                "connection" => closes = value == "close",
                _ => {}
            }
        }
        let mut body = vec![0; length];
        socket.read_exact(&mut body).await?;
        let body = String::from_utf8(body)?;
        let interval = interval.with_context(|| format!("{status}{body}"))?;
        Ok(Self { status, interval, closes, body })
    }

    /// The cursor of the frame, if there is one.
    fn cursor(&self) -> anyhow::Result<Option<&str>> {
        if self.status.starts_with("HTTP/1.1 204") {
            return Ok(None);
        }
        ensure!(self.status.starts_with("HTTP/1.1 200"), "{}{}", self.status, self.body);
        // Within a text the quotation marks would be escaped.
        let (_, rest) = self.body.split_once(r#""cursor":""#).context("a frame has a cursor")?;
        Ok(rest.split('"').next())
    }
}
