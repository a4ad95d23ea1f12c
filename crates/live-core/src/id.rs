//! The names of pages and posts: valid once parsed, the same in every adapter.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The address of one live page.
///
/// 1 to 255 Unicode scalar values, without `/` and control characters. It is case-sensitive and not normalised.
///
/// ```
/// use live_core::ChannelId;
/// assert_eq!(ChannelId::new("match-7")?.as_str(), "match-7");
/// assert!(ChannelId::new("a/b").is_err());
/// # Ok::<(), live_core::IdError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(Arc<str>);

impl ChannelId {
    /// Checks a channel id.
    ///
    /// # Errors
    /// Each [`IdError`] names what is wrong with the id; choose another.
    pub fn new(id: impl AsRef<str>) -> Result<Self, IdError> {
        let id = id.as_ref();
        check_length("channel", id)?;
        match id.chars().find(|c| *c == '/' || c.is_control()) {
            Some(character) => Err(IdError::Character { kind: "channel", character }),
            None => Ok(Self(id.into())),
        }
    }

    /// Decodes one segment of a request's path: percent-decoded once (RFC 3986 §2.1), then checked as by [`ChannelId::new`].
    ///
    /// # Errors
    /// [`IdError::Encoding`] for a `%` without two hexadecimal digits and for bytes that are not UTF-8; else as [`ChannelId::new`].
    pub fn from_path_segment(segment: &str) -> Result<Self, IdError> {
        if !segment.contains('%') {
            return Self::new(segment);
        }
        if !percent_signs_are_complete(segment) {
            return Err(IdError::Encoding);
        }
        let decoded = percent_decode_str(segment).decode_utf8().map_err(|_| IdError::Encoding)?;
        Self::new(decoded)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of one post of a page.
///
/// 1 to 255 Unicode scalar values, without control characters, U+2028, U+2029 and `' " \ < > &`: Wagtail Live's own
/// browser code pastes it into a selector.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PostId(Arc<str>);

impl PostId {
    /// Checks a post id.
    ///
    /// # Errors
    /// Each [`IdError`] names what is wrong with the id; choose another.
    pub fn new(id: impl AsRef<str>) -> Result<Self, IdError> {
        let id = id.as_ref();
        check_length("post", id)?;
        match id.chars().find(|c| c.is_control() || "'\"\\<>&\u{2028}\u{2029}".contains(*c)) {
            Some(character) => Err(IdError::Character { kind: "post", character }),
            None => Ok(Self(id.into())),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a channel or post id is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// The id has no character.
    #[error("{kind} id is empty")]
    Empty {
        /// `channel` or `post`.
        kind: &'static str,
    },
    /// The id is longer than [`MAX_ID_CHARACTERS`].
    #[error("{kind} id is longer than 255 characters")]
    TooLong {
        /// `channel` or `post`.
        kind: &'static str,
    },
    /// The id has a character that is not allowed in it.
    #[error("{kind} id contains {character:?}, which is not allowed there")]
    Character {
        /// `channel` or `post`.
        kind: &'static str,
        /// The first such character.
        character: char,
    },
    /// The path is not percent-encoded UTF-8.
    #[error("channel id in the path is not percent-encoded UTF-8")]
    Encoding,
}

/// The most characters (Unicode scalar values) that an id may have; Wagtail Live's model has the same limit.
pub const MAX_ID_CHARACTERS: usize = 255;

fn check_length(kind: &'static str, id: &str) -> Result<(), IdError> {
    if id.is_empty() {
        return Err(IdError::Empty { kind });
    }
    // No text has more characters than bytes.
    if id.len() > MAX_ID_CHARACTERS && id.chars().nth(MAX_ID_CHARACTERS).is_some() {
        return Err(IdError::TooLong { kind });
    }
    Ok(())
}

fn percent_signs_are_complete(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|b| b.is_ascii_hexdigit()))
}

macro_rules! text_newtype {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(id: &str) -> Result<Self, IdError> {
                Self::new(id)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(IdVisitor).and_then(|id| Self::new(id).map_err(de::Error::custom))
            }
        }
    };
}

text_newtype!(ChannelId);
text_newtype!(PostId);

/// Accepts ids that are numbers in JSON: publishers that use a database's row ids send them so.
struct IdVisitor;

impl de::Visitor<'_> for IdVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id (text or a whole number)")
    }

    fn visit_str<E: de::Error>(self, id: &str) -> Result<String, E> {
        Ok(id.to_owned())
    }

    fn visit_u64<E: de::Error>(self, id: u64) -> Result<String, E> {
        Ok(id.to_string())
    }

    fn visit_i64<E: de::Error>(self, id: i64) -> Result<String, E> {
        Ok(id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_id_is_1_to_255_characters_without_slash_and_control() {
        assert!(ChannelId::new("ü".repeat(255)).is_ok());
        assert_eq!(ChannelId::new("ü".repeat(256)), Err(IdError::TooLong { kind: "channel" }));
        assert_eq!(ChannelId::new(""), Err(IdError::Empty { kind: "channel" }));
        for bad in ["a/b", "a\0", "a\n", "\u{7f}", "\u{85}"] {
            assert!(ChannelId::new(bad).is_err(), "{bad:?}");
        }
        for good in ["*", "..", "group_[a-c]", "-100123", "a b", "\"", "\u{202e}x"] {
            assert!(ChannelId::new(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn a_path_segment_is_decoded_exactly_once() {
        assert_eq!(ChannelId::from_path_segment("a%2525").unwrap().as_str(), "a%25");
        assert_eq!(ChannelId::from_path_segment("%C3%BC").unwrap().as_str(), "ü");
        for bad in ["%", "%4", "%zz", "%ED%A0%80", "%ff", "a%2Fb", "%00", "%0d%0a", "%+1"] {
            assert!(ChannelId::from_path_segment(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_post_id_can_be_pasted_into_a_selector() {
        for bad in ["'", "\"", "\\", "<", ">", "&", "\u{2028}", "\u{2029}", "\t"] {
            assert!(PostId::new(format!("a{bad}")).is_err(), "{bad:?}");
        }
        assert!(PostId::new("d943e339-4f68-4bb8-8f25-b85f423f136b").is_ok());
        assert!(PostId::new("a/b]").is_ok());
    }

    #[test]
    fn ids_that_are_numbers_in_json_are_accepted() {
        assert_eq!(serde_json::from_str::<PostId>("7").unwrap().as_str(), "7");
        assert_eq!(serde_json::from_str::<PostId>("-7").unwrap().as_str(), "-7");
        assert!(serde_json::from_str::<PostId>("7.5").is_err());
        assert!(serde_json::from_str::<PostId>("null").is_err());
    }
}
