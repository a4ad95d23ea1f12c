//! Bytes as a file writes them.

use serde::Deserialize;

use crate::client::raw;

/// Bytes: one piece or several in a row.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "text, a piece or a list of pieces (corpus/README.md, \"Bytes\")")]
pub(super) enum Bytes {
    One(Piece),
    Row(Vec<Piece>),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "text or a piece (corpus/README.md, \"Bytes\")")]
pub(super) enum Piece {
    Text(String),
    Hex(Hex),
    Repeat(Repeat),
    Frame(Frame),
    Close(Close),
}

/// Bytes that are not text.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hex {
    hex: String,
}

/// The same again and again; `{n}` in it is the number of the repetition, from 0.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Repeat {
    repeat: Box<Bytes>,
    times: usize,
}

/// A WebSocket frame from a client (RFC 6455 §5.2).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Frame {
    opcode: u8,
    #[serde(default)]
    payload: Option<Box<Bytes>>,
    #[serde(default = "yes")]
    fin: bool,
    #[serde(default)]
    rsv: u8,
}

fn yes() -> bool {
    true
}

/// A close frame (RFC 6455 §5.5.1).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Close {
    close: u16,
    #[serde(default)]
    reason: String,
}

impl Default for Bytes {
    fn default() -> Self {
        Self::Row(Vec::new())
    }
}

impl Bytes {
    pub(super) fn to_vec(&self) -> Vec<u8> {
        match self {
            Self::One(piece) => piece.to_vec(),
            Self::Row(pieces) => pieces.iter().flat_map(Piece::to_vec).collect(),
        }
    }

    /// As text.
    ///
    /// # Panics
    /// If it is not UTF-8.
    pub(super) fn to_text(&self) -> String {
        String::from_utf8(self.to_vec()).unwrap()
    }

    /// With `{name}` replaced by its value.
    pub(super) fn with(&self, values: &[(&str, &str)]) -> Vec<u8> {
        values.iter().fold(self.to_vec(), |bytes, (name, value)| replace(&bytes, name, value))
    }
}

impl Piece {
    fn to_vec(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Hex(Hex { hex }) => from_hex(hex),
            Self::Repeat(Repeat { repeat, times }) => {
                let piece = repeat.to_vec();
                match piece.windows(3).any(|window| window == b"{n}") {
                    true => (0..*times).flat_map(|n| replace(&piece, "{n}", &n.to_string())).collect(),
                    false => piece.repeat(*times),
                }
            }
            Self::Frame(Frame { opcode, payload, fin, rsv }) => {
                let first = u8::from(*fin) << 7 | (rsv & 0x7) << 4 | opcode & 0xf;
                raw(first, &payload.as_ref().map(|payload| payload.to_vec()).unwrap_or_default())
            }
            Self::Close(Close { close, reason }) => raw(0x88, &[&close.to_be_bytes()[..], reason.as_bytes()].concat()),
        }
    }
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn replace(bytes: &[u8], name: &str, value: &str) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(name.len()).position(|window| window == name.as_bytes()) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(value.as_bytes());
        rest = &rest[at + name.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        bytes: Bytes,
    }

    fn bytes(toml: &str) -> Result<Vec<u8>, toml::de::Error> {
        toml::from_str::<File>(&format!("bytes = {toml}")).map(|file| file.bytes.to_vec())
    }

    #[test]
    fn bytes_are_what_the_file_says() {
        for (toml, expected) in [
            ("\"a\\r\\n\"", &b"a\r\n"[..]),
            ("{ hex = \"ff 00\" }", b"\xff\x00"),
            ("{ repeat = \"{n},\", times = 3 }", b"0,1,2,"),
            ("[\"a\", { repeat = [\"b\", { hex = \"00\" }], times = 2 }]", b"ab\0b\0"),
            ("{ opcode = 9 }", b"\x89\x80\x37\xfa\x21\x3d"),
            ("{ opcode = 1, fin = false, rsv = 4, payload = \"a\" }", b"\x41\x81\x37\xfa\x21\x3d\x56"),
            ("{ close = 1000 }", b"\x88\x82\x37\xfa\x21\x3d\x34\x12"),
            ("[]", b""),
        ] {
            assert_eq!(bytes(toml).unwrap(), expected, "{toml}");
        }
    }

    #[test]
    fn a_piece_with_an_unknown_key_is_an_error() {
        for toml in [
            "{ hexx = \"ff\" }",
            "{ hex = \"ff\", times = 2 }",
            "{ repeat = \"a\", time = 2 }",
            "{ opcode = 9, mask = 1 }",
            "{ close = 70000 }",
            "5",
        ] {
            assert!(bytes(toml).is_err(), "{toml}");
        }
    }

    #[test]
    fn a_name_is_replaced_wherever_it_stands() {
        let bytes = Bytes::One(Piece::Text("GET {prefix}/a/{prefix} {other}".to_owned()));
        assert_eq!(bytes.with(&[("{prefix}", "/live")]), b"GET /live/a//live {other}");
    }
}
