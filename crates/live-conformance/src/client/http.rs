//! HTTP/1.1 as a client writes and reads it (RFC 9112).

use serde_json::Value;

use super::Wire;

/// A request in the making.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    method: String,
    target: String,
    version: &'static str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// A request for a target below the server's prefix.
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            version: "HTTP/1.1",
            headers: vec![("Host".to_owned(), HOST.to_owned())],
            body: Vec::new(),
        }
    }

    /// A WebSocket handshake with the key of RFC 6455 §1.3.
    pub(crate) fn handshake(target: &str) -> Self {
        Self::new("GET", target)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    }

    pub(crate) fn publish(channel: &str, body: impl AsRef<[u8]>) -> Self {
        Self::new("POST", &format!("/publish/{channel}/")).body(body)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(present, _)| !present.eq_ignore_ascii_case(name));
        self
    }

    /// In place of what the header was.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        self.without(name).header(name, value)
    }

    pub(crate) fn version(self, version: &'static str) -> Self {
        Self { version, ..self }
    }

    pub(crate) fn body(self, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref().to_vec();
        Self { body: body.clone(), ..self.with("Content-Length", &body.len().to_string()) }
    }

    pub(crate) fn under(&self, prefix: &str) -> Self {
        Self { target: format!("{prefix}{}", self.target), ..self.clone() }
    }

    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("{} {} {}\r\n{headers}\r\n", self.method, self.target, self.version);
        [head.as_bytes(), &self.body].concat()
    }
}

/// The site that requests are for.
pub(crate) const HOST: &str = "live.example";

/// A response, its body put together.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The header, which must not be there more than once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(present, _)| present.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} is there twice: {:?}", self.headers);
        value
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn has(&self, name: &str, value: &str) -> bool {
        self.header(name).is_some_and(|present| present.eq_ignore_ascii_case(value))
    }
}

impl Wire {
    pub(crate) async fn ask(&mut self, request: Request) -> Response {
        self.send(request.to_bytes()).await;
        self.response(request.method()).await.unwrap_or_else(|| panic!("no response to {request:?}"))
    }

    /// Status and headers; the body is still to come.
    pub(crate) async fn head(&mut self) -> Option<Response> {
        let head = String::from_utf8(self.take_through(b"\r\n\r\n").await?).unwrap();
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap();
        assert!(status_line.starts_with("HTTP/1."), "{status_line}");
        let status = status_line.split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        Some(Response { status, headers, body: Vec::new() })
    }

    /// A whole response (RFC 9112 §6.3), or `None` if the connection ends before.
    pub(crate) async fn response(&mut self, method: &str) -> Option<Response> {
        let mut response = self.head().await?;
        response.body = match response.status {
            100..=199 | 204 | 304 => Vec::new(),
            _ if method == "HEAD" => Vec::new(),
            _ if response.has("transfer-encoding", "chunked") => self.chunks().await?,
            _ => match response.header("content-length") {
                Some(length) => self.take(length.parse().unwrap()).await?,
                None => self.take_all().await,
            },
        };
        Some(response)
    }

    async fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            match self.chunk().await? {
                chunk if chunk.is_empty() => return Some(body),
                chunk => body.extend(chunk),
            }
        }
    }

    /// One chunk (RFC 9112 §7.1), empty at the end of the body; `None` if the connection ends before.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = String::from_utf8(self.take_through(b"\r\n").await?).unwrap();
        let size = usize::from_str_radix(line.trim_end(), 16).unwrap();
        let mut chunk = self.take(size + 2).await?;
        assert_eq!(chunk.split_off(size), b"\r\n");
        Some(chunk)
    }
}
