//! Requests without a pause, on a few connections that stay open: what an interval poll costs when very many readers poll.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

/// Sends the same request over and over for so many seconds, and prints how many were answered and the status of the last one.
pub(crate) fn run(address: SocketAddr, seconds: f64, method: &str, path: &str) -> Result<()> {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let connect = |_| {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        Ok(socket)
    };
    let mut sockets = (0..CONNECTIONS).map(connect).collect::<std::io::Result<Vec<_>>>()?;
    println!("connected");
    let (mut answered, mut status, mut buffer) = (0, 0, vec![0; 16 << 10]);
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    while Instant::now() < end {
        for socket in &mut sockets {
            socket.write_all(request.as_bytes())?;
        }
        for socket in &mut sockets {
            status = read_answer(socket, &mut buffer, method)?;
            answered += 1;
        }
    }
    println!("{answered} {status}");
    Ok(())
}

/// Returns its status.
pub(crate) fn read_answer(socket: &mut TcpStream, buffer: &mut [u8], method: &str) -> Result<u16> {
    let mut filled = 0;
    loop {
        let read = socket.read(&mut buffer[filled..])?;
        ensure!(read > 0, "the server closed, or its answer is too long");
        filled += read;
        let answer = &buffer[..filled];
        let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let header = std::str::from_utf8(&answer[..end])?;
        let length = header.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        let body = if method == "HEAD" { 0 } else { length.unwrap_or(0) };
        if filled >= end + 4 + body {
            return Ok(header.split(' ').nth(1).unwrap_or_default().parse()?);
        }
    }
}

/// As many as a server answers in a batch; what is measured is not the way there and back.
const CONNECTIONS: usize = 64;
