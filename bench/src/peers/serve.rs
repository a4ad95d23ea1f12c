//! A peer that serves, and is told what to publish as the other servers are.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{ChildStdin, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use super::Publishing;
use crate::{
    keep,
    update::{FRAME_BYTES, Label},
};

/// Prints the id of the server's process, then its address, and publishes as the other servers do.
pub(crate) fn serve(name: &str) -> Result<()> {
    let (peer, folder) = (super::named(name)?, super::folder(name)?);
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let mut command = (peer.command)(&folder, port)?;
    let input = if peer.publishing == Publishing::Line { Stdio::piped() } else { Stdio::null() };
    let mut child = command.stdin(input).stdout(Stdio::null()).spawn().with_context(|| format!("start {name}"))?;
    println!("{}", child.id());
    let input = child.stdin.take();
    let kept = keep::Kept::new(child);
    let (address, began) = (SocketAddr::from((Ipv4Addr::LOCALHOST, port)), Instant::now());
    while TcpStream::connect(address).is_err() {
        ensure!(began.elapsed() < Duration::from_secs(10), "{name} does not listen on port {port}");
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut publisher = match input {
        Some(input) => Publisher::Line(input),
        None => Publisher::Post(address),
    };
    publisher.begin()?;
    println!("{address} ");
    for line in std::io::stdin().lock().lines() {
        match line?.as_str() {
            "cursor" => println!("none"),
            number => publisher.publish(Label::now(number.parse()?))?,
        }
    }
    drop(kept);
    Ok(())
}

/// What goes to the first channel goes this way. Each post has a connection of its own, as they close one that is idle for some seconds.
enum Publisher {
    Post(SocketAddr),
    Line(ChildStdin),
}

impl Publisher {
    /// nchan has a last message for whoever comes; its number is no update's.
    fn begin(&mut self) -> Result<()> {
        if let Self::Post(address) = self { post(*address, "{}") } else { Ok(()) }
    }

    fn publish(&mut self, label: Label) -> Result<()> {
        let payload = FRAME_BYTES - 4;
        match self {
            Self::Post(address) => post(*address, &label.text(payload)),
            Self::Line(input) => {
                // As Wagtail Live has it.
                let [before, after] = [r#"{"renders":{"1":{"show":true,"content":""#, r#""}},"removals":[]}"#];
                let text = label.text(payload - before.len() - after.len());
                Ok(input.write_all(format!("{before}{text}{after}\n").as_bytes())?)
            }
        }
    }
}

fn post(address: SocketAddr, text: &str) -> Result<()> {
    let mut publisher = BufReader::new(TcpStream::connect(address)?);
    let header = format!("POST /publish/0 HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", text.len());
    publisher.get_mut().write_all((header + text).as_bytes())?;
    let (mut line, mut status, mut length) = (String::new(), String::new(), 0);
    while line != "\r\n" {
        line.clear();
        ensure!(publisher.read_line(&mut line)? > 0, "the peer closed the publisher's connection");
        if status.is_empty() {
            status.clone_from(&line);
        }
        let lower = line.to_ascii_lowercase();
        length = lower.strip_prefix("content-length:").map_or(Ok(length), |value| value.trim().parse())?;
    }
    ensure!(status.starts_with("HTTP/1.1 20"), "the peer answers a publish with {status}");
    publisher.read_exact(&mut vec![0; length])?;
    Ok(())
}
