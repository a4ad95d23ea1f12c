//! Many connections with an empty answer each: what a framework's server itself needs where a reader comes, and where a long poll is answered.

use std::{
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
};

use anyhow::Result;
use socket2::{Domain, Socket, Type};

use crate::{addresses, polls::read_answer};

/// Connects so often, has each connection answered, and prints `answered`; does the same on the same connections for each line of its
/// standard input.
pub(crate) fn run(address: SocketAddr, count: usize, source: Ipv4Addr) -> Result<()> {
    let mut sockets = Vec::new();
    for index in 0..count {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((addresses::of_socket(source, index), 0)).into())?;
        socket.connect(&address.into())?;
        let mut socket = TcpStream::from(socket);
        socket.write_all(REQUEST)?;
        sockets.push(socket);
    }
    read_answers(&mut sockets)?;
    for line in io::stdin().lines() {
        line?;
        sockets.iter_mut().try_for_each(|socket| socket.write_all(REQUEST))?;
        read_answers(&mut sockets)?;
    }
    Ok(())
}

fn read_answers(sockets: &mut [TcpStream]) -> Result<()> {
    let mut buffer = vec![0; 4 << 10];
    sockets.iter_mut().try_for_each(|socket| read_answer(socket, &mut buffer, "GET").map(drop))?;
    println!("answered");
    Ok(())
}

const REQUEST: &[u8] = b"GET /empty HTTP/1.1\r\nHost: localhost\r\n\r\n";
