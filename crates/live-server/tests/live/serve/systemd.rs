//! Sockets from systemd, and what it is told. A shell stands in for it.

use std::{
    net::TcpListener,
    os::{fd::OwnedFd, unix::net::UnixDatagram},
    process::{Command, Stdio},
};

use rustix::process::Signal;

use super::http::get;
use crate::{
    files::{Folder, certificate},
    server::{DEADLINE, Server, ran, serve},
};

/// `live serve`, started by a shell that has a socket at descriptor 3, as systemd does.
fn activated(listener: &TcpListener, environment: &str, arguments: &str) -> Server {
    let script = format!(
        "exec 3<&0 </dev/null; export LISTEN_PID=$$ LISTEN_FDS=1 {environment}; exec '{}' serve {arguments}",
        env!("CARGO_BIN_EXE_live")
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).stdin(Stdio::from(OwnedFd::from(listener.try_clone().unwrap())));
    Server::spawn(command)
}

#[test]
fn a_socket_from_systemd_takes_the_place_of_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // The address of the settings is taken, which does not matter.
    let server = activated(&listener, "", &format!("--admin none --listen {address}"));
    assert_eq!(server.url, format!("http://{address}"));
    assert_eq!(get(&format!("{}/healthz", server.url)).body, "alive\n");
}

#[test]
fn a_socket_named_admin_is_the_status_page() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = activated(&listener, "LISTEN_FDNAMES=admin", "--listen 127.0.0.1:0");
    assert_eq!(server.admin_url(), format!("http://{address}"));
    assert_eq!(get(&format!("http://{address}/metrics")).status, 200);
}

#[test]
fn publishing_without_a_token_is_refused_on_a_public_socket_from_systemd() {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let script = format!(
        "exec 3<&0 </dev/null; export LISTEN_PID=$$ LISTEN_FDS=1; exec '{}' serve --publish-token none",
        env!("CARGO_BIN_EXE_live")
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).stdin(Stdio::from(OwnedFd::from(listener)));
    let (code, _, error) = ran(command);
    assert!(code == 1 && error.contains("or give a token"), "{error}");
}

#[test]
fn systemd_is_told_when_the_server_is_ready_reloads_and_stops() {
    let folder = Folder::new();
    let (cert, key) = certificate(&folder, "a");
    let path = folder.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let told = || {
        let mut buffer = [0; 1024];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let mut command = serve();
    command.args(["--admin", "none", "--tls-cert", &cert, "--tls-key", &key]).env("NOTIFY_SOCKET", &path);
    let server = Server::spawn(command);
    assert!(told().starts_with("READY=1\n"));
    server.signal(Signal::HUP);
    let reloading = told();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert!(told().starts_with("READY=1\n"));
    server.signal(Signal::TERM);
    assert!(told().starts_with("STOPPING=1\n"));
    assert_eq!(server.ended().code(), Some(0));
}
