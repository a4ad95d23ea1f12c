//! The encryption of Channels: a Fernet token (<https://github.com/fernet/spec>) for each message, under keys made of any text.

use std::fmt;

use aes::{
    Aes128,
    cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _, block_padding::Pkcs7},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::bus::BusError;

/// The keys: the first encrypts, each decrypts.
pub(super) struct Keys(Vec<Key>);

struct Key {
    signing: [u8; HALF],
    encryption: [u8; HALF],
}

/// How old a token may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Age {
    /// In seconds since the Unix epoch.
    pub(super) now: u64,
    pub(super) max_seconds: u64,
}

const VERSION: u8 = 0x80;
const HALF: usize = 16;
/// The version, the time and the initialisation vector.
const HEADER: usize = 1 + 8 + HALF;
const SIGNATURE: usize = 32;
/// How far a publisher's clock may be ahead (`cryptography.fernet._MAX_CLOCK_SKEW`), in seconds.
const MAX_SKEW: u64 = 60;

impl Keys {
    /// `make_fernet` of channels_redis: a key is the digest of its text.
    pub(super) fn new(texts: &[String]) -> Option<Self> {
        let keys = texts.iter().map(|text| {
            let digest: [u8; 2 * HALF] = Sha256::digest(text).into();
            let mut key = Key { signing: [0; HALF], encryption: [0; HALF] };
            key.signing.copy_from_slice(&digest[..HALF]);
            key.encryption.copy_from_slice(&digest[HALF..]);
            key
        });
        let keys: Vec<_> = keys.collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// `now` is in seconds since the Unix epoch.
    pub(super) fn encrypt(&self, text: &[u8], now: u64) -> Result<Vec<u8>, BusError> {
        let mut vector = [0; HALF];
        getrandom::fill(&mut vector)?;
        // There is one, or there would be no `Keys`.
        Ok(self.0.first().map(|key| key.encrypt(text, now, &vector)).unwrap_or_default())
    }

    /// What is in the token, if one of the keys has made it.
    pub(super) fn decrypt(&self, token: &[u8], age: Option<Age>) -> Option<Vec<u8>> {
        let token = URL_SAFE.decode(token).ok()?;
        let (signed, signature) = token.split_at_checked(token.len().checked_sub(SIGNATURE)?)?;
        let (header, encrypted) = signed.split_at_checked(HEADER)?;
        let [VERSION, time @ ..] = header.first_chunk::<9>()? else { return None };
        let time = u64::from_be_bytes(*time);
        if age.is_some_and(|age| age.now > time.saturating_add(age.max_seconds) || time > age.now + MAX_SKEW) {
            return None;
        }
        let vector = header.last_chunk::<HALF>()?;
        let key = self.0.iter().find(|key| key.has_signed(signed, signature))?;
        let cipher = cbc::Decryptor::<Aes128>::new(&key.encryption.into(), vector.into());
        cipher.decrypt_padded_vec::<Pkcs7>(encrypted).ok()
    }
}

impl Key {
    fn encrypt(&self, text: &[u8], now: u64, vector: &[u8; HALF]) -> Vec<u8> {
        let cipher = cbc::Encryptor::<Aes128>::new(&self.encryption.into(), vector.into());
        let mut token =
            [&[VERSION][..], &now.to_be_bytes(), vector, &cipher.encrypt_padded_vec::<Pkcs7>(text)].concat();
        let signature = self.signature(&token).map(|mac| mac.finalize().into_bytes());
        token.extend_from_slice(signature.as_deref().unwrap_or_default());
        URL_SAFE.encode(token).into_bytes()
    }

    /// Compared in constant time.
    fn has_signed(&self, signed: &[u8], signature: &[u8]) -> bool {
        self.signature(signed).is_some_and(|mac| mac.verify_slice(signature).is_ok())
    }

    fn signature(&self, signed: &[u8]) -> Option<Hmac<Sha256>> {
        // An HMAC takes a key of any length.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.signing).ok()?;
        mac.update(signed);
        Some(mac)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(texts: &[&str]) -> Keys {
        Keys::new(&texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>()).unwrap()
    }

    fn age(now: u64) -> Option<Age> {
        Some(Age { now, max_seconds: 70 })
    }

    #[test]
    fn a_token_of_the_specification_is_made_and_read() {
        // generate.json and verify.json of the specification, whose key is the two halves as they are.
        let key = URL_SAFE.decode("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=").unwrap();
        let key = Key { signing: *key.first_chunk().unwrap(), encryption: *key.last_chunk().unwrap() };
        let token =
            "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
        let vector = std::array::from_fn(|index| index as u8);
        assert_eq!(key.encrypt(b"hello", 499_162_800, &vector), token.as_bytes());
        assert_eq!(Keys(vec![key]).decrypt(token.as_bytes(), age(499_162_801)).unwrap(), b"hello");
    }

    #[test]
    fn each_key_decrypts_and_the_first_encrypts() {
        let token = keys(&["new"]).encrypt(b"text", 1_000).unwrap();
        assert_eq!(keys(&["old", "new"]).decrypt(&token, age(1_000)).unwrap(), b"text");
        assert_eq!(keys(&["old"]).decrypt(&token, age(1_000)), None);
        let token = keys(&["new", "old"]).encrypt(b"text", 1_000).unwrap();
        assert!(keys(&["new"]).decrypt(&token, age(1_000)).is_some());
        assert!(Keys::new(&[]).is_none());
    }

    #[test]
    fn a_token_is_good_for_its_time_where_it_has_one() {
        let keys = keys(&["key"]);
        let token = keys.encrypt(b"text", 1_000).unwrap();
        for (now, is_good) in [(940, true), (939, false), (1_070, true), (1_071, false)] {
            assert_eq!(keys.decrypt(&token, age(now)).is_some(), is_good, "{now}");
        }
        assert!(keys.decrypt(&token, None).is_some());
    }

    #[test]
    fn a_token_that_was_changed_anywhere_is_none() {
        let keys = keys(&["key"]);
        let token = keys.encrypt(&[7; 40], 1_000).unwrap();
        for index in 0..token.len() {
            let mut changed = token.clone();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            assert_eq!(keys.decrypt(&changed, None), None, "{index}");
            assert_eq!(keys.decrypt(&token[..index], None), None, "{index}");
        }
        assert!(!format!("{keys:?}").contains("107"));
    }
}
