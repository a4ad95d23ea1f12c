//! A request, and its answer to the end.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use crate::server::DEADLINE;

/// An answer, with its head in lower case.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }
}

/// `url` is `http://HOST:PORT/PATH`.
pub(crate) fn get(url: &str) -> Answer {
    request(url, "GET", &[], "")
}

pub(crate) fn request(url: &str, method: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').map_or((rest, "/".to_owned()), |(host, path)| (host, format!("/{path}")));
    let stream = connect(host);
    let host = headers.iter().find(|(name, _)| *name == "Host").map_or(host, |(_, host)| *host);
    exchange(stream, host, method, &path, headers, body)
}

/// A connection that gives up at the deadline.
pub(crate) fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// Sends one request on a stream, and reads to its end.
pub(crate) fn exchange(
    mut stream: impl Read + Write,
    host: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let headers = headers.iter().filter(|(name, _)| *name != "Host");
    let headers: String = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    stream.flush().unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    Answer::parse(&answer)
}

/// Publishes a post to a server that is open, or with this token.
pub(crate) fn publish(base: &str, channel: &str, id: &str, token: Option<&str>) -> Answer {
    let content = format!("<p data-post-id=\\\"{id}\\\">post {id}</p>");
    let body =
        format!("{{\"renders\": {{\"{id}\": {{\"show\": true, \"content\": \"{content}\"}}}}, \"removals\": []}}");
    let authorization = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = authorization.iter().map(|value| ("Authorization", value.as_str())).collect();
    request(&format!("{base}/publish/{channel}/"), "POST", &headers, &body)
}
