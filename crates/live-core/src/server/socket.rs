//! What a socket is told before it serves a reader.

use std::io;

use tokio::net::TcpStream;

use crate::config::Config;

/// Sends small frames at once, and keeps in the kernel little that is not on its way: what piles up there is a queue per reader
/// that no conflation reaches, and hides whether the reader makes progress.
pub(super) fn tune(stream: &TcpStream, config: &Config) {
    if let Err(error) = stream.set_nodelay(true).and_then(|()| bound(stream, config)) {
        tracing::debug!(%error, "socket not tuned");
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn bound(stream: &TcpStream, config: &Config) -> io::Result<()> {
    let socket = socket2::SockRef::from(stream);
    socket.set_tcp_notsent_lowat(config.max_unsent_bytes)?;
    // RFC 5482: the write deadline also for what the kernel has taken already, so that a peer that is gone without a word is noticed
    // on transports which it does not answer on.
    socket.set_tcp_user_timeout(Some(config.write_deadline))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn bound(_: &TcpStream, _: &Config) -> io::Result<()> {
    Ok(())
}
