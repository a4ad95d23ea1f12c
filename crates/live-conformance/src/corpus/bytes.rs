//! Bytes as a file writes them.

use std::fmt;

use serde::{Deserialize, Deserializer, de};
use toml::Table;

use crate::client::raw;

/// Bytes: pieces in a row.
#[derive(Debug, Clone, Default)]
pub(super) struct Bytes(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Hex(Vec<u8>),
    Repeat(Repeat),
    Frame(Frame),
    Close(Close),
}

/// Bytes that are not text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hex {
    hex: String,
}

/// The same again and again; the first `{n}` in it is the number of the repetition, from 0.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeat {
    repeat: Bytes,
    times: usize,
}

/// A WebSocket frame from a client (RFC 6455 §5.2).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Frame {
    opcode: u8,
    #[serde(default)]
    payload: Bytes,
    #[serde(default = "is_last")]
    fin: bool,
    /// The three reserved bits.
    #[serde(default)]
    rsv: u8,
}

fn is_last() -> bool {
    true
}

/// A close frame (RFC 6455 §5.5.1).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Close {
    close: u16,
    #[serde(default)]
    reason: String,
}

impl Bytes {
    pub(super) fn to_vec(&self) -> Vec<u8> {
        self.0.iter().flat_map(Piece::to_vec).collect()
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
            Self::Hex(bytes) => bytes.clone(),
            Self::Repeat(Repeat { repeat, times }) => numbered(&repeat.to_vec(), *times),
            Self::Frame(Frame { opcode, payload, fin, rsv }) => {
                raw(u8::from(*fin) << 7 | (rsv & 0x7) << 4 | opcode & 0xf, &payload.to_vec())
            }
            Self::Close(Close { close, reason }) => raw(0x88, &[&close.to_be_bytes()[..], reason.as_bytes()].concat()),
        }
    }

    /// The table says by its keys what it is.
    fn of(table: Table) -> Result<Self, String> {
        let piece = match () {
            () if table.contains_key("hex") => {
                let Hex { hex } = table.try_into().map_err(|error| error.to_string())?;
                return from_hex(&hex).map(Self::Hex).ok_or_else(|| format!("{hex:?} is not hexadecimal"));
            }
            () if table.contains_key("repeat") => table.try_into().map(Self::Repeat),
            () if table.contains_key("close") => table.try_into().map(Self::Close),
            () => table.try_into().map(Self::Frame),
        };
        piece.map_err(|error| error.to_string())
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BytesVisitor)
    }
}

struct BytesVisitor;

impl<'de> de::Visitor<'de> for BytesVisitor {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a piece, or a list of them (corpus/README.md)")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Bytes, E> {
        Ok(Bytes(vec![Piece::Text(text.to_owned())]))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Bytes, A::Error> {
        let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Piece::of(table).map(|piece| Bytes(vec![piece])).map_err(de::Error::custom)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Bytes, A::Error> {
        let mut pieces = Vec::new();
        while let Some(Bytes(more)) = list.next_element()? {
            pieces.extend(more);
        }
        Ok(Bytes(pieces))
    }
}

fn numbered(piece: &[u8], times: usize) -> Vec<u8> {
    // A number between what stands before and behind it, because a million replacements take their time.
    let Some(at) = piece.windows(3).position(|window| window == b"{n}") else { return piece.repeat(times) };
    let (before, behind) = (&piece[..at], &piece[at + 3..]);
    let mut bytes = Vec::with_capacity(times * (piece.len() + 3));
    for n in 0..times {
        bytes.extend_from_slice(before);
        bytes.extend_from_slice(n.to_string().as_bytes());
        bytes.extend_from_slice(behind);
    }
    bytes
}

fn from_hex(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<_> = hex.split_whitespace().collect::<String>().chars().map(|digit| digit.to_digit(16)).collect();
    let pair = |pair: &[Option<u32>]| match pair {
        [Some(high), Some(low)] => u8::try_from(high << 4 | low).ok(),
        _ => None,
    };
    digits.chunks(2).map(pair).collect()
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
            ("[\"a\"]", b"a"),
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
            "{ hex = \"f\" }",
            "{ hex = \"fg\" }",
            "{ hex = \"ff\", times = 2 }",
            "{ repeat = \"a\", time = 2 }",
            "{ opcode = 9, mask = 1 }",
            "{ close = 70000 }",
            "{ close = 1000, opcode = 8 }",
            "{}",
            "5",
        ] {
            assert!(bytes(toml).is_err(), "{toml}");
        }
    }

    #[test]
    fn a_name_is_replaced_wherever_it_stands() {
        let bytes = Bytes(vec![Piece::Text("GET {prefix}/a/{prefix} {other}".to_owned())]);
        assert_eq!(bytes.with(&[("{prefix}", "/live")]), b"GET /live/a//live {other}");
    }
}
