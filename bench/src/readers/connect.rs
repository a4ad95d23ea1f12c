//! How a reader connects: from one of several addresses, and with all that it has to say for now.

use std::{
    io::{self, Write},
    net::SocketAddr,
};

use mio::net::TcpStream;
use socket2::{Domain, Socket, Type};

use super::Crowd;
use crate::addresses;

/// Waits until the kernel has connected, and not for the server's answer.
pub(super) fn connect(crowd: &Crowd, index: usize) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((addresses::of_socket(crowd.source, index), 0)).into())?;
    socket.connect(&crowd.address.into())?;
    socket.set_nonblocking(true)?;
    let mut socket = TcpStream::from_std(socket.into());
    let request = crowd.transport.request(&crowd.prefix, crowd.channel_of(index), crowd.cursor.as_deref());
    socket.write_all(request.as_bytes())?;
    Ok(socket)
}
