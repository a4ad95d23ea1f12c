//! A reader who has nothing to do with a case: whatever happens in it, this one is served.

use tokio::{sync::watch, task::JoinHandle};

use crate::{
    client::{WebSocket, within},
    model::{Applied, Reader, Shown},
    server::TestServer,
};

/// A WebSocket on a page of its own, read all the time.
pub(crate) struct Bystander {
    reader: watch::Receiver<Reader>,
    task: JoinHandle<()>,
}

/// The page that it reads.
const CHANNEL: &str = "bystander";

impl Bystander {
    pub(crate) async fn open(server: &TestServer) -> Self {
        let mut socket = WebSocket::open(server, CHANNEL, Some("*")).await;
        let mut reader = Reader::default();
        reader.apply(&socket.frame().await);
        let (tell, told) = watch::channel(reader);
        let task = tokio::spawn(async move {
            loop {
                socket.wire().waits().await;
                // It ends where the server does.
                let Ok(frame) = socket.frame_or_end().await else { return };
                tell.send_modify(|reader| assert_ne!(reader.apply(&frame), Applied::Foreign, "{reader:?} {frame:?}"));
            }
        });
        Self { reader: told, task }
    }

    /// Its page changes, and it shows that change and nothing of any other page.
    pub(crate) async fn ends_well(mut self, server: &TestServer) {
        let cursor = server.post(CHANNEL, "afterwards", "all is well").await;
        let page = Shown::by(server, CHANNEL).await;
        let reader = within("an update for the bystander", self.reader.wait_for(|reader| reader.is_at(&cursor))).await;
        let reader = reader.unwrap_or_else(|_| panic!("the bystander was cut off"));
        // Its page is not whole, so it is told of no places.
        assert_eq!(reader.shown.contents(), page.contents(), "the bystander shows its own page");
        assert_eq!((reader.resets, reader.wants_reload), (0, false), "the bystander was left alone");
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        self.task.abort();
    }
}
