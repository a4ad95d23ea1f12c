//! WebSockets on bare sockets, in a task that they share.

use std::time::Duration;

use bytes::Bytes;
use live_core::{ChannelId, Config, Hub, PostId, Render, Start, Update, bus, drive_websocket};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// Longer than anything takes here.
const DEADLINE: Duration = Duration::from_secs(20);

fn channel() -> ChannelId {
    ChannelId::new("blog").unwrap()
}

async fn publish(hub: &Hub, html: &str) {
    let update = Update::new().render(Render::new(PostId::new("1").unwrap(), html));
    hub.publish(&channel(), update, None).await.unwrap();
}

/// The reader's end.
struct Socket(TcpStream);

impl Socket {
    async fn join(hub: &Hub) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let theirs = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (ours, _) = listener.accept().await.unwrap();
        let reader = hub.join(&channel(), Start::Recent, hub.admit(None).unwrap()).await.unwrap();
        drive_websocket(ours, Bytes::new(), reader);
        Self(theirs)
    }

    /// First byte and payload of the next frame, none of which is longer than 65,535 bytes; `None` at the end.
    async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let frame = async {
            let first = self.0.read_u8().await.ok()?;
            let length = match self.0.read_u8().await.unwrap() {
                126 => usize::from(self.0.read_u16().await.unwrap()),
                length => usize::from(length),
            };
            let mut payload = vec![0; length];
            self.0.read_exact(&mut payload).await.unwrap();
            Some((first, payload))
        };
        timeout(DEADLINE, frame).await.expect("nothing comes")
    }
}

const CLOSE: u8 = 0x88;

#[tokio::test]
async fn a_silent_reader_gets_nothing_behind_its_close_frame() {
    let heartbeat = Duration::from_millis(200);
    let config = Config { heartbeat, silence_deadline: 2 * heartbeat, ..Config::default() };
    let hub = Hub::new(bus::from_url("memory:", &config).unwrap(), config).unwrap();
    let mut socket = Socket::join(&hub).await;
    while socket.frame().await.expect("ended without a close frame").0 != CLOSE {}
    publish(&hub, "<p>late</p>").await;
    assert_eq!(socket.frame().await, None);
}

#[tokio::test]
async fn readers_of_one_task_get_each_update_once_and_in_order() {
    let config = Config::default();
    let hub = Hub::new(bus::from_url("memory:", &config).unwrap(), config).unwrap();
    let mut sockets = Vec::new();
    for _ in 0..100 {
        sockets.push(Socket::join(&hub).await);
    }
    for socket in &mut sockets {
        // The hello.
        socket.frame().await.unwrap();
    }
    for number in 0..50 {
        publish(&hub, &format!("<p>{number}</p>")).await;
        for socket in &mut sockets {
            let (_, payload) = socket.frame().await.unwrap();
            assert!(String::from_utf8(payload).unwrap().contains(&format!("<p>{number}</p>")));
        }
    }
}
