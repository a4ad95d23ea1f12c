//! TLS by files.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use anyhow::{Context, anyhow, bail};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::settings::Settings;

/// What connections are encrypted with. The files may be read again while the server runs.
#[derive(Debug)]
pub(crate) struct Tls {
    cert: PathBuf,
    key: PathBuf,
    /// Held to take or to put, never across an await.
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// What the settings say, if they say it.
    pub(crate) fn load(settings: &Settings) -> anyhow::Result<Option<Arc<Self>>> {
        let (Some(cert), Some(key)) = (&settings.tls_cert, &settings.tls_key) else { return Ok(None) };
        let config = RwLock::new(read(cert, key)?);
        Ok(Some(Arc::new(Self { cert: cert.clone(), key: key.clone(), config })))
    }

    /// Reads the files again, for connections from now on.
    ///
    /// # Errors
    /// What is wrong with the files; connections go on as before.
    pub(crate) fn reload(&self) -> anyhow::Result<()> {
        let config = read(&self.cert, &self.key)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// The server's side of a handshake.
    pub(crate) async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner));
        let bounded = |connection: &mut rustls::ServerConnection| connection.set_buffer_limit(Some(MAX_BUFFERED_BYTES));
        TlsAcceptor::from(config).accept_with(stream, bounded).await
    }
}

/// What is encrypted and not yet sent is a queue per reader, which no conflation reaches: one record (RFC 8446 §5.1).
const MAX_BUFFERED_BYTES: usize = 16 << 10;

/// What a server needs to speak TLS with this certificate.
///
/// # Errors
/// A sentence that names the file.
pub(crate) fn read(cert: &Path, key: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .map_err(|error| anyhow!("cannot read a certificate from {}: {error}", cert.display()))?;
    if chain.is_empty() {
        bail!("{} has no certificate in it; it should have PEM, BEGIN CERTIFICATE", cert.display());
    }
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| anyhow!("cannot read a private key from {}: {error}", key.display()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .with_context(|| format!("{} and {} do not belong together", cert.display(), key.display()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
