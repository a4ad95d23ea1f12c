//! The names of one connection: its process-local channel, which is a prefix to all consumers in it, and the inbox of that.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{super::ring, Layer};
use crate::bus::redis::relay::topics::{Followed, Named};

#[derive(Debug)]
pub(super) struct Names {
    /// `specific.<random>!`: what is sent to names that begin so is for this connection.
    local: String,
    inbox: String,
}

/// A topic by the name of its consumer.
pub(super) struct Addressee {
    channel: String,
    number: u64,
}

impl Names {
    /// New for each connection: a Redis that has not noticed the end of an earlier one would hand that what is in its inbox.
    pub(super) fn new(layer: &Layer, place: usize) -> Result<Self, getrandom::Error> {
        loop {
            let mut random = [0; 16];
            getrandom::fill(&mut random)?;
            let mut local = "specific.".to_owned();
            // Writing to a string does not fail.
            random.iter().for_each(|byte| write!(local, "{byte:02x}").unwrap_or_default());
            local.push('!');
            // One of as many as there are hosts is for this one: a host has the groups and the inbox of its connection.
            if ring::place(&local, layer.hosts) == place {
                return Ok(Self { inbox: format!("{}{local}", layer.prefix), local });
            }
        }
    }

    /// The sorted set with what was sent to this connection.
    pub(super) fn inbox(&self) -> &str {
        &self.inbox
    }

    /// The consumer that a topic is in its group. It has the channel in it, so that no table is needed to find the way back.
    pub(super) fn member(&self, followed: &Followed) -> String {
        format!("{}{:x}.{}", self.local, followed.number, URL_SAFE_NO_PAD.encode(followed.channel.as_str()))
    }

    pub(super) fn addressee(&self, member: &str) -> Option<Addressee> {
        let (number, channel) = member.strip_prefix(self.local.as_str())?.split_once('.')?;
        let number = u64::from_str_radix(number, 16).ok()?;
        let channel = String::from_utf8(URL_SAFE_NO_PAD.decode(channel).ok()?).ok()?;
        Some(Addressee { channel, number })
    }
}

impl Addressee {
    pub(super) fn named(&self) -> Named<'_> {
        Named { channel: &self.channel, number: Some(self.number) }
    }
}

/// The part of a consumer's name that it shares with all others of its process (`non_local_name`).
pub(super) fn local_of(member: &str) -> &str {
    member.find('!').and_then(|at| member.get(..=at)).unwrap_or(member)
}
