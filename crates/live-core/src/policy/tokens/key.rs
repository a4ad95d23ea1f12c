//! Keys that tokens are signed with. A key has one algorithm, so a token cannot choose.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{hmac, signature};

/// What a token's signature is checked with: a secret that the site has, too, or the site's public key.
#[derive(Clone)]
pub struct TokenKey(Kind);

#[derive(Clone)]
enum Kind {
    Hs256(hmac::Key),
    EdDsa([u8; 32]),
}

/// The text is no key of that kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTokenKey {
    /// A shorter secret can be guessed from any token. Take 32 random bytes.
    #[error("a secret for HS256 has at least 32 bytes (RFC 7518 §3.2)")]
    Short,
    /// Write the public key as PEM, as `openssl pkey -pubout` does.
    #[error("a key for EdDSA is an Ed25519 public key in PEM, BEGIN PUBLIC KEY")]
    NotEd25519,
}

impl TokenKey {
    /// HMAC with SHA-256 (`HS256`, RFC 7518 §3.2): site and server have the same secret. PieSocket's tokens are of this kind.
    ///
    /// # Errors
    /// [`InvalidTokenKey::Short`]: take a longer secret.
    pub fn hs256(secret: impl AsRef<[u8]>) -> Result<Self, InvalidTokenKey> {
        let secret = secret.as_ref();
        if secret.len() < 32 {
            return Err(InvalidTokenKey::Short);
        }
        Ok(Self(Kind::Hs256(hmac::Key::new(hmac::HMAC_SHA256, secret))))
    }

    /// An Ed25519 public key (`EdDSA`, RFC 8037 §3.1) in PEM: whoever has it can check tokens and not make any.
    ///
    /// # Errors
    /// [`InvalidTokenKey::NotEd25519`]: give the public key, as PEM.
    pub fn ed25519(pem: &str) -> Result<Self, InvalidTokenKey> {
        let lines = || pem.lines().map(str::trim).filter(|line| !line.is_empty());
        let framed = lines().next() == Some("-----BEGIN PUBLIC KEY-----")
            && lines().next_back() == Some("-----END PUBLIC KEY-----");
        let base64: String = lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(base64).map_err(|_| InvalidTokenKey::NotEd25519)?;
        let key = der.strip_prefix(ED25519_PREFIX).and_then(|key| key.try_into().ok());
        key.filter(|_| framed).map(|key| Self(Kind::EdDsa(key))).ok_or(InvalidTokenKey::NotEd25519)
    }

    /// The name of its algorithm in a token's header.
    pub(super) fn algorithm(&self) -> &'static str {
        match &self.0 {
            Kind::Hs256(_) => "HS256",
            Kind::EdDsa(_) => "EdDSA",
        }
    }

    /// Takes as long wherever a wrong signature differs.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Kind::Hs256(key) => hmac::verify(key, message, signature).is_ok(),
            Kind::EdDsa(key) => {
                signature::UnparsedPublicKey::new(&signature::ED25519, key).verify(message, signature).is_ok()
            }
        }
    }
}

/// A public key of this kind in DER (RFC 8410 §4): all but its 32 bytes are the same in each.
const ED25519_PREFIX: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({})", self.algorithm())
    }
}
