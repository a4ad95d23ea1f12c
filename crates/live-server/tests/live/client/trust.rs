//! Servers that encrypt, and servers of another kind.

use std::{
    io::{Read, Write},
    net::TcpListener,
};

use live_axum::Transport;

use super::command::{Running, command, run};
use crate::{
    files::{Folder, certificate},
    server::Server,
};

#[test]
fn a_server_with_a_certificate_of_ones_own_is_trusted_once_it_is_named() {
    let folder = Folder::new();
    let (cert, key) = certificate(&folder, "own");
    let server = Server::start(&["--tls-cert", &cert, "--tls-key", &key, "--publish-token", "secret"]);
    let at = |host: &str| format!("https://{host}:{}", server.url.rsplit(':').next().unwrap().trim_end_matches('/'));
    let post = ["publish", "blog", "--id", "1", "--text", "x", "--token", "secret", "--server"];

    let unknown = run(command(&[&post[..], &[&at("localhost")]].concat()), "");
    unknown.ends_with(3).saying("invalid peer certificate").saying("--ca-file");
    for host in ["localhost", "127.0.0.1"] {
        run(command(&[&post[..], &[&at(host), "--ca-file", &cert]].concat()), "").ends_with(0);
    }
    for transport in Transport::ALL {
        let watch = ["watch", "blog", "--once", "--transport", transport.name(), "--server", &at("localhost")];
        run(command(&watch), "").ends_with(3).saying("--ca-file");
        let ran = run(command(&[&watch[..], &["--ca-file", &cert]].concat()), "").ends_with(0);
        assert_eq!(ran.out, "+ 1  x\n", "{transport}");
    }
    run(command(&[&post[..], &[&at("localhost"), "--ca-file", "no-such-file"]].concat()), "").ends_with(2);
}

#[test]
fn a_certificate_that_is_an_authority_itself_is_told_how_to_be_made() {
    let folder = Folder::new();
    let mut wanted = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    wanted.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let private = rcgen::KeyPair::generate().unwrap();
    let cert = folder.write("ca.pem", &wanted.self_signed(&private).unwrap().pem());
    let key = folder.write("ca.key", &private.serialize_pem());
    let server = Server::start(&["--tls-cert", &cert, "--tls-key", &key, "--publish-token", "none"]);
    let url = format!("https://localhost:{}", server.address().rsplit(':').next().unwrap());
    let ran = run(command(&["publish", "blog", "--text", "x", "--server", &url, "--ca-file", &cert]), "").ends_with(3);
    ran.saying("make it with -addext basicConstraints=critical,CA:FALSE");
}

#[test]
fn http_where_there_is_https_and_the_other_way_round_is_told() {
    let folder = Folder::new();
    let (cert, key) = certificate(&folder, "own");
    let encrypted = Server::start(&["--tls-cert", &cert, "--tls-key", &key, "--publish-token", "none"]);
    let plain = Server::start(&["--publish-token", "none"]);
    let (http, https) = (format!("http://{}", encrypted.address()), format!("https://{}", plain.address()));
    run(command(&["publish", "blog", "--text", "x", "--server", &http]), "").ends_with(3).saying("https");
    run(command(&["publish", "blog", "--text", "x", "--server", &https]), "").ends_with(3).saying("is it http://");
    for transport in Transport::ALL {
        let watch = |url| run(command(&["watch", "blog", "--transport", transport.name(), "--server", url]), "");
        watch(&http).ends_with(3).saying("https");
        watch(&https).ends_with(3).saying("is it http://");
    }
}

#[test]
fn an_answer_that_is_no_frame_is_not_taken_for_one() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let _ = socket.read(&mut request);
            let page = "<h1>Please log in</h1>";
            let _ = write!(
                socket,
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n{page}",
                page.len()
            );
        }
    });
    let watch = |transport| Running::start(command(&["watch", "blog", "--transport", transport, "--server", &url]));
    watch("websocket").finish().ends_with(3).saying("no WebSocket");
    watch("sse").finish().ends_with(3).saying("something else than events");
    watch("long-polling").says("what is no frame; trying again");
    let ran = run(command(&["publish", "blog", "--text", "x", "--server", &url]), "").ends_with(3);
    ran.saying("not that of a Live server");
}
