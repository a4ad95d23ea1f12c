//! One HTTP/1.1 connection to the service, kept between requests and opened again when it was lost.

use std::{
    io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header, uri::PathAndQuery};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{PieSocketError, PieSocketFailure};

/// Where requests go.
pub(super) struct Service {
    /// `None` without encryption.
    tls: Option<TlsConnector>,
    /// An IPv6 address without its brackets.
    host: String,
    port: u16,
    authority: HeaderValue,
    target: PathAndQuery,
}

impl Service {
    pub(super) fn new(url: &str) -> Result<Self, PieSocketError> {
        let url: Uri = url.parse().map_err(|_| PieSocketError::Url)?;
        let authority = url.authority().filter(|authority| !authority.as_str().contains('@'));
        let authority = authority.ok_or(PieSocketError::Url)?;
        let (is_encrypted, port) = match url.scheme_str() {
            Some("http") => (false, 80),
            Some("https") => (true, 443),
            _ => return Err(PieSocketError::Url),
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(PieSocketError::Url);
        }
        Ok(Self {
            tls: if is_encrypted { Some(connector()?) } else { None },
            host,
            port: authority.port_u16().unwrap_or(port),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| PieSocketError::Url)?,
            target: url.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")),
        })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let socket = TcpStream::connect((self.host.as_str(), self.port)).await?;
        socket.set_nodelay(true)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(socket)) };
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        Ok(Box::new(tls.connect(name, socket).await?))
    }

    fn request(&self, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = Uri::from(self.target.clone());
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.authority.clone());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        request
    }
}

const USER_AGENT: &str = concat!("live/", env!("CARGO_PKG_VERSION"));

/// Trusts what the system trusts.
fn connector() -> Result<TlsConnector, PieSocketError> {
    // Loading the certificates takes a moment, and they are the same for each publisher.
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let roots = ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    });
    if roots.is_empty() {
        return Err(PieSocketError::NoCertificates);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|_| PieSocketError::NoCertificates)?;
    let config = config.with_root_certificates(Arc::clone(roots)).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// A connection, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// The connection of the request before, if there is one.
#[derive(Default)]
pub(super) struct Connection(Option<SendRequest<Full<Bytes>>>);

impl Connection {
    /// Sends a body; what comes back counts by its status.
    ///
    /// When it is cancelled, the connection is given up, because the answer to come would be taken for that of another request.
    pub(super) async fn post(&mut self, service: &Service, body: Bytes) -> Result<StatusCode, PieSocketFailure> {
        let mut sender = match self.kept().await {
            Some(sender) => sender,
            None => open(service).await?,
        };
        let response = sender.send_request(service.request(body)).await.map_err(PieSocketFailure::Lost)?;
        let status = response.status();
        // An answer may quote the secret, so it goes no further than this.
        let rest = timeout(PATIENCE, Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect()).await;
        self.0 = matches!(rest, Ok(Ok(_))).then_some(sender);
        Ok(status)
    }

    async fn kept(&mut self) -> Option<SendRequest<Full<Bytes>>> {
        let mut sender = self.0.take()?;
        sender.ready().await.ok().map(|()| sender)
    }
}

async fn open(service: &Service) -> Result<SendRequest<Full<Bytes>>, PieSocketFailure> {
    let stream = service.connect().await.map_err(PieSocketFailure::Connect)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(PieSocketFailure::Lost)?;
    // It ends by itself when the sender and the last answer are dropped.
    tokio::spawn(connection);
    Ok(sender)
}

/// What is read of an answer's body, and for how long, so that the connection can be used again; else it is closed.
const MAX_ANSWER_BYTES: usize = 16 << 10;
const PATIENCE: Duration = Duration::from_secs(1);
