//! The one secret of the example: whoever knows it may write.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    path::Path,
};

use anyhow::{Context, ensure};
use http::{HeaderMap, header::AUTHORIZATION};
use sha2::{Digest, Sha256};

/// Knows the token, and tells it to nobody.
pub(crate) struct Token(String);

impl Token {
    /// The token that was given, else the one in the file; where there is no file yet, a new one is made and kept there.
    ///
    /// # Errors
    /// The file cannot be read or written, or the token is not one that a header can carry.
    pub(crate) fn given_or_kept(given: Option<&str>, file: &Path) -> anyhow::Result<Self> {
        let token = match given {
            Some(given) => given.to_owned(),
            None => kept(file).with_context(|| format!("the publish token in {}", file.display()))?,
        };
        let visible = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        ensure!(visible, "a publish token is made of visible ASCII characters, at least one");
        Ok(Self(token))
    }

    /// Whether a request carries `Authorization: Bearer` with this token.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        let Some((scheme, sent)) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '))
        else {
            return false;
        };
        // Digests are compared, so that the time it takes tells nothing of how much of the token was right.
        scheme.eq_ignore_ascii_case("bearer") && Sha256::digest(sent.trim()) == Sha256::digest(&self.0)
    }

    /// The token, to print it once at the start.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn kept(file: &Path) -> anyhow::Result<String> {
    match fs::read_to_string(file) {
        Ok(token) => return Ok(token.trim().to_owned()),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        Err(_) => {}
    }
    let token = format!("{:016x}{:016x}", getrandom::u64()?, getrandom::u64()?);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    writeln!(options.open(file)?, "{token}")?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::TemporaryFolder;

    fn headers(authorization: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, authorization.parse().unwrap())])
    }

    #[test]
    fn only_the_right_token_is_admitted() {
        let token = Token("secret".to_owned());
        assert!(token.admits(&headers("Bearer secret")));
        assert!(token.admits(&headers("bearer secret")));
        for wrong in ["Bearer", "Bearer ", "Bearer Secret", "Bearer secre", "Bearer secrets", "Basic secret", "secret"]
        {
            assert!(!token.admits(&headers(wrong)), "{wrong}");
        }
        assert!(!token.admits(&HeaderMap::new()));
    }

    #[test]
    fn a_token_is_made_once_and_only_its_owner_may_read_it() {
        let folder = TemporaryFolder::new();
        let file = folder.path("blog.db.token");
        let first = Token::given_or_kept(None, &file).unwrap();
        assert_eq!(first.as_str().len(), 32);
        assert_eq!(Token::given_or_kept(None, &file).unwrap().as_str(), first.as_str());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_given_token_leaves_no_file_and_must_fit_a_header() {
        let folder = TemporaryFolder::new();
        let file = folder.path("blog.db.token");
        assert_eq!(Token::given_or_kept(Some("t"), &file).unwrap().as_str(), "t");
        assert!(!file.exists());
        for bad in ["", "two words", "tökèn", "a\n"] {
            assert!(Token::given_or_kept(Some(bad), &file).is_err(), "{bad:?}");
        }
    }
}
