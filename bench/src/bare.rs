//! The limit: what the kernel alone costs. No queue, no slow readers, no protocol beyond the handshake.

use std::{
    io::{BufRead, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use crate::FRAME_BYTES;

pub(crate) fn run() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{} /", listener.local_addr()?);
    let sockets = Arc::new(Mutex::new(Vec::new()));
    thread::spawn({
        let sockets = Arc::clone(&sockets);
        move || listener.incoming().flatten().try_for_each(|socket| accept(socket, &sockets))
    });
    let frame = frame();
    for line in std::io::stdin().lock().lines() {
        line?;
        for socket in sockets.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // write(2) itself; the standard library would call send(2).
            let written = rustix::io::write(socket, &frame)?;
            anyhow::ensure!(written == frame.len(), "a reader does not keep up");
        }
    }
    Ok(())
}

fn accept(mut socket: TcpStream, sockets: &Mutex<Vec<TcpStream>>) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        match socket.read(&mut buffer)? {
            0 => return Ok(()),
            read => request.extend_from_slice(&buffer[..read]),
        }
    }
    socket.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")?;
    // In the place of Live's hello: a text frame with nothing in it.
    socket.write_all(&[0x81, 0])?;
    socket.set_nodelay(true)?;
    socket.set_nonblocking(true)?;
    sockets.lock().unwrap_or_else(PoisonError::into_inner).push(socket);
    Ok(())
}

fn frame() -> Vec<u8> {
    let length = FRAME_BYTES - 4;
    let header = [0x81, 126, (length >> 8) as u8, length as u8];
    [&header[..], &vec![b'x'; length]].concat()
}
