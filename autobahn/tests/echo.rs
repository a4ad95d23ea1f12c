//! The echo servers without the suite: one conversation with each.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tungstenite::{
    Error, Message, WebSocket,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

/// The server of one adapter, ended when dropped.
struct Echo {
    process: Child,
    url: String,
}

impl Echo {
    fn start(adapter: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_live-echo"))
            .args(["--adapter", adapter])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { process, url: url.trim().to_owned() }
    }

    fn connect(&self) -> WebSocket<TcpStream> {
        let address = self.url.trim_start_matches("ws://").split('/').next().unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        tungstenite::client(&self.url, stream).unwrap().0
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Long enough for a loaded machine; nothing here waits for it when all is well.
const DEADLINE: Duration = Duration::from_secs(30);

fn converses_and_closes(adapter: &str) {
    let echo = Echo::start(adapter);
    let mut socket = echo.connect();
    let long = Message::binary(vec![7; 1 << 20]);
    let close = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
    for message in [Message::text("grüße"), long.clone(), Message::Ping("still?".into()), Message::text("")] {
        socket.send(message.clone()).unwrap();
        let answer = socket.read().unwrap();
        match message {
            Message::Ping(payload) => assert_eq!(answer, Message::Pong(payload)),
            message => assert!(answer == message, "{adapter}: {message:?} came back as {answer:?}"),
        }
    }
    socket.close(Some(close.clone())).unwrap();
    assert_eq!(socket.read().unwrap(), Message::Close(Some(close)));
    // RFC 6455 §7.1.1: the server closes TCP first, at once; this reads its end.
    assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
}

#[test]
fn the_server_on_axum_sends_back_what_it_is_sent_and_nothing_else() {
    converses_and_closes("axum");
}

#[test]
fn the_server_on_warp_sends_back_what_it_is_sent_and_nothing_else() {
    converses_and_closes("warp");
}

#[test]
fn the_server_on_tungstenite_sends_back_what_it_is_sent_and_nothing_else() {
    converses_and_closes("tungstenite");
}

#[test]
fn the_server_on_actix_sends_back_what_it_is_sent_and_nothing_else() {
    converses_and_closes("actix");
}

#[test]
fn the_server_on_actix_lean_sends_back_what_it_is_sent_and_nothing_else() {
    converses_and_closes("actix-lean");
}
