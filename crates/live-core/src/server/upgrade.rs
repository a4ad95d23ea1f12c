//! From hyper's upgraded connection to the bare stream.

use bytes::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::{rt::TokioIo, server::conn::auto};
use tokio::net::TcpStream;

use crate::{
    config::Config,
    hub::Reader,
    socket::{self, Lent},
    transport::{drive_websocket, serve_websocket},
};

/// Serves a reader once the 101 is out.
pub(super) async fn serve_upgraded(on_upgrade: OnUpgrade, reader: Reader) {
    let upgraded = match on_upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => return tracing::debug!(%error, "reader left during the handshake"),
    };
    // hyper's wrappers and its 8 KiB buffer go; a stream that is not one of these (TLS, HTTP/2) is served through them.
    match into_bare(upgraded, reader.hub().config()) {
        Ok(Some((stream, read_ahead))) => drive_websocket(stream, read_ahead, reader),
        Ok(None) => {}
        Err(upgraded) => {
            if let Err(error) = serve_websocket(TokioIo::new(upgraded), Bytes::new(), reader).await {
                tracing::debug!(%error, "reader lost");
            }
        }
    }
}

/// `None` if the stream has left already.
fn into_bare(upgraded: Upgraded, config: &Config) -> Result<Option<(TcpStream, Bytes)>, Upgraded> {
    let upgraded = match upgraded.downcast::<TokioIo<Lent>>() {
        Ok(parts) => {
            let stream = parts.io.into_inner().into_inner();
            return Ok(stream.map(|stream| (stream, owned(parts.read_buf))));
        }
        Err(upgraded) => upgraded,
    };
    match auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
        // From another server than ours, which has not tuned it.
        Ok(parts) => {
            let stream = parts.io.into_inner();
            socket::tune(&stream, config);
            Ok(Some((stream, owned(parts.read_buf))))
        }
        Err(upgraded) => Err(upgraded),
    }
}

/// An empty slice would keep hyper's read buffer alive; so would a short one.
fn owned(read_ahead: Bytes) -> Bytes {
    Bytes::copy_from_slice(&read_ahead)
}
