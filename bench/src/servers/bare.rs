//! The limit: what the kernel alone costs, and tokio. No queue, no slow readers, no protocol beyond what readers look at.

use std::{
    io::{self, BufRead, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::runtime::Handle;

use super::Order;
use crate::{
    readers::Transport,
    update::{FRAME_BYTES, Label},
};

/// The sockets of each channel.
type Channels<S> = Arc<Mutex<Vec<Vec<S>>>>;

/// A reader's socket, once it is connected.
trait Socket: Send + Sized + 'static {
    fn new(socket: TcpStream) -> io::Result<Self>;
    fn write_once(&self, bytes: &[u8]) -> io::Result<usize>;
    /// Waits for a request, of which it reads what there is.
    fn await_request(&mut self, buffer: &mut [u8]) -> Result<()>;
}

impl Socket for TcpStream {
    fn new(socket: TcpStream) -> io::Result<Self> {
        Ok(socket)
    }

    fn write_once(&self, bytes: &[u8]) -> io::Result<usize> {
        // write(2) itself; the standard library would call send(2).
        Ok(rustix::io::write(self, bytes)?)
    }

    fn await_request(&mut self, buffer: &mut [u8]) -> Result<()> {
        ensure!(self.read(buffer)? > 0, "a reader has gone");
        Ok(())
    }
}

/// Watched by tokio's driver.
impl Socket for tokio::net::TcpStream {
    fn new(socket: TcpStream) -> io::Result<Self> {
        Self::from_std(socket)
    }

    fn write_once(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(bytes)
    }

    fn await_request(&mut self, _: &mut [u8]) -> Result<()> {
        bail!("requests that wait are for the other loop");
    }
}

/// A loop of `write` calls over the sockets.
pub(crate) fn run(transport: Transport, channels: usize) -> Result<()> {
    serve::<TcpStream>(transport, channels)
}

/// The same over sockets that tokio watches, as it does those of all servers that are written with it.
pub(crate) fn run_on_tokio(transport: Transport, channels: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let _entered = runtime.enter();
    serve::<tokio::net::TcpStream>(transport, channels)
}

fn serve<S: Socket>(transport: Transport, channels: usize) -> Result<()> {
    ensure!(transport != Transport::SocketIo, "Socket.IO is for peers");
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{} ", listener.local_addr()?);
    let sockets: Channels<S> = Arc::new(Mutex::new((0..channels).map(|_| Vec::new()).collect()));
    let (readers, runtime) = (Arc::clone(&sockets), Handle::try_current());
    thread::spawn(move || {
        let _entered = runtime.as_ref().map(Handle::enter);
        listener.incoming().flatten().try_for_each(|socket| accept(transport, socket, &readers))
    });
    for line in std::io::stdin().lock().lines() {
        let Order::Publish { number, to } = line?.parse()? else {
            println!("0-0");
            continue;
        };
        let mut channels = sockets.lock().unwrap_or_else(PoisonError::into_inner);
        for (channel, sockets) in channels.iter_mut().enumerate() {
            if to.is_none_or(|(only, _)| channel == only) {
                publish(transport, super::label(number, to), sockets)?;
            }
        }
    }
    Ok(())
}

fn publish(transport: Transport, label: Label, sockets: &mut [impl Socket]) -> Result<()> {
    let message = message(transport, label);
    for socket in &*sockets {
        ensure!(socket.write_once(&message)? == message.len(), "a reader does not keep up");
    }
    if transport == Transport::LongPolling {
        let mut buffer = [0; 1024];
        sockets.iter_mut().try_for_each(|socket| socket.await_request(&mut buffer))?;
    }
    Ok(())
}

fn accept<S: Socket>(transport: Transport, mut socket: TcpStream, channels: &Channels<S>) -> Result<()> {
    let request = read_request(&mut socket)?;
    let channel = channel(&request).context("a request without a channel")?;
    socket.set_nodelay(true)?;
    let mut channels = channels.lock().unwrap_or_else(PoisonError::into_inner);
    let sockets = channels.get_mut(channel).context("there is no such channel")?;
    // Under the lock: whoever has the answer gets the next update.
    socket.write_all(match transport {
        // Its last two bytes stand for Live's hello, a text frame with nothing in it.
        Transport::WebSocket | Transport::SocketIo => UPGRADED,
        Transport::Events => b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: {}\n\n\r\n",
        Transport::LongPolling => ANSWERED,
    })?;
    if transport == Transport::LongPolling {
        read_request(&mut socket)?;
    } else {
        socket.set_nonblocking(true)?;
    }
    sockets.push(S::new(socket)?);
    Ok(())
}

fn read_request(socket: &mut TcpStream) -> Result<Vec<u8>> {
    let (mut request, mut buffer) = (Vec::new(), [0; 1024]);
    while !request.ends_with(b"\r\n\r\n") {
        let read = socket.read(&mut buffer)?;
        ensure!(read > 0, "a reader has gone");
        request.extend_from_slice(&buffer[..read]);
    }
    Ok(request)
}

/// The path ends with `/CHANNEL/`.
fn channel(request: &[u8]) -> Option<usize> {
    let path = std::str::from_utf8(request).ok()?.split([' ', '?']).nth(1)?;
    path.trim_end_matches('/').rsplit('/').next()?.parse().ok()
}

fn message(transport: Transport, label: Label) -> Vec<u8> {
    let (number, length) = (label.number, FRAME_BYTES - 4);
    match transport {
        Transport::WebSocket | Transport::SocketIo => {
            let header = [0x81, 126, (length >> 8) as u8, length as u8];
            [&header, label.text(length).as_bytes()].concat()
        }
        Transport::Events => {
            let event = format!("data: {}\n\n", label.text(length));
            format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()
        }
        Transport::LongPolling => {
            let body = format!(r#"{{"cursor":"0-{number}","text":"{}"}}"#, label.text(length));
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
        }
    }
}

const UPGRADED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x00";
const ANSWERED: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"cursor\":\"0-0\"}";
