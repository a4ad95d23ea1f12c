//! A reader on a bad line: reads so many bytes in a second, whatever waits for it.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use anyhow::{Result, ensure};
use socket2::{Domain, Socket, Type};

use super::Transport;

/// Ends with its standard input.
pub(crate) fn run(address: SocketAddr, prefix: &str, bytes_per_second: usize) -> Result<()> {
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        std::process::exit(0);
    });
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    // Else the kernel would take minutes of updates before the server sees that nobody reads them.
    socket.set_recv_buffer_size(4 << 10)?;
    socket.connect(&address.into())?;
    let mut socket = TcpStream::from(socket);
    socket.write_all(Transport::WebSocket.request(prefix, 0, None).as_bytes())?;
    let mut buffer = vec![0; (bytes_per_second / 10).max(1)];
    ensure!(socket.peek(&mut buffer)? > 0, "the server refused the slow reader");
    println!("connected");
    loop {
        ensure!(socket.read(&mut buffer)? > 0, "the server closed the slow reader");
        thread::sleep(Duration::from_millis(100));
    }
}
