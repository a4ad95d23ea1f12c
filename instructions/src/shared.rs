//! Readers over sockets of the system, whom one task drives.

use std::{io::Read as _, net, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use live_core::{ChannelId, Config, Hub, Start, Update, bus, drive_websocket};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    task::yield_now,
    time::timeout,
};

use crate::readers::an_update;

/// Readers at the head of one page, each with both ends of its socket here.
pub(crate) struct SharedReaders {
    runtime: Runtime,
    hub: Hub,
    channel: ChannelId,
    theirs: Vec<net::TcpStream>,
}

impl SharedReaders {
    /// So many readers, each with its hello.
    ///
    /// # Errors
    /// One of them could not connect or join.
    pub(crate) fn new(count: usize) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let config = Config::default();
        let hub = runtime.block_on(async { Hub::new(bus::from_url("memory:", &config)?, config).context("hub") })?;
        let mut readers = Self { runtime, hub, channel: ChannelId::new("blog")?, theirs: Vec::new() };
        readers.theirs = readers.runtime.block_on(readers.connect(count))?;
        readers.publish(an_update()?)?;
        readers.read()?;
        Ok(readers)
    }

    async fn connect(&self, count: usize) -> Result<Vec<net::TcpStream>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut theirs = Vec::new();
        for _ in 0..count {
            let their = TcpStream::connect(listener.local_addr()?).await?;
            let (ours, _) = listener.accept().await?;
            let reader = self.hub.join(&self.channel, Start::Recent, self.hub.admit(None)?).await?;
            drive_websocket(ours, Bytes::new(), reader);
            // To be read when nothing of Live runs.
            theirs.push(their.into_std()?);
        }
        Ok(theirs)
    }

    /// Publishes, and returns when the update is written to all sockets.
    ///
    /// # Errors
    /// The bus does not take it, or a reader does not get it.
    pub(crate) fn publish(&mut self, update: Update) -> Result<()> {
        let (hub, readers) = (&self.hub, self.theirs.len() as u64);
        self.runtime.block_on(async {
            let expected = deliveries(hub) + readers;
            hub.publish(&self.channel, update, None).await?;
            let all = async {
                while deliveries(hub) < expected {
                    yield_now().await;
                }
            };
            timeout(DEADLINE, all).await.context("a reader did not get it")
        })
    }

    /// Has the readers read what was sent to them, so that their sockets do not fill.
    ///
    /// # Errors
    /// There is nothing, or the connection has ended.
    pub(crate) fn read(&mut self) -> Result<()> {
        let mut buffer = vec![0; 64 << 10];
        for their in &mut self.theirs {
            ensure!(their.read(&mut buffer)? > 0, "the server has closed");
        }
        Ok(())
    }
}

fn deliveries(hub: &Hub) -> u64 {
    hub.metrics().transports.iter().map(|transport| transport.deliveries).sum()
}

/// Nothing takes that long, under callgrind neither.
const DEADLINE: Duration = Duration::from_secs(60);
