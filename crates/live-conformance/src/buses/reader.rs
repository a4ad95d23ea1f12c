//! A reader of a hub, by a WebSocket without a network.

use live_core::{Hub, Start, page::Page, serve_websocket};
use tokio::io::{AsyncReadExt as _, DuplexStream};

use super::store::Node;
use crate::{
    client::within,
    model::{Applied, Frame, Post, Reader, Shown},
    server::channel_id,
};

/// Who has the page open on one node, and insists that its version never falls.
pub(crate) struct HubReader {
    socket: DuplexStream,
    hub: Hub,
    page: String,
    pub(crate) reader: Reader,
}

impl HubReader {
    /// Opens the page as the node has it.
    pub(crate) async fn open(hub: &Hub, page: &str) -> Self {
        let (cursor, shown) = html(hub, page).await;
        let reader = Reader::of_html(&cursor, shown);
        Self { socket: connect(hub, page, &reader).await, hub: hub.clone(), page: page.to_owned(), reader }
    }

    /// Reads until the page is as this node's bus has it.
    pub(crate) async fn settles(&mut self, node: &Node) {
        within("the page as it is", async {
            while !self.is_settled(node).await {
                self.next().await;
            }
        })
        .await;
    }

    /// The page itself is read when the reader is at its head: for each of a thousand frames on the way that would take minutes.
    async fn is_settled(&self, node: &Node) -> bool {
        if !self.reader.is_at(&node.head(&self.page).await.to_string()) {
            return false;
        }
        let stored = node.page(&self.page).await;
        self.reader.is_at(&stored.cursor().to_string()) && self.reader.shown.contents() == shown(&stored).contents()
    }

    /// Takes one frame, and does what a browser does with it.
    async fn next(&mut self) {
        let frame = self.frame().await;
        let before = self.reader.cursor.clone();
        let applied = self.reader.apply(&frame);
        if let (Some(before), Some(now)) = (before, &self.reader.cursor) {
            assert!(before.epoch != now.epoch || before.version <= now.version, "{now} after {before}");
        }
        if self.reader.wants_reload {
            let (cursor, shown) = html(&self.hub, &self.page).await;
            self.reader.reload(&cursor, shown);
            self.socket = connect(&self.hub, &self.page, &self.reader).await;
        } else if applied == Applied::Foreign {
            self.socket = connect(&self.hub, &self.page, &self.reader).await;
        }
    }

    async fn frame(&mut self) -> Frame {
        loop {
            let (opcode, payload) = within("a frame", self.message()).await;
            match opcode {
                1 => return Frame::parse(&payload),
                9 => {}
                other => panic!("opcode {other}: {payload:?}"),
            }
        }
    }

    /// One unfragmented, unmasked message (RFC 6455 §5.2).
    async fn message(&mut self) -> (u8, Vec<u8>) {
        let first = self.socket.read_u8().await.expect("the connection ended");
        let length = match self.socket.read_u8().await.unwrap() {
            126 => u64::from(self.socket.read_u16().await.unwrap()),
            127 => self.socket.read_u64().await.unwrap(),
            length => u64::from(length),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.socket.read_exact(&mut payload).await.unwrap();
        (first & 0xf, payload)
    }
}

async fn connect(hub: &Hub, page: &str, reader: &Reader) -> DuplexStream {
    let joined = within("a reader", async {
        loop {
            let permit = hub.admit(None).unwrap();
            match hub.join(&channel_id(page), Start::parse(reader.start().as_deref()), permit).await {
                Ok(joined) => return joined,
                // As a browser does while it gets 503.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            }
        }
    });
    let joined = joined.await;
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    tokio::spawn(serve_websocket(theirs, Default::default(), joined));
    ours
}

/// What the site renders: the cursor first, and then the posts.
async fn html(hub: &Hub, page: &str) -> (String, Shown) {
    within("the page", async {
        loop {
            if let Ok(cursor) = hub.cursor(&channel_id(page)).await
                && let Ok(page) = hub.page(&channel_id(page)).await
            {
                return (cursor.to_string(), shown(&page));
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
}

fn shown(page: &Page) -> Shown {
    let post = |post: live_core::page::Post<'_>| {
        let (show, content) = (post.html().is_some(), post.content().into_owned());
        (post.id.to_string(), Post { show, content, sort: Some(post.sort().number()) })
    };
    Shown { posts: page.posts().map(post).collect() }
}
