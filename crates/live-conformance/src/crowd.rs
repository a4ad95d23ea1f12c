//! Readers that follow a page by themselves: they stay for a while, leave, and come back with their cursor.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{sync::watch, time::sleep};

use crate::{
    client::{EventStream, Item, Request, WebSocket, Wire},
    model::{Applied, Frame, Reader},
    random::Random,
    server::TestServer,
};

/// The servers that readers may come to; a case exchanges them as it likes.
pub(crate) type Servers = Arc<Mutex<Vec<TestServer>>>;

/// The cursor at which all is over, once it is known.
pub(crate) type End = watch::Receiver<Option<String>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    WebSocket,
    Events,
    LongPoll,
    IntervalPoll,
}

impl Transport {
    pub(crate) const ALL: [Self; 4] = [Self::WebSocket, Self::Events, Self::LongPoll, Self::IntervalPoll];
}

/// How a reader behaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    /// `None`: another one each time.
    pub(crate) transport: Option<Transport>,
    /// Leaves after about so many frames.
    pub(crate) stays: usize,
    /// Rests after each frame for up to so long.
    pub(crate) rests: Duration,
    /// How much its kernel holds for it.
    pub(crate) buffer: Option<u32>,
}

/// Follows the page until the end is reached, and returns what the reader shows then.
pub(crate) async fn follow(
    servers: Servers,
    mut reader: Reader,
    habits: Habits,
    mut random: Random,
    mut end: End,
) -> Reader {
    loop {
        let server = random.pick(&servers.lock().unwrap()).clone();
        let transport = habits.transport.unwrap_or_else(|| *random.pick(&Transport::ALL));
        let Some(mut connection) = Connection::open(&server, transport, &reader, habits.buffer).await else {
            sleep(Duration::from_millis(5)).await;
            continue;
        };
        for _ in 0..=random.below(2 * habits.stays) {
            let got = tokio::select! {
                got = connection.next(&server, &reader) => got,
                _ = end.changed() => Got::End,
            };
            match got {
                Got::Frame(frame) => assert_ne!(reader.apply(&frame), Applied::Foreign, "{reader:?} {frame:?}"),
                Got::Nothing => sleep(Duration::from_millis(5)).await,
                Got::End => break,
            }
            if end.borrow().as_ref().is_some_and(|end| reader.is_at(end)) {
                return reader;
            }
            if !habits.rests.is_zero() {
                sleep(habits.rests.mul_f64(random.below(100) as f64 / 100.0)).await;
            }
        }
        if end.borrow().as_ref().is_some_and(|end| reader.is_at(end)) {
            return reader;
        }
    }
}

enum Connection {
    WebSocket(WebSocket),
    Events(EventStream),
    Poll { wire: Wire, wait: &'static str },
}

enum Got {
    Frame(Frame),
    Nothing,
    /// The connection is over.
    End,
}

impl Connection {
    /// `None` if the server is not there any more.
    async fn open(server: &TestServer, transport: Transport, reader: &Reader, buffer: Option<u32>) -> Option<Self> {
        let mut wire = Wire::try_connect(server.address, buffer).await.ok()?;
        let query = reader.start().map(|cursor| format!("?cursor={cursor}")).unwrap_or_default();
        match transport {
            Transport::WebSocket => {
                let request = Request::handshake(&format!("/ws/channel/blog/{query}"));
                wire.try_send(request.under(server.prefix).to_bytes()).await.ok()?;
                WebSocket::begin(wire).await.map(Self::WebSocket)
            }
            Transport::Events => {
                let request = Request::new("GET", &format!("/events/blog/{query}"));
                wire.try_send(request.under(server.prefix).to_bytes()).await.ok()?;
                EventStream::begin(wire).await.map(Self::Events)
            }
            Transport::LongPoll => Some(Self::Poll { wire, wait: "&wait=1" }),
            Transport::IntervalPoll => Some(Self::Poll { wire, wait: "" }),
        }
    }

    async fn next(&mut self, server: &TestServer, reader: &Reader) -> Got {
        match self {
            Self::WebSocket(socket) => socket.frame_or_end().await.map_or(Got::End, Got::Frame),
            Self::Events(events) => match events.next().await {
                Some(Item::Event { data, name, .. }) if name == "message" => Got::Frame(Frame::parse(data.as_bytes())),
                _ => Got::End,
            },
            Self::Poll { wire, wait } => {
                let cursor = reader.start().unwrap_or_else(|| "*".to_owned());
                let request = Request::new("GET", &format!("/updates/blog/?cursor={cursor}{wait}"));
                if wire.try_send(request.under(server.prefix).to_bytes()).await.is_err() {
                    return Got::End;
                }
                match wire.response("GET").await {
                    Some(response) if response.status == 200 => Got::Frame(Frame::parse(&response.body)),
                    Some(response) if response.status == 204 => Got::Nothing,
                    // The server drains, or is gone.
                    Some(response) if response.status == 503 => Got::End,
                    None => Got::End,
                    Some(response) => panic!("{response:?}"),
                }
            }
        }
    }
}
