//! Readers who have done nothing, and to whom nothing may happen.

use crate::{
    adapter::Routes,
    client::{EventStream, WebSocket},
    model::{Applied, Reader, Shown},
    server::TestServer,
};

/// Readers of the page, one on each kind of stream that the adapter has.
pub(super) struct Witnesses {
    sockets: Vec<(WebSocket, Reader)>,
    events: Vec<(EventStream, Reader)>,
    routes: Routes,
    /// Readers whom the case let in, and who are to be served like the others.
    added: usize,
}

impl Witnesses {
    pub(super) async fn open(server: &TestServer, routes: Routes) -> Self {
        let mut socket = (WebSocket::open(server, "blog", Some("*")).await, Reader::default());
        assert_eq!(socket.1.apply(&socket.0.frame().await), Applied::Yes);
        let mut events = Vec::new();
        if routes == Routes::All {
            let mut stream = (EventStream::open(server, "blog", Some("*")).await, Reader::default());
            assert_eq!(stream.1.apply(&stream.0.frame().await), Applied::Yes);
            events.push(stream);
        }
        Self { sockets: vec![socket], events, routes, added: 0 }
    }

    /// One more, who has had its first frame.
    pub(super) fn add(&mut self, socket: Option<(WebSocket, Reader)>) {
        self.added += usize::from(socket.is_some());
        self.sockets.extend(socket);
    }

    /// All of them get the next update and show the page, a new one is let in, and nobody else is counted.
    pub(super) async fn are_unaffected(mut self, server: &TestServer) {
        let cursor = server.post("blog", "kept", "after the storm").await;
        let page = Shown::by(server, "blog").await;
        for (socket, reader) in &mut self.sockets {
            while !reader.is_at(&cursor) {
                assert_ne!(reader.apply(&socket.frame().await), Applied::Foreign);
            }
            assert_eq!(reader.shown, page);
        }
        for (stream, reader) in &mut self.events {
            while !reader.is_at(&cursor) {
                assert_ne!(reader.apply(&stream.frame().await), Applied::Foreign);
            }
            assert_eq!(reader.shown, page);
        }
        self.sockets.truncate(self.sockets.len() - self.added);
        let mut late = WebSocket::open(server, "blog", Some("*")).await;
        assert_eq!(late.frame().await.cursor, cursor);
        drop(late);
        if self.routes == Routes::All {
            assert_eq!(server.get("/updates/blog/").await.status, 200);
        }
        server.has_readers(self.sockets.len() + self.events.len()).await;
    }
}
