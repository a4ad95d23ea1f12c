//! TLS by files.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    sync::Arc,
};

use rustix::process::Signal;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

use super::{
    http::{Answer, connect, exchange},
    reader::Reader,
};
use crate::{
    files::{Folder, certificate},
    server::{Server, wait_until},
};

type Secure = StreamOwned<ClientConnection, TcpStream>;

/// A connection that trusts this certificate and no other.
fn secure(server: &Server, cert: &str) -> Secure {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(cert).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), connect(server.address()))
}

fn start(folder: &Folder, more: &[&str]) -> (Server, String) {
    let (cert, key) = certificate(folder, "a");
    let server = Server::start(&[&["--tls-cert", &cert, "--tls-key", &key], more].concat());
    assert!(server.url.starts_with("https://"), "{}", server.url);
    (server, cert)
}

fn send(server: &Server, cert: &str, method: &str, path: &str, body: &str) -> Answer {
    exchange(secure(server, cert), server.address(), method, path, &[], body)
}

/// What the server sends to its end, which may be an alert or a reset.
fn to_end(stream: &mut impl Read) -> Vec<u8> {
    let mut sent = Vec::new();
    match stream.read_to_end(&mut sent) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => panic!("it does not end"),
        _ => sent,
    }
}

/// Larger than all buffers on the way together, so that writes block and go on.
fn large_update() -> String {
    let html = "x".repeat(250 << 10);
    let post = |id| format!("\"{id}\": {{\"content\": \"<p data-post-id=\\\"{id}\\\">{html}</p>\"}}");
    let posts: Vec<_> = (0..24).map(post).collect();
    format!("{{\"renders\": {{{}}}, \"removals\": [\"end\"]}}", posts.join(","))
}

#[test]
fn readers_come_by_https_and_wss() {
    let folder = Folder::new();
    // No heartbeat pushes out what got stuck.
    let patient = ["--heartbeat", "1h", "--silence-deadline", "2h"];
    let (server, cert) = start(&folder, &[&["--publish-token", "none"][..], &patient].concat());
    assert_eq!(send(&server, &cert, "GET", "/healthz", "").body, "alive\n");
    let url = format!("wss://{}/ws/channel/news/?cursor=*", server.address());
    let (mut reader, _) = Reader::try_over(secure(&server, &cert), &url).unwrap();
    reader.next();
    for _ in 0..2 {
        assert_eq!(send(&server, &cert, "POST", "/publish/news/", &large_update()).status, 200);
        assert!(reader.next().contains("\"23\":{"));
    }
    server.signal(Signal::TERM);
    assert_eq!(u16::from(reader.closed().code), 1012);
    drop(reader);
    assert_eq!(server.ended().code(), Some(0));
}

#[test]
fn who_does_not_speak_tls_is_not_served() {
    let folder = Folder::new();
    let (server, _) = start(&folder, &[]);
    let mut plain = connect(server.address());
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert!(!to_end(&mut plain).starts_with(b"HTTP"));
}

#[test]
fn a_handshake_that_does_not_come_is_not_waited_for() {
    let folder = Folder::new();
    let (server, cert) = start(&folder, &["--header-timeout", "100ms"]);
    let mut silent = connect(server.address());
    assert!(to_end(&mut silent).is_empty());
    // The header has its own time, after the handshake.
    let mut stream = secure(&server, &cert);
    stream.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
    assert!(!to_end(&mut stream).starts_with(b"HTTP/1.1 200"));
}

#[test]
fn a_server_that_stops_does_not_wait_for_a_handshake_that_does_not_come() {
    let folder = Folder::new();
    let (server, cert) = start(&folder, &["--header-timeout", "1h", "--drain-deadline", "1h"]);
    let silent = connect(server.address());
    // Connections are accepted in their order: this one's answer says that the silent one is in.
    assert_eq!(send(&server, &cert, "GET", "/healthz", "").status, 200);
    server.signal(Signal::TERM);
    assert_eq!(server.ended().code(), Some(0));
    drop(silent);
}

#[test]
fn a_new_certificate_is_taken_without_a_restart_and_a_bad_one_is_not() {
    let folder = Folder::new();
    let (server, old) = start(&folder, &[]);
    let (new, key) = certificate(&folder, "b");
    let trusts = |cert: &str| {
        let mut stream = secure(&server, cert);
        stream.conn.complete_io(&mut stream.sock).is_ok()
    };
    let old_trusted = folder.write("old.pem", &fs::read_to_string(&old).unwrap());
    assert!(trusts(&old_trusted) && !trusts(&new));
    fs::copy(&new, &old).unwrap();
    server.signal(Signal::HUP);
    server.logged("the certificate stays as it was");
    assert!(trusts(&old_trusted));
    fs::copy(&key, folder.path("a.key")).unwrap();
    server.signal(Signal::HUP);
    wait_until("the new certificate is used", || trusts(&new));
    assert!(!trusts(&old_trusted));
}
