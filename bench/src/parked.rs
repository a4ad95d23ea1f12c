//! What a call of `publish` takes while very many readers wait. They are in this process, over sockets in memory that take everything and
//! say nothing, as so many real ones would be too many files.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use live_core::{ChannelId, Config, Hub, PostId, Render, Start, Update, bus, serve_websocket};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::timeout,
};

use crate::median::median;

/// Publishes to a page with so many readers, as often as `updates`, while `others` wait on other pages. Prints medians: what the call took
/// after all readers had the update before, and after a call for a page without readers, in microseconds; and the time until all readers
/// of the page had the update, in milliseconds.
///
/// On one thread, so that nobody takes the processor away from the call.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(readers: usize, others: usize, updates: usize) -> Result<()> {
    let config = Config {
        max_connections: readers + others,
        max_open_pages: 1 + others,
        // Nothing but updates wakes anybody.
        heartbeat: Duration::from_secs(3_600),
        silence_deadline: Duration::from_secs(7_200),
        ..Config::default()
    };
    let hub = Hub::new(bus::from_url("memory:", &config)?, config)?;
    let (page, written) = (ChannelId::new("page")?, Arc::new(AtomicUsize::new(0)));
    for _ in 0..readers {
        park(&hub, &page, &written).await?;
    }
    let elsewhere = Arc::default();
    for other in 0..others {
        park(&hub, &ChannelId::new(format!("other-{}", other / READERS_OF_OTHERS))?, &elsewhere).await?;
    }
    let has_hello = |all: &AtomicUsize, count| all.load(Ordering::Relaxed) == count;
    wait_until(|| has_hello(&written, readers) && has_hello(&elsewhere, others)).await?;
    let (mut first, mut second, mut alls) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..2 * updates {
        let is_second = number % 2 == 1;
        if is_second {
            hub.publish(&ChannelId::new("empty")?, an_update(number)?, None).await?;
        }
        let update = an_update(number)?;
        written.store(0, Ordering::Relaxed);
        let began = Instant::now();
        hub.publish(&page, update, None).await?;
        let micros = began.elapsed().as_secs_f64() * 1e6;
        if is_second {
            second.push(micros)
        } else {
            first.push(micros)
        }
        wait_until(|| written.load(Ordering::Relaxed) == readers).await?;
        alls.push(began.elapsed().as_secs_f64() * 1e3);
    }
    println!("{:.3} {:.3} {:.3}", median(&mut first), median(&mut second), median(&mut alls));
    Ok(())
}

fn an_update(number: usize) -> Result<Update> {
    Ok(Update::new().render(Render::new(PostId::new("post")?, format!("{number:0600}"))))
}

/// Has one more reader wait on the page, in a task of its own.
async fn park(hub: &Hub, page: &ChannelId, written: &Arc<AtomicUsize>) -> Result<()> {
    let reader = hub.join(page, Start::Recent, hub.admit(None)?).await?;
    tokio::spawn(serve_websocket(Sink(Arc::clone(written)), Bytes::new(), reader));
    Ok(())
}

async fn wait_until(is_so: impl Fn() -> bool) -> Result<()> {
    let turns = poll_fn(|cx| {
        if is_so() {
            return Poll::Ready(());
        }
        // Everybody else on the thread has their turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    });
    timeout(DEADLINE, turns).await.context("not all readers got it")
}

/// Takes everything at once, says nothing, and counts the writes of all.
struct Sink(Arc<AtomicUsize>);

impl AsyncRead for Sink {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Sink {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

const READERS_OF_OTHERS: usize = 100;
const DEADLINE: Duration = Duration::from_secs(100);
