//! The sockets of a server: what they are told before they serve anybody, and what ends them when their peer does nothing.

mod guarded;
mod leaving;
mod lent;

use std::io;

use socket2::SockRef;
use tokio::net::TcpStream;

pub(crate) use self::leaving::{Leaving, LeavingEvents};
pub use self::{
    guarded::{Guarded, Guards},
    lent::{Answering, Lent, Loan},
};
use crate::config::Config;

/// Tells a TCP socket to send small frames at once, and to keep in the kernel little that is not on its way: what piles up there is
/// a queue per reader that no conflation reaches, and hides whether the reader makes progress. On Linux it also ends the
/// connection when nothing that was sent is taken for `Config::write_deadline`.
///
/// What a listening socket is told on Linux and the BSDs, the connections that it accepts inherit. For servers that are not Live's own;
/// theirs are tuned.
pub fn tune<'a, S>(socket: &'a S, config: &Config)
where
    SockRef<'a>: From<&'a S>,
{
    let socket = SockRef::from(socket);
    if let Err(error) = socket.set_tcp_nodelay(true).and_then(|()| bound(&socket, config)) {
        tracing::debug!(%error, "socket not tuned");
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn bound(socket: &SockRef<'_>, config: &Config) -> io::Result<()> {
    socket.set_tcp_notsent_lowat(config.max_unsent_bytes)?;
    // RFC 5482: the write deadline also for what the kernel has taken already, so that a peer that is gone without a word is noticed
    // on transports which it does not answer on.
    socket.set_tcp_user_timeout(Some(config.write_deadline))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn bound(_: &SockRef<'_>, _: &Config) -> io::Result<()> {
    Ok(())
}

/// Writes what the socket takes now, and says how much that was. On Linux without tokio's notes on whether it is ready, so that for a reader of
/// many nothing but its descriptor is fetched from memory. Whoever has to wait asks tokio, which finds the socket full by itself.
pub(crate) fn write_now(socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    send(socket, bytes, false)
}

/// The same for what is to go out together with what is written next, on Linux (`MSG_MORE`, send(2)). It waits for that in the kernel, until
/// [`push`], or for 200 ms (tcp(7)) and longer where the line is slow.
fn write_with_next(socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    send(socket, bytes, true)
}

fn send(socket: &TcpStream, bytes: &[u8], more_follows: bool) -> io::Result<usize> {
    #[cfg(target_os = "linux")]
    let sent = {
        use rustix::net::SendFlags;
        let more = if more_follows { SendFlags::MORE } else { SendFlags::empty() };
        rustix::net::send(socket, bytes, SendFlags::NOSIGNAL | more)?
    };
    #[cfg(not(target_os = "linux"))]
    let sent = {
        let _only_linux_can_be_told = more_follows;
        socket.try_write(bytes)?
    };
    Ok(sent)
}

/// Sends what waits for more: `TCP_NODELAY` does, also where it is set already (tcp(7)).
pub(crate) fn push(socket: &TcpStream) {
    // An error is met again by whoever writes.
    let _ = socket.set_nodelay(true);
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::{
        io::Read,
        net::{TcpListener, TcpStream},
    };

    use super::*;

    #[test]
    fn connections_inherit_what_their_listener_was_told() {
        let config = Config::default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        tune(&listener, &config);
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let socket = SockRef::from(&accepted);
        assert!(socket.tcp_nodelay().unwrap());
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(config.write_deadline));
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), config.max_unsent_bytes);
    }

    #[tokio::test]
    async fn what_waits_for_more_goes_out_when_it_is_pushed() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut theirs = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        theirs.set_nonblocking(true).unwrap();
        let (ours, _) = listener.accept().await.unwrap();
        tune(&ours, &Config::default());
        let mut came = || theirs.read(&mut [0; 8]).is_ok();
        // Where this thread does not run for a while, the kernel finds that it has waited long enough.
        let waits = (0..10).any(|_| {
            write_with_next(&ours, b"101").unwrap();
            !came()
        });
        assert!(waits);
        push(&ours);
        // Not at once, if the kernel has much to do.
        assert!((0..1_000).any(|_| {
            std::thread::yield_now();
            came()
        }));
    }
}
