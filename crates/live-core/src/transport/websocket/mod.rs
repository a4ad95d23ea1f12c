//! WebSocket over whatever carries its bytes. No buffer and no timer belongs to a connection: what is sent are the page's own
//! bytes, and the hub's sweep wakes what is due.
//!
//! `conversation` is what all carriers share; `body` lets a framework drive it that gives no more than a response's body.

mod body;
mod conversation;

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
#[cfg(feature = "socket")]
use tokio::net::TcpStream;

pub use self::body::WebSocketBody;
use self::conversation::Conversation;
use super::connection::{Connection, Dialogue};
#[cfg(feature = "socket")]
use super::driven::Driven;
use crate::hub::Reader;

/// Serves one reader on a stream whose handshake is done, until either side closes. `read_ahead` is what was read beyond the
/// handshake. Dropping the future closes the stream.
///
/// # Errors
/// What the stream reports; the reader is gone then.
pub fn serve_websocket<S>(stream: S, read_ahead: Bytes, reader: Reader) -> impl Future<Output = io::Result<()>> + use<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // Not in the future, which would keep room for its arguments beside the connection.
    Connection::new(stream, conversation(&read_ahead, reader))
}

/// The same on a bare socket, in a task that the reader shares with others of its page on this thread: an update to all of them costs
/// little more than the writes. It returns at once; the hub sees the reader leave, and the log says why.
///
/// # Panics
/// Outside a tokio runtime.
#[cfg(feature = "socket")]
pub fn drive_websocket(stream: TcpStream, read_ahead: Bytes, reader: Reader) {
    reader.drive(|reader| Driven::new(stream, conversation(&read_ahead, reader)));
}

fn conversation(read_ahead: &[u8], reader: Reader) -> Conversation {
    let mut conversation = Conversation::new(reader);
    if !read_ahead.is_empty() {
        let now = conversation.now();
        conversation.handle_bytes(read_ahead, now);
    }
    conversation
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        io::{AsyncReadExt, BufStream},
        net::TcpStream,
    };

    use super::*;
    use crate::{ChannelId, Config, Hub, bus, cursor::Start, session::Session};

    fn size_of_future<F>(_: fn(TcpStream, Bytes, Reader) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_connection_is_no_more_than_what_it_holds() {
        let held = size_of::<TcpStream>() + size_of::<Session>() + size_of::<Reader>() + size_of::<Bytes>();
        let lingers = size_of::<Option<u64>>();
        assert!(size_of_future(serve_websocket::<TcpStream>) <= held + lingers);
    }

    #[tokio::test]
    async fn a_stream_with_a_buffer_of_its_own_is_flushed() {
        let config = Config::default();
        let hub = Hub::new(bus::from_url("memory:", &config).unwrap(), config).unwrap();
        let channel = ChannelId::new("blog").unwrap();
        let reader = hub.join(&channel, Start::Recent, hub.admit(None).unwrap()).await.unwrap();
        let (ours, mut theirs) = tokio::io::duplex(1 << 10);
        let _served = tokio::spawn(serve_websocket(BufStream::new(ours), Bytes::new(), reader));
        let hello = tokio::time::timeout(Duration::from_secs(10), theirs.read_u8()).await;
        assert_eq!(hello.unwrap().unwrap(), 0x81);
    }
}
