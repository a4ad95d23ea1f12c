//! Other servers, by name, in the same run: each from its usual package, installed when it is asked for, with as little of our own
//! around it as makes it do the same.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    keep, machine,
    update::{FRAME_BYTES, Label},
};

pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// What it says its version is.
    pub(crate) version: fn(&Path) -> Result<String>,
    install: fn(&Path) -> Result<()>,
    /// The program that listens on a port.
    command: fn(&Path, u16) -> Result<Command>,
}

pub(crate) const PEERS: &[Peer] = &[
    Peer {
        name: "bun",
        version: |folder| Ok(format!("Bun {}", machine::version(path(&bun(folder))?, "--version")?)),
        install: |folder| {
            fs::write(folder.join("server.js"), include_str!("bun.js"))?;
            let install = ["install", "--no-audit", "--no-fund", "--prefix", path(folder)?, "bun"];
            if bun(folder).exists() { Ok(()) } else { run("npm", &install) }
        },
        command: |folder, port| {
            let mut command = Command::new(bun(folder));
            command.arg(folder.join("server.js")).arg(port.to_string());
            Ok(command)
        },
    },
    Peer {
        name: "nchan",
        version: |_| machine::version("nginx", "-v"),
        install: |_| {
            let is_there = fs::exists("/usr/lib/nginx/modules/ngx_nchan_module.so")?;
            let install = ["install", "--yes", "--no-install-recommends", "nginx", "libnginx-mod-nchan"];
            if is_there { Ok(()) } else { run("apt-get", &install) }
        },
        command: |folder, port| {
            // Beside the readers it opens a few files.
            let files = machine::files_of_a_process().min(1 << 20).saturating_sub(50).to_string();
            let marks = [("{{folder}}", path(folder)?), ("{{files}}", &files), ("{{port}}", &port.to_string())];
            let configuration = include_str!("nchan.conf").to_owned();
            let configuration = marks.iter().fold(configuration, |text, (mark, value)| text.replace(mark, value));
            let file = folder.join("nginx.conf");
            fs::write(&file, configuration)?;
            let mut command = Command::new("nginx");
            command.args(["-p", "/usr/lib/nginx", "-c"]).arg(file);
            Ok(command)
        },
    },
];

/// Prints the id of the server's process, then its address, and publishes as the other servers do.
pub(crate) fn serve(name: &str) -> Result<()> {
    let (peer, folder) = (find(name)?, folder(name)?);
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let mut command = (peer.command)(&folder, port)?;
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().with_context(|| format!("start {name}"))?;
    println!("{}", child.id());
    let kept = keep::Kept::new(child);
    let (address, began) = (SocketAddr::from((Ipv4Addr::LOCALHOST, port)), Instant::now());
    while TcpStream::connect(address).is_err() {
        ensure!(began.elapsed() < Duration::from_secs(10), "{name} does not listen on port {port}");
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut publisher = BufReader::new(TcpStream::connect(address)?);
    // nchan has a last message for whoever comes; its number is no update's.
    post(&mut publisher, "{}")?;
    println!("{address} ");
    for line in std::io::stdin().lock().lines() {
        match line?.as_str() {
            "cursor" => println!("none"),
            number => post(&mut publisher, &Label::now(number.parse()?).text(FRAME_BYTES - 4))?,
        }
    }
    drop(kept);
    Ok(())
}

/// Installs a peer, and says its version.
pub(crate) fn install(name: &str) -> Result<String> {
    let (peer, folder) = (find(name)?, folder(name)?);
    (peer.install)(&folder).with_context(|| format!("install {name}"))?;
    (peer.version)(&folder)
}

/// To the first channel.
fn post(publisher: &mut BufReader<TcpStream>, text: &str) -> Result<()> {
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

fn find(name: &str) -> Result<&'static Peer> {
    let names = || PEERS.iter().map(|peer| peer.name).collect::<Vec<_>>().join(", ");
    PEERS
        .iter()
        .find(|peer| peer.name == name)
        .with_context(|| format!("there is no peer {name}; there are {}", names()))
}

/// Beside this program.
fn folder(name: &str) -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.parent().context("a program without a folder")?.join("peers").join(name);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn bun(folder: &Path) -> PathBuf {
    folder.join("node_modules/.bin/bun")
}

fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status()?;
    ensure!(status.success(), "{program} {}: {status}", arguments.join(" "));
    Ok(())
}

fn path(path: &Path) -> Result<&str> {
    path.to_str().context("a folder with a strange name")
}
