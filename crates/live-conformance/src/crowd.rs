//! Readers that follow a page by themselves: they stay for a while, leave, and come back with their cursor, to any server.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{sync::watch, task::JoinHandle, time::sleep};

use crate::{
    client::{EventStream, Item, Request, WebSocket, Wire},
    model::{Applied, Frame, Post, Reader, Shown},
    random::Random,
    server::TestServer,
};

/// The servers that readers may come to; a case exchanges them as it likes.
pub(crate) type Servers = Arc<Mutex<Vec<TestServer>>>;

/// Where a server is, and on what it serves readers.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub address: SocketAddr,
    /// Where the routes are mounted.
    pub prefix: &'static str,
    pub transports: &'static [Transport],
}

/// Where readers may come to.
pub(crate) trait Places: Send + Sync + 'static {
    fn pick(&self, random: &mut Random) -> Place;
}

impl Places for Mutex<Vec<TestServer>> {
    fn pick(&self, random: &mut Random) -> Place {
        let server = random.pick(&self.lock().unwrap()).clone();
        Place { address: server.address, prefix: server.prefix, transports: &Transport::ALL }
    }
}

impl Places for Vec<Place> {
    fn pick(&self, random: &mut Random) -> Place {
        *random.pick(self)
    }
}

/// When a reader has seen it all.
#[derive(Debug, Clone)]
pub(crate) enum Goal {
    /// At this cursor.
    At(String),
    /// As soon as these are the posts, with their content: where cursors differ from node to node.
    Showing(Arc<BTreeMap<String, String>>),
}

impl Goal {
    fn is_reached(&self, reader: &Reader) -> bool {
        match self {
            Self::At(cursor) => reader.is_at(cursor),
            Self::Showing(posts) => {
                let shown = reader.shown.posts.iter().map(|(id, post)| (id, &post.content));
                shown.eq(posts.iter())
            }
        }
    }
}

/// When all is over, once it is known.
pub(crate) type End = watch::Receiver<Option<Goal>>;

/// How a reader is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    WebSocket,
    Events,
    LongPoll,
    IntervalPoll,
}

impl Transport {
    pub const ALL: [Self; 4] = [Self::WebSocket, Self::Events, Self::LongPoll, Self::IntervalPoll];
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
    places: Arc<impl Places>,
    mut reader: Reader,
    habits: Habits,
    mut random: Random,
    mut end: End,
) -> Reader {
    loop {
        let place = places.pick(&mut random);
        let kept = habits.transport.filter(|transport| place.transports.contains(transport));
        let transport = kept.unwrap_or_else(|| *random.pick(place.transports));
        let Some(mut connection) = Connection::open(place, transport, &reader, habits.buffer).await else {
            sleep(Duration::from_millis(5)).await;
            continue;
        };
        for _ in 0..=random.below(2 * habits.stays) {
            let got = tokio::select! {
                got = connection.next(place, &reader) => got,
                _ = end.changed() => Got::End,
            };
            match got {
                Got::Frame(frame) => assert_ne!(reader.apply(&frame), Applied::Foreign, "{reader:?} {frame:?}"),
                Got::Nothing => sleep(Duration::from_millis(5)).await,
                Got::End => break,
            }
            if end.borrow().as_ref().is_some_and(|end| end.is_reached(&reader)) {
                return reader;
            }
            if !habits.rests.is_zero() {
                sleep(habits.rests.mul_f64(random.below(100) as f64 / 100.0)).await;
            }
        }
        if end.borrow().as_ref().is_some_and(|end| end.is_reached(&reader)) {
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
    async fn open(server: Place, transport: Transport, reader: &Reader, buffer: Option<u32>) -> Option<Self> {
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

    async fn next(&mut self, server: Place, reader: &Reader) -> Got {
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
                    Some(response) if response.status == 503 => {
                        sleep(Duration::from_millis(20)).await;
                        Got::End
                    }
                    None => Got::End,
                    Some(response) => panic!("{response:?}"),
                }
            }
        }
    }
}

/// Readers of the page `blog`, half of whom keep to a transport, on servers that come and go.
pub struct Crowd {
    readers: Vec<JoinHandle<Reader>>,
    tell: watch::Sender<Option<Goal>>,
}

/// What a reader shows in the end.
#[derive(Debug)]
pub struct CrowdReader {
    /// Post id to content.
    pub posts: BTreeMap<String, String>,
    /// How often it had to begin anew.
    pub resets: usize,
    /// Whether it was told to fetch the page's HTML.
    pub wants_reload: bool,
}

impl Crowd {
    /// Readers whose HTML shows `posts` and has this cursor.
    pub fn begin(
        readers: usize,
        places: Vec<Place>,
        cursor: &str,
        posts: &BTreeMap<String, String>,
        seed: u64,
    ) -> Self {
        let post = |content: &String| Post { show: true, content: content.clone(), sort: None };
        let shown = Shown { posts: posts.iter().map(|(id, content)| (id.clone(), post(content))).collect() };
        let html = Reader::of_html(cursor, shown);
        let (places, mut random) = (Arc::new(places), Random::new(seed));
        let (tell, end) = watch::channel(None);
        let readers = (0..readers).map(|number| {
            let steady = (number % 2 == 0).then(|| *random.pick(&Transport::ALL));
            let rests = Duration::from_millis(if number % 10 == 0 { 200 } else { 0 });
            let habits = Habits { transport: steady, stays: 40, rests, buffer: None };
            tokio::spawn(follow(Arc::clone(&places), html.clone(), habits, random.fork(), end.clone()))
        });
        Self { readers: readers.collect(), tell }
    }

    /// Waits until all of them have reached this cursor.
    pub async fn end(self, cursor: &str) -> Vec<CrowdReader> {
        self.end_with(Goal::At(cursor.to_owned())).await
    }

    /// Waits until all of them show exactly these posts, by id and content.
    pub async fn end_showing(self, posts: BTreeMap<String, String>) -> Vec<CrowdReader> {
        self.end_with(Goal::Showing(Arc::new(posts))).await
    }

    async fn end_with(self, goal: Goal) -> Vec<CrowdReader> {
        self.tell.send_replace(Some(goal));
        let mut ended = Vec::new();
        for reader in self.readers {
            let reader = crate::client::within("a reader at the end", reader).await;
            let reader = reader.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
            let posts = reader.shown.posts.into_iter().map(|(id, post)| (id, post.content)).collect();
            ended.push(CrowdReader { posts, resets: reader.resets, wants_reload: reader.wants_reload });
        }
        ended
    }
}
