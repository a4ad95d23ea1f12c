//! What is logged, and where.

use std::process::Stdio;

use super::http::get;
use crate::server::{DEADLINE, Killed, Server, lines_of, serve};

#[test]
fn json_lines_say_where_the_server_is_and_nothing_else_is_printed() {
    let mut command = serve();
    command.args(["--admin", "127.0.0.1:0", "--log-format", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Killed(command.spawn().unwrap());
    let (out, log) = (lines_of(child.0.stdout.take().unwrap()), lines_of(child.0.stderr.take().unwrap()));
    let listening = loop {
        let line: serde_json::Value = serde_json::from_str(&log.recv_timeout(DEADLINE).unwrap()).unwrap();
        if line["message"] == "listening" {
            break line;
        }
    };
    assert_eq!(listening["level"], "INFO");
    let url = listening["readers"].as_str().unwrap();
    assert_eq!(get(&format!("{url}/healthz")).status, 200);
    assert!(listening["admin"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    drop(child);
    assert!(out.recv_timeout(DEADLINE).is_err());
}

#[test]
fn the_filter_decides_what_is_logged() {
    let server = Server::start(&["--log", "info,live_core=debug"]);
    let _ =
        super::http::request(&format!("{}/updates/news/", server.url), "GET", &[("Origin", "http://evil.example")], "");
    server.logged("origin not allowed");
}
