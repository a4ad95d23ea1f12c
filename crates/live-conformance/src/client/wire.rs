//! One TCP connection, byte by byte.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use super::within;
use crate::server::TestServer;

/// A connection to the server under test.
pub(crate) struct Wire {
    stream: TcpStream,
    /// Read, and not yet taken.
    unread: Vec<u8>,
}

impl Wire {
    pub(crate) async fn connect(server: &TestServer) -> Self {
        Self::try_connect(server.address, None).await.unwrap()
    }

    /// A connection to a server that may be gone.
    pub(crate) async fn try_connect(address: std::net::SocketAddr, buffer: Option<u32>) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let stream = within("a connection", socket.connect(address)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, unread: Vec::new() })
    }

    /// A connection that takes little before the server's own buffers fill.
    pub(crate) async fn connect_narrow(server: &TestServer) -> Self {
        Self::connect_with_buffer(server, 4 << 10).await
    }

    /// A connection whose kernel holds so many bytes for its reader.
    pub(crate) async fn connect_with_buffer(server: &TestServer, bytes: u32) -> Self {
        Self::try_connect(server.address, Some(bytes)).await.unwrap()
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within("the server takes bytes", self.stream.write_all(bytes.as_ref())).await.unwrap();
    }

    /// Sends what the server may refuse to read.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        within("the server takes bytes or refuses", self.stream.write_all(bytes.as_ref())).await
    }

    /// Takes what the socket takes at once, for a server that may not read on.
    pub(crate) async fn send_for(&mut self, bytes: &[u8], time: Duration) -> usize {
        match tokio::time::timeout(time, self.stream.write(bytes)).await {
            Ok(Ok(sent)) => sent,
            Ok(Err(_)) | Err(_) => 0,
        }
    }

    /// Waits for something to take, however long that takes.
    pub(crate) async fn waits(&self) {
        if self.unread.is_empty() {
            // An error is for the next read to find.
            let _ = self.stream.readable().await;
        }
    }

    /// Reads more; `false` at the end of the connection, however it ended.
    pub(crate) async fn read_more(&mut self) -> bool {
        self.unread.reserve(16 << 10);
        let read = within("bytes from the server", self.stream.read_buf(&mut self.unread)).await;
        matches!(read, Ok(1..))
    }

    /// Reads a little; `false` at the end of the connection.
    pub(crate) async fn read_some(&mut self, most: usize) -> bool {
        let mut piece = vec![0; most];
        let read = within("bytes from the server", self.stream.read(&mut piece)).await.unwrap_or(0);
        self.unread.extend_from_slice(&piece[..read]);
        read > 0
    }

    /// What has come with what was taken last.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.unread
    }

    /// Exactly so many bytes, or `None` if the connection ends before.
    pub(crate) async fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.unread.len() < count {
            if !self.read_more().await {
                return None;
            }
        }
        let rest = self.unread.split_off(count);
        Some(std::mem::replace(&mut self.unread, rest))
    }

    /// Up to and with this mark, or `None` if the connection ends before.
    pub(crate) async fn take_through(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        let mut searched = 0;
        loop {
            let found = self.unread[searched..].windows(mark.len()).position(|window| window == mark);
            if let Some(at) = found {
                return self.take(searched + at + mark.len()).await;
            }
            searched = self.unread.len().saturating_sub(mark.len() - 1);
            if !self.read_more().await {
                return None;
            }
        }
    }

    /// Everything until the end of the connection.
    pub(crate) async fn take_all(&mut self) -> Vec<u8> {
        while self.read_more().await {}
        std::mem::take(&mut self.unread)
    }

    /// What has come within this time: for what must not come.
    pub(crate) async fn take_for(&mut self, time: Duration) -> Vec<u8> {
        let _ = tokio::time::timeout(time, async {
            while self.stream.read_buf(&mut self.unread).await.is_ok_and(|n| n > 0) {}
        })
        .await;
        std::mem::take(&mut self.unread)
    }

    /// Ends the connection without a word, as a crash does.
    pub(crate) fn reset(self) {
        // Bytes that were not read make the kernel send a reset in place of an orderly end; so does this.
        let _ = self.stream.set_zero_linger();
    }

    /// Ends our half, and leaves the other.
    pub(crate) async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }
}
