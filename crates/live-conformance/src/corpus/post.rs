//! The HTML of a post: what was published, byte for byte, on every transport.

use super::{exchange::Outcome, tables::Post};
use crate::{
    adapter::Routes,
    client::{Join, Request, WebSocket, Wire},
    model::Frame,
    server::{TestServer, channel_id},
};

pub(super) async fn run(server: &TestServer, routes: Routes, post: &Post) -> Outcome {
    let id = &post.id;
    let content = format!("<div data-post-id=\"{id}\">{}</div>", post.html.to_text());
    let mut socket = WebSocket::open(server, "story", None).await;
    assert!(socket.frame().await.is_empty());
    let mut events = match routes {
        Routes::All => Some(RawEvents::open(server).await),
        Routes::WebSocket => None,
    };
    let body = serde_json::json!({"renders": {id: {"content": content}}}).to_string();
    match routes {
        Routes::All => assert_eq!(server.ask(Request::publish("story", body)).await.status, 200),
        Routes::WebSocket => {
            let update = live_core::Update::from_json(body.as_bytes()).unwrap();
            server.hub.publish(&channel_id("story"), update, None).await.unwrap();
        }
    }
    let is_there =
        |frame: &Frame| frame.renders.len() == 1 && frame.renders[0].0 == *id && frame.renders[0].1.content == content;
    let live = socket.frame().await;
    assert!(is_there(&live), "{live:?}");
    if let Some(events) = &mut events {
        let frame = events.frame().await;
        assert!(is_there(&frame) && frame.cursor == live.cursor, "{frame:?}");
    }
    for join in server.joins() {
        let frame = join.first_frame(server, "story", Some("*")).await.unwrap();
        assert!(is_there(&frame), "{join:?}: {frame:?}");
    }
    if routes == Routes::All {
        let frame = Join::LongPoll.first_frame(server, "story", Some(&live.prev.to_string())).await.unwrap();
        assert!(is_there(&frame), "{frame:?}");
    }
    Outcome::default()
}

/// A stream of events, held against the grammar (HTML Living Standard §9.2.5).
struct RawEvents {
    wire: Wire,
    /// Not yet a whole event.
    text: String,
}

impl RawEvents {
    /// A stream that has said hello.
    async fn open(server: &TestServer) -> Self {
        let mut wire = Wire::connect(server).await;
        wire.send(Request::new("GET", "/events/story/").under(server.prefix).to_bytes()).await;
        let response = wire.head().await.unwrap();
        assert_eq!((response.status, response.header("content-type")), (200, Some("text/event-stream")));
        let mut events = Self { wire, text: String::new() };
        assert!(events.frame().await.is_empty());
        events
    }

    async fn frame(&mut self) -> Frame {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let frame = parse(event);
                self.text = rest.to_owned();
                return frame;
            }
            let chunk = self.wire.chunk().await.expect("the stream goes on");
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

/// One event: its id, and its data on one line. No character that a parser could take for the end of a line is within it.
fn parse(event: &str) -> Frame {
    let lines: Vec<&str> = event.split(['\r', '\n']).collect();
    let [id, data] = lines[..] else { panic!("two lines: {event:?}") };
    let frame = Frame::parse(data.strip_prefix("data: ").unwrap_or_else(|| panic!("data: {event:?}")).as_bytes());
    assert_eq!(id.strip_prefix("id: "), Some(frame.cursor.to_string().as_str()), "{event:?}");
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &str = r#"{"renders":{},"removals":[],"cursor":"0123456789abcdef-1","prev":"0123456789abcdef-1"}"#;

    fn is_event(event: &str) -> bool {
        std::panic::catch_unwind(|| parse(event)).is_ok()
    }

    #[test]
    fn an_event_is_an_id_and_one_line_of_data() {
        assert!(is_event(&format!("id: 0123456789abcdef-1\ndata: {FRAME}")));
        for bad in [
            format!("data: {FRAME}"),
            format!("id: 0123456789abcdef-2\ndata: {FRAME}"),
            format!("id: 0123456789abcdef-1\ndata: {FRAME}\nretry: 1"),
            format!("id: 0123456789abcdef-1\ndata: {FRAME}\r"),
            format!("id: 0123456789abcdef-1\nevent: x\ndata: {FRAME}"),
            format!("id: 0123456789abcdef-1\ndata: {}", FRAME.replace(",\"prev", "\n,\"prev")),
        ] {
            assert!(!is_event(&bad), "{bad}");
        }
    }
}
