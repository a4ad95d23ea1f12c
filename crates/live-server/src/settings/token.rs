//! The publish token: from a flag, a variable or a file.

use std::{fs, path::Path};

use live_axum::Publishing;

/// The word that stands for no token at all.
const NONE: &str = "none";

/// Reads a token; `none` is one, too.
pub(super) fn read(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("the token is empty; without the setting nobody can publish over HTTP".to_owned());
    }
    // RFC 9110 §11.4: it has to fit into a header.
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the token has characters other than visible ASCII, which a header cannot carry".to_owned());
    }
    Ok(text.to_owned())
}

pub(super) fn publishing(token: &str) -> Publishing {
    if token == NONE { Publishing::Open } else { Publishing::token(token) }
}

/// Publishing with the tokens in a file.
pub(super) fn publishing_from(file: &Path) -> Result<Publishing, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let mut publishing = Publishing::Off;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line == NONE {
            return Err(format!("{} has the token \"none\"; say --publish-token none for that", file.display()));
        }
        let token = read(line).map_err(|error| format!("{}: {error}", file.display()))?;
        publishing = publishing.or_token(token);
    }
    match publishing {
        Publishing::Off => Err(format!("{} has no token in it; write one on a line", file.display())),
        publishing => Ok(publishing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_into_a_header() {
        assert_eq!(read("s3cret/+=").unwrap(), "s3cret/+=");
        for bad in ["", "two words", "tab\t", "übel", "line\n"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
        assert_eq!(publishing("none"), Publishing::Open);
        assert_eq!(publishing("x"), Publishing::token("x"));
    }
}
