//! A page with readers over WebSockets in memory, and a hub that is driven by hand.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use live_core::{ChannelId, Config, Cursor, Hub, Start, Update, bus, serve_websocket};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    runtime::{Builder, Runtime},
    time::timeout,
};

use crate::page::{POST_BYTES, render};

/// Readers at the head of one page.
pub struct Readers {
    pub(crate) runtime: Runtime,
    pub(crate) hub: Hub,
    pub(crate) channel: ChannelId,
    connections: Vec<Pin<Box<dyn Future<Output = io::Result<()>>>>>,
    woken: Arc<Woken>,
    written: Arc<AtomicUsize>,
}

impl Readers {
    /// So many readers, each with its hello.
    ///
    /// # Errors
    /// One of them could not join.
    pub fn new(count: usize) -> Result<Self> {
        // Not started, so that nothing but what is driven runs.
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let config = Config::default();
        let hub = runtime.block_on(async { Hub::new(bus::from_url("memory:", &config)?, config).context("hub") })?;
        let channel = ChannelId::new("blog")?;
        let (woken, written) = <(Arc<Woken>, Arc<AtomicUsize>)>::default();
        let mut readers = Self { runtime, hub, channel, connections: Vec::new(), woken, written };
        readers.publish(an_update()?)?;
        for _ in 0..count {
            let permit = readers.hub.admit(None)?;
            let reader = readers.runtime.block_on(readers.hub.join(&readers.channel, Start::Recent, permit))?;
            let socket = Socket { written: Arc::clone(&readers.written) };
            readers.connections.push(Box::pin(serve_websocket(socket, Bytes::new(), reader)));
        }
        // The first is what they lack, or a hello.
        readers.deliver()?;
        Ok(readers)
    }

    /// Publishes, and waits until all readers have been woken.
    ///
    /// # Errors
    /// The bus does not take it, or a reader sleeps on.
    pub fn publish(&mut self, update: Update) -> Result<Cursor> {
        self.woken.0.store(0, Ordering::Relaxed);
        let (woken, count) = (&self.woken, self.connections.len());
        self.runtime.block_on(async {
            let published = self.hub.publish(&self.channel, update, None).await?;
            let all_woken = poll_fn(|cx| {
                if woken.0.load(Ordering::Relaxed) == count {
                    return Poll::Ready(());
                }
                // The task that follows the bus has its turn.
                cx.waker().wake_by_ref();
                Poll::Pending
            });
            timeout(DEADLINE, all_woken).await.context("a reader was not woken")?;
            Ok(published.cursor)
        })
    }

    /// Has each reader look, and write what is new.
    ///
    /// # Errors
    /// A connection has ended, or wrote nothing.
    pub fn deliver(&mut self) -> Result<()> {
        let waker = Waker::from(Arc::clone(&self.woken));
        let mut cx = Context::from_waker(&waker);
        self.written.store(0, Ordering::Relaxed);
        for connection in &mut self.connections {
            ensure!(connection.as_mut().poll(&mut cx).is_pending(), "a connection has ended");
        }
        let written = self.written.load(Ordering::Relaxed);
        ensure!(written == self.connections.len(), "{written} writes for {} readers", self.connections.len());
        Ok(())
    }
}

/// An update of one post, always of the same length.
///
/// # Errors
/// None that is expected.
pub fn an_update() -> Result<Update> {
    Ok(Update::new().render(render(0, POST_BYTES)?))
}

/// Counts how often anybody is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A reader that takes everything at once and says nothing.
struct Socket {
    /// How many writes there were, to all sockets.
    written: Arc<AtomicUsize>,
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.written.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Nothing takes that long, under callgrind neither.
const DEADLINE: Duration = Duration::from_secs(60);
