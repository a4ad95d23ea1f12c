//! What is on the wire: Wagtail Live's event for its consumers, as channels_redis serializes and encrypts it.

use std::{borrow::Cow, io::Cursor, str::FromStr};

use serde::Deserialize;

use super::fernet::{Age, Keys};
use crate::{
    bus::{
        BusError,
        redis::relay::message::{Message, MessageError},
    },
    config::Clock,
    update::Update,
};

/// How an event becomes bytes, and bytes an event.
#[derive(Debug)]
pub(super) struct Codec {
    pub(super) format: Format,
    pub(super) keys: Option<Keys>,
    /// How old an encrypted message may be, in seconds.
    pub(super) max_seconds: Option<u64>,
    pub(super) clock: Clock,
}

/// The serializers that channels_redis has by itself (version 3: only the first).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    MessagePack,
    Json,
}

impl FromStr for Format {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "msgpack" => Ok(Self::MessagePack),
            "json" => Ok(Self::Json),
            _ => Err(()),
        }
    }
}

/// The consumer's method that is called, `update` of Wagtail Live's `DjangoChannelsApp`.
const TYPE: &str = "update";
/// Where the core layer says which of a process's consumers a message is for.
const CHANNELS: &str = "__asgi_channel__";
/// For what an event has beside the update: the names of consumers, and Fernet's own bytes.
const BESIDE: usize = 4 << 10;
/// Deeper than any event, and far from what a stack holds.
const MAX_DEPTH: usize = 64;

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    #[serde(flatten)]
    update: Update,
}

#[derive(Deserialize)]
struct Addressed {
    #[serde(rename = "__asgi_channel__")]
    channels: Names,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    /// Of `group_send`.
    Many(Vec<String>),
    /// Of `send`.
    One(String),
}

impl Codec {
    pub(super) fn encode(&self, update: &Update) -> Vec<u8> {
        let message = Message::new(Some(TYPE), update);
        // An update has nothing that either of them cannot say.
        let bytes = match self.format {
            Format::MessagePack => rmp_serde::to_vec_named(&message).ok(),
            Format::Json => serde_json::to_vec(&message).ok(),
        };
        bytes.unwrap_or_default()
    }

    /// The event with the names of the consumers whom it is for, as its last entry.
    pub(super) fn address(&self, event: &[u8], channels: &[&str]) -> Vec<u8> {
        let mut bytes = event.to_vec();
        match self.format {
            Format::MessagePack => {
                // A map of three or four entries says so in its first byte.
                if let Some(first) = bytes.first_mut() {
                    *first += 1;
                }
                bytes.extend(rmp_serde::to_vec(CHANNELS).unwrap_or_default());
                bytes.extend(rmp_serde::to_vec(&channels).unwrap_or_default());
            }
            Format::Json => {
                bytes.pop();
                bytes.extend_from_slice(format!(",\"{CHANNELS}\":").as_bytes());
                bytes.extend(serde_json::to_vec(&channels).unwrap_or_default());
                bytes.push(b'}');
            }
        }
        bytes
    }

    /// Encrypts it, if there are keys.
    pub(super) fn seal(&self, event: Vec<u8>) -> Result<Vec<u8>, BusError> {
        match &self.keys {
            Some(keys) => keys.encrypt(&event, self.now()),
            None => Ok(event),
        }
    }

    /// Decrypts it, if there are keys. `max` is of an update.
    pub(super) fn open<'a>(&self, message: &'a [u8], max: usize) -> Result<Cow<'a, [u8]>, MessageError> {
        // Of a token three bytes of four are text.
        let bytes = if self.keys.is_some() { message.len() / 4 * 3 } else { message.len() };
        if bytes > max.saturating_add(BESIDE) {
            return Err(MessageError::TooLarge { bytes, max });
        }
        let Some(keys) = &self.keys else { return Ok(message.into()) };
        let age = self.max_seconds.map(|max_seconds| Age { now: self.now(), max_seconds });
        keys.decrypt(message, age).map(Into::into).ok_or(MessageError::NotDecrypted)
    }

    /// Parses an event, without the content of hidden posts.
    pub(super) fn decode(&self, event: &[u8]) -> Result<Update, MessageError> {
        let event: Event = self.parse(event)?;
        if event.kind == TYPE { Ok(event.update) } else { Err(MessageError::NotAnEvent) }
    }

    /// The names of the consumers whom it is for.
    pub(super) fn channels(&self, event: &[u8]) -> Result<Vec<String>, MessageError> {
        let addressed: Addressed = self.parse(event)?;
        Ok(match addressed.channels {
            Names::Many(names) => names,
            Names::One(name) => vec![name],
        })
    }

    fn parse<T: for<'de> Deserialize<'de>>(&self, event: &[u8]) -> Result<T, MessageError> {
        match self.format {
            Format::MessagePack => {
                let mut deserializer = rmp_serde::Deserializer::new(Cursor::new(event));
                deserializer.set_max_depth(MAX_DEPTH);
                let parsed = T::deserialize(&mut deserializer).map_err(not_message_pack)?;
                let is_all = deserializer.get_ref().position() == event.len() as u64;
                if is_all { Ok(parsed) } else { Err(MessageError::NotMessagePack) }
            }
            Format::Json => serde_json::from_slice(event)
                .map_err(|error| if error.is_data() { MessageError::NotAnEvent } else { MessageError::NotJson }),
        }
    }

    fn now(&self) -> u64 {
        self.clock.now() / 1_000_000
    }
}

fn not_message_pack(error: rmp_serde::decode::Error) -> MessageError {
    use rmp_serde::decode::Error;
    match error {
        // It ends too soon.
        Error::InvalidMarkerRead(_) | Error::InvalidDataRead(_) => MessageError::NotMessagePack,
        _ => MessageError::NotAnEvent,
    }
}

#[cfg(test)]
mod tests;
