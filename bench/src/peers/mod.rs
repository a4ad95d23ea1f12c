//! Other servers, by name, in the same run: each from its usual package, installed when it is asked for, with as little of our own
//! around it as makes it do the same.

mod install;
mod serve;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use self::install::{PROFILE_FOLDER, build, locked_version, npm_package, path, run, venv};
pub(crate) use self::serve::serve;
use crate::machine;

pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// Transports of Live's that it has as well, each with what its readers speak.
    transports: &'static [(&'static str, &'static str)],
    publishing: Publishing,
    /// What it says its version is.
    version: fn(&Path) -> Result<String>,
    install: fn(&Path) -> Result<()>,
    /// The program that listens on a port.
    command: fn(&Path, u16) -> Result<Command>,
}

impl Peer {
    /// What readers speak where Live's have this transport; nothing if it has none like it.
    pub(crate) fn speaks(&self, transport: &str) -> Option<&'static str> {
        self.transports.iter().find(|(of_live, _)| *of_live == transport).map(|(_, own)| *own)
    }
}

const WEBSOCKET: (&str, &str) = ("websocket", "websocket");

/// How it gets an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Publishing {
    /// As the body of a `POST` to `/publish/CHANNEL`.
    Post,
    /// As a line of JSON on its standard input.
    Line,
}

const PEERS: &[Peer] = &[
    Peer {
        name: "bun",
        transports: &[WEBSOCKET],
        publishing: Publishing::Post,
        version: |folder| Ok(format!("Bun {}", machine::version(path(&bun(folder))?, &["--version"])?)),
        install: |folder| {
            fs::write(folder.join("server.js"), include_str!("bun.js"))?;
            npm_package(folder, "bun", &bun(folder))
        },
        command: |folder, port| {
            let mut command = Command::new(bun(folder));
            command.arg(folder.join("server.js")).arg(port.to_string());
            Ok(command)
        },
    },
    Peer {
        name: "nchan",
        transports: &[WEBSOCKET, ("events", "events"), ("long-polling", "long-polling")],
        publishing: Publishing::Post,
        version: |_| Ok(machine::version("nginx", &["-v"])?.replace("nginx version: ", "nchan on ")),
        install: |_| {
            let is_there = fs::exists("/usr/lib/nginx/modules/ngx_nchan_module.so")?;
            let install = ["install", "--yes", "--no-install-recommends", "nginx", "libnginx-mod-nchan"];
            if is_there { Ok(()) } else { run("apt-get", &install) }
        },
        command: nchan,
    },
    Peer {
        name: "starlette",
        transports: &[WEBSOCKET],
        publishing: Publishing::Line,
        version: |folder| python_version(folder, &["starlette", "uvicorn", "uvloop"]),
        install: |folder| {
            fs::write(folder.join("server.py"), include_str!("starlette.py"))?;
            venv(folder, &["starlette", "uvicorn[standard]"])
        },
        command: python,
    },
    Peer {
        name: "websockets",
        transports: &[WEBSOCKET],
        publishing: Publishing::Line,
        version: |folder| python_version(folder, &["websockets"]),
        install: |folder| {
            fs::write(folder.join("server.py"), include_str!("websockets.py"))?;
            venv(folder, &["websockets"])
        },
        command: python,
    },
    Peer {
        name: "naive-axum",
        transports: &[WEBSOCKET],
        publishing: Publishing::Post,
        version: |folder| {
            let axum = locked_version(folder, "axum")?;
            Ok(format!("axum {axum} with its own WebSocket (tungstenite {})", locked_version(folder, "tungstenite")?))
        },
        install: |folder| {
            fs::write(folder.join("Cargo.toml"), include_str!("naive-axum/Cargo.toml"))?;
            fs::write(folder.join("Cargo.lock"), include_str!("naive-axum/Cargo.lock"))?;
            fs::write(folder.join("main.rs"), include_str!("naive-axum/main.rs"))?;
            build(folder)
        },
        command: |folder, port| built(folder, "naive-axum", port),
    },
    Peer {
        name: "socketioxide",
        transports: &[("websocket", "socketio")],
        publishing: Publishing::Post,
        version: |folder| Ok(format!("socketioxide {}", locked_version(folder, "socketioxide")?)),
        install: |folder| {
            fs::write(folder.join("Cargo.toml"), include_str!("socketioxide/Cargo.toml"))?;
            fs::write(folder.join("Cargo.lock"), include_str!("socketioxide/Cargo.lock"))?;
            fs::write(folder.join("main.rs"), include_str!("socketioxide/main.rs"))?;
            build(folder)
        },
        command: |folder, port| built(folder, "socketioxide-peer", port),
    },
];

/// Installs a peer, and says its version.
pub(crate) fn install(name: &str) -> Result<String> {
    let (peer, folder) = (named(name)?, folder(name)?);
    (peer.install)(&folder).with_context(|| format!("install {name}"))?;
    (peer.version)(&folder)
}

pub(crate) fn find(name: &str) -> Option<&'static Peer> {
    PEERS.iter().find(|peer| peer.name == name)
}

fn named(name: &str) -> Result<&'static Peer> {
    let names = || PEERS.iter().map(|peer| peer.name).collect::<Vec<_>>().join(", ");
    find(name).with_context(|| format!("there is no peer {name}; there are {}", names()))
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

fn nchan(folder: &Path, port: u16) -> Result<Command> {
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
}

fn python(folder: &Path, port: u16) -> Result<Command> {
    let mut command = Command::new(folder.join("venv/bin/python"));
    command.arg(folder.join("server.py")).arg(port.to_string());
    Ok(command)
}

fn python_version(folder: &Path, packages: &[&str]) -> Result<String> {
    let python = folder.join("venv/bin/python");
    let ask = "import sys, importlib.metadata as m; print(*(f'{name} {m.version(name)},' for name in sys.argv[1:]), \
               'Python', sys.version.split()[0])";
    machine::version(path(&python)?, &[&["-c", ask], packages].concat())
}

fn built(folder: &Path, program: &str, port: u16) -> Result<Command> {
    let mut command = Command::new(folder.join("target").join(PROFILE_FOLDER).join(program));
    command.arg(port.to_string());
    Ok(command)
}
