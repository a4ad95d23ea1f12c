//! Opens connections to a server, encrypted or not: the same for HTTP and WebSocket.

use std::{
    io,
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{
    failure::Failure,
    server::{Scheme, ServerUrl, TrustArgs},
};

/// A server that connections can be opened to.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: ServerUrl,
    /// `None` without encryption.
    tls: Option<TlsConnector>,
}

/// A connection, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Server {
    /// # Errors
    /// [`Failure::Usage`]: the certificates to trust cannot be read, or there are none.
    pub(crate) fn new(url: ServerUrl, trust: &TrustArgs) -> Result<Self, Failure> {
        let tls = match url.scheme {
            Scheme::Http => None,
            Scheme::Https => Some(connector(trust.ca_file().as_deref()).map_err(Failure::Usage)?),
        };
        Ok(Self { url, tls })
    }

    /// # Errors
    /// The server is not there, or not whom the certificates vouch for; the text is for the user.
    pub(crate) async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let address = (self.url.host.as_str(), self.url.port);
        let socket = timeout(OPENING, TcpStream::connect(address)).await.map_err(|_| too_late())??;
        socket.set_nodelay(true)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(socket)) };
        let name = ServerName::try_from(self.url.host.clone()).map_err(io::Error::other)?;
        let encrypted = timeout(OPENING, tls.connect(name, socket)).await.map_err(|_| too_late())?;
        Ok(Box::new(encrypted.map_err(|error| explained(error, &self.url))?))
    }
}

/// How long a server may take to accept, and again for the handshake of TLS.
const OPENING: Duration = Duration::from_secs(10);

fn too_late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", OPENING.as_secs()))
}

fn explained(error: io::Error, url: &ServerUrl) -> io::Error {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let hint = match cause {
        // webpki's own error; rustls has no word for it.
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(other)))
            if other.0.to_string() == "CaUsedAsEndEntity" =>
        {
            let sentence = "the server's certificate is an authority's, and no server may use that as its own; \
                            make it with -addext basicConstraints=critical,CA:FALSE";
            return io::Error::new(error.kind(), sentence);
        }
        Some(rustls::Error::InvalidMessage(_)) => format!("it does not speak TLS; is it http://{}?", url.authority),
        Some(rustls::Error::InvalidCertificate(_)) => "for a certificate of your own, give --ca-file".to_owned(),
        _ => return error,
    };
    io::Error::new(error.kind(), format!("{error} ({hint})"))
}

fn connector(ca_file: Option<&Path>) -> Result<TlsConnector, String> {
    // Loading the system's certificates takes a moment, and every connection trusts the same.
    static SYSTEM: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
    let mut roots = RootCertStore::empty();
    let system = SYSTEM.get_or_init(|| rustls_native_certs::load_native_certs().certs);
    roots.add_parsable_certificates(system.iter().cloned());
    if let Some(file) = ca_file {
        let unreadable = |error| format!("cannot read certificates from {}: {error}", file.display());
        for certificate in CertificateDer::pem_file_iter(file).map_err(unreadable)? {
            roots.add(certificate.map_err(unreadable)?).map_err(|error| format!("{}: {error}", file.display()))?;
        }
    }
    if roots.is_empty() {
        return Err("there are no certificates to trust: install ca-certificates, or give --ca-file".to_owned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
