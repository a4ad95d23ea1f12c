//! Readers that connect, and then count the frames they get.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::Context;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
};

use crate::FRAME_BYTES;

struct Counter {
    frames: AtomicUsize,
    readers: usize,
    all: Notify,
}

/// Prints `connected`, and a line for each update that has reached every reader.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(address: SocketAddr, path: &str, count: usize) -> anyhow::Result<()> {
    let counter = Arc::new(Counter { frames: AtomicUsize::new(0), readers: count, all: Notify::new() });
    for _ in 0..count {
        let socket = connect(address, path).await.context("connect")?;
        tokio::spawn(read(socket, Arc::clone(&counter)));
    }
    println!("connected");
    loop {
        counter.all.notified().await;
        println!("all");
    }
}

async fn connect(address: SocketAddr, path: &str) -> anyhow::Result<TcpStream> {
    let mut socket = TcpStream::connect(address).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut response = Vec::new();
    // Byte by byte, so that what follows the header stays in the socket.
    while !response.ends_with(b"\r\n\r\n") {
        response.push(socket.read_u8().await?);
    }
    anyhow::ensure!(response.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&response));
    skip_frame(&mut socket).await?;
    Ok(socket)
}

/// The first frame is a hello, or what was published a moment ago. Counted, it would end the wait for an update that is still on its
/// way, and the server could send two with one `write`.
async fn skip_frame(socket: &mut TcpStream) -> anyhow::Result<()> {
    socket.read_u8().await?;
    // RFC 6455 §5.2: 126 says that the length is in the next two bytes.
    let length = match socket.read_u8().await? {
        126 => usize::from(socket.read_u16().await?),
        length => usize::from(length),
    };
    socket.read_exact(&mut vec![0; length]).await?;
    Ok(())
}

/// Counts bytes, which costs the readers' side little: all updates are equally long.
async fn read(mut socket: TcpStream, counter: Arc<Counter>) -> anyhow::Result<()> {
    let mut buffer = vec![0; 4 * FRAME_BYTES];
    let mut bytes = 0;
    loop {
        let read = socket.read(&mut buffer).await?;
        anyhow::ensure!(read > 0, "the server closed");
        bytes += read;
        while bytes >= FRAME_BYTES {
            bytes -= FRAME_BYTES;
            if (counter.frames.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(counter.readers) {
                counter.all.notify_one();
            }
        }
    }
}
