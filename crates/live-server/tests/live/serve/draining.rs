//! How a server stops.

use rustix::process::Signal;

use super::{
    http::{connect, get, publish},
    reader::Reader,
};
use crate::{
    files::Folder,
    server::{Server, wait_until},
};

#[test]
fn a_reader_is_told_when_to_come_back_and_then_the_server_ends() {
    for signal in [Signal::TERM, Signal::INT] {
        let server = Server::start(&["--drain-window", "2s"]);
        let mut reader = Reader::join(&server.url, "news");
        server.signal(signal);
        let close = reader.closed();
        assert_eq!(u16::from(close.code), 1012);
        let delay: u64 = close.reason.split_whitespace().rev().nth(1).unwrap().parse().unwrap();
        assert!(close.reason.starts_with("the server restarts; retry in ") && delay <= 2_000, "{close:?}");
        drop(reader);
        assert_eq!(server.ended().code(), Some(0));
    }
}

#[test]
fn before_it_drains_a_load_balancer_may_see_it_and_readers_go_on() {
    let server = Server::start(&["--drain-delay", "1h", "--publish-token", "none"]);
    let mut reader = Reader::join(&server.url, "news");
    server.signal(Signal::TERM);
    wait_until("the server is not ready", || get(&format!("{}/readyz", server.url)).body == "the server stops\n");
    assert_eq!(publish(&server.url, "news", "1", None).status, 200);
    assert!(reader.next().contains("post 1"));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let server = Server::start(&["--drain-delay", "1h"]);
    server.signal(Signal::TERM);
    wait_until("the server is not ready", || get(&format!("{}/readyz", server.url)).status == 503);
    server.signal(Signal::INT);
    assert_eq!(server.ended().code(), Some(1));
}

#[test]
fn a_reader_that_does_not_leave_is_dropped_at_the_deadline() {
    let server = Server::start(&["--drain-deadline", "400ms"]);
    let reader = Reader::join(&server.url, "news");
    let _idle = connect(server.address());
    server.signal(Signal::TERM);
    // It neither answers the close frame nor ends its side.
    server.logged("stopped");
    assert_eq!(server.ended().code(), Some(0));
    drop(reader);
}

#[test]
fn what_was_published_is_there_after_a_restart() {
    let folder = Folder::new();
    let bus = format!("sqlite:{}", folder.path("live.db"));
    let arguments = ["--bus", &bus, "--publish-token", "none"];
    let first = Server::start(&arguments);
    assert_eq!(publish(&first.url, "news", "1", None).status, 200);
    first.signal(Signal::TERM);
    assert_eq!(first.ended().code(), Some(0));
    let second = Server::start(&arguments);
    assert!(get(&format!("{}/updates/news/?cursor=*", second.url)).body.contains("post 1"));
}
