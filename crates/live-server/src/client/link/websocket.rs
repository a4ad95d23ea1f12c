//! WebSocket (RFC 6455).

use std::{future::poll_fn, io, pin::Pin};

use futures_core::Stream as _;
use http::{Request, header};
use live_core::{ChannelId, Start};
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        self, Message,
        error::ProtocolError::ResetWithoutClosingHandshake,
        handshake::client::generate_key,
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::{
    super::{
        connect::{Server, Stream},
        http::{HttpError, USER_AGENT},
        server::ChannelRoute,
    },
    Ending, Heard, MAX_FRAME_BYTES, OPENING, SILENCE, query,
};

pub(crate) struct WebSocketLink {
    socket: WebSocketStream<Box<dyn Stream>>,
}

impl WebSocketLink {
    pub(super) async fn open(server: &Server, channel: &ChannelId, start: Start) -> Result<Self, Ending> {
        let connected = server.connect().await;
        let stream = connected.map_err(|source| HttpError::Connect { url: server.url.to_string(), source })?;
        let request = handshake(server, channel, start).map_err(|error| Ending::Refused(error.to_string()))?;
        let opening = client_async_with_config(request, stream, Some(config()));
        let opened = timeout(OPENING, opening).await.map_err(|_| Ending::silent(OPENING))?;
        let (socket, _) = opened.map_err(refused)?;
        Ok(Self { socket })
    }

    /// Pings are answered by tungstenite, with the next read.
    pub(super) async fn next(&mut self) -> Result<Heard, Ending> {
        loop {
            let message = poll_fn(|cx| Pin::new(&mut self.socket).poll_next(cx));
            let message = timeout(SILENCE, message).await.map_err(|_| Ending::silent(SILENCE))?;
            match message {
                Some(Ok(Message::Text(text))) => return Ok(Heard::Frame(text)),
                Some(Ok(Message::Close(Some(close)))) => return Err(Ending::closed(close.code.into(), &close.reason)),
                Some(Ok(Message::Binary(_))) => return Err(Ending::lost("the server sent what is no frame")),
                Some(Ok(_)) => {}
                Some(Err(tungstenite::Error::Protocol(ResetWithoutClosingHandshake))) | None => {
                    return Err(Ending::lost("the connection ended without a goodbye"));
                }
                Some(Err(error)) => return Err(Ending::lost(format!("the connection is lost: {error}"))),
            }
        }
    }

    /// RFC 6455 §7.4.1: 1000, the purpose is fulfilled. Nobody waits for the answer.
    pub(super) async fn close(mut self) {
        let close = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        let _ = timeout(GOODBYE, self.socket.close(Some(close))).await;
    }
}

/// How long a full socket may hold up the end.
const GOODBYE: std::time::Duration = std::time::Duration::from_millis(500);

fn handshake(server: &Server, channel: &ChannelId, start: Start) -> Result<Request<()>, http::Error> {
    // tungstenite wants a whole URL, of which it sends the path and the query. TLS has been seen to.
    let path = server.url.path(ChannelRoute::WebSocket, channel);
    let url = format!("ws://{}{path}{}", server.url.authority, query(start));
    Request::builder()
        .uri(url)
        .header(header::HOST, &server.url.authority)
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, generate_key())
        .body(())
}

/// Small buffers, because a bench has thousands of these.
fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4 << 10)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES))
}

fn refused(error: tungstenite::Error) -> Ending {
    match error {
        tungstenite::Error::Http(response) if response.status().is_success() => Ending::Refused(format!(
            "there is no WebSocket: the server answers {} (try --transport sse)",
            response.status()
        )),
        tungstenite::Error::Http(response) => {
            let body = response.body().as_deref().unwrap_or_default();
            Ending::answered(response.status(), response.headers(), body)
        }
        tungstenite::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Ending::lost("the server closed before it answered")
        }
        tungstenite::Error::Io(error) => Ending::lost(format!("the connection is lost: {error}")),
        other => Ending::Refused(format!("there is no WebSocket: {other} (try --transport sse; is it https?)")),
    }
}
