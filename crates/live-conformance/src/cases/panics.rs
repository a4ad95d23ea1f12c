//! A panic stays in the connection that it happened in.

use crate::{
    adapter::Adapter,
    case::Case,
    client::{EventStream, Request, WebSocket, Wire},
    server::quick,
};

async fn a_handler_that_panics_takes_nobody_with_it(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    let mut socket = WebSocket::open(&server, "blog", None).await;
    let mut events = EventStream::open(&server, "blog", None).await;
    socket.frame().await;
    events.frame().await;
    for _ in 0..3 {
        let mut wire = Wire::connect(&server).await;
        wire.send(Request::new("GET", "/panic").to_bytes()).await;
        assert!(wire.take_all().await.is_empty(), "its own connection ends");
    }
    let cursor = server.post("blog", "1", "all is well").await;
    assert_eq!(socket.frame().await.cursor, cursor);
    assert_eq!(events.frame().await.cursor, cursor);
    assert_eq!(server.get("/updates/blog/").await.status, 200);
    drop((socket, events));
    server.forgets_its_readers().await;
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![a_handler_that_panics_takes_nobody_with_it,];
