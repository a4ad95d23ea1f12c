//! The bus `redis+channels://`: Wagtail Live's publisher and consumers on both layers of channels_redis, played by hand.

mod core;
mod garbage;
mod hosts;
mod outages;
mod rights;
mod wire;

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Node, RedisServer, brisk, channel, eventually, is_long, post, render};
use crate::redis_server::{RedisClient, Reply};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Core,
    PubSub,
}

const LAYERS: [Layer; 2] = [Layer::Core, Layer::PubSub];

impl Layer {
    fn url(self, redis: &RedisServer, more: &str) -> String {
        let layer = if self == Self::Core { "core" } else { "pubsub" };
        format!("redis+channels://127.0.0.1:{}/0?layer={layer}{more}", redis.port())
    }

    fn node(self, redis: &RedisServer) -> Node {
        Node::on(&self.url(redis, ""), brisk())
    }

    /// `group_send` of an event, and how many processes it went to.
    fn send(self, redis: &mut RedisClient, page: &str, event: &[u8]) -> usize {
        match self {
            Self::PubSub => usize::try_from(redis.publish(&format!("asgi__group__liveblog_{page}"), event)).unwrap(),
            Self::Core => {
                let members = members(redis, page);
                members.iter().for_each(|member| push(redis, member, &addressed(event, &[member])));
                members.len()
            }
        }
    }

    /// How many processes follow the page.
    fn followers(self, redis: &RedisServer, page: &str) -> usize {
        match self {
            Self::PubSub => usize::try_from(redis.subscribers(&format!("asgi__group__liveblog_{page}"))).unwrap(),
            Self::Core => members(&mut redis.client(), page).len(),
        }
    }
}

/// The consumers in the group of a page.
fn members(redis: &mut RedisClient, page: &str) -> Vec<String> {
    let key = format!("asgi:group:liveblog_{page}");
    texts(redis.command(&[b"ZRANGE", key.as_bytes(), b"0", b"-1"]))
}

/// The bytes that are in a sorted set, by their scores.
fn range(redis: &mut RedisClient, key: &str) -> Vec<Vec<u8>> {
    let Reply::Many(members) = redis.command(&[b"ZRANGE", key.as_bytes(), b"0", b"-1"]) else { panic!("not a set") };
    let bytes = members.into_iter().map(|member| match member {
        Reply::Bytes(Some(bytes)) => bytes,
        other => panic!("not bytes: {other:?}"),
    });
    bytes.collect()
}

fn texts(reply: Reply) -> Vec<String> {
    let Reply::Many(replies) = reply else { panic!("not a list: {reply:?}") };
    let text = |reply| match reply {
        Reply::Bytes(Some(bytes)) => String::from_utf8(bytes).unwrap(),
        other => panic!("not a text: {other:?}"),
    };
    replies.into_iter().map(text).collect()
}

/// The sorted set in which a process finds what is for this consumer.
fn inbox(member: &str) -> String {
    format!("asgi{}", &member[..=member.find('!').unwrap()])
}

/// As the core layer does: a random prefix, the time of now, and an expiry.
fn push(redis: &mut RedisClient, member: &str, event: &[u8]) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (key, score) = (inbox(member), format!("{:.6}", now.as_secs_f64()));
    let unique = format!("{:012}", now.as_nanos() % 1_000_000_000_000);
    let message = [unique.as_bytes(), event].concat();
    redis.command(&[b"ZADD", key.as_bytes(), score.as_bytes(), &message]);
    redis.command(&[b"EXPIRE", key.as_bytes(), b"60"]);
}

/// A text in MessagePack.
fn packed(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    let head = match text.len() {
        0..32 => vec![0xa0 | length[1]],
        32..256 => vec![0xd9, length[1]],
        _ => vec![0xda, length[0], length[1]],
    };
    [&head, text.as_bytes()].concat()
}

/// What `DjangoChannelsPublisher` sends of one post, as the Pub/Sub layer packs it.
fn event(post: &str, text: &str) -> Vec<u8> {
    let content = format!("<div class=\"live-post\" data-post-id=\"{post}\">{text}</div>");
    let parts = [
        &b"\x83"[..],
        &packed("type"),
        &packed("update"),
        &packed("renders"),
        b"\x81",
        &packed(post),
        b"\x82",
        &packed("show"),
        b"\xc3",
        &packed("content"),
        &packed(&content),
        &packed("removals"),
        b"\x90",
    ];
    parts.concat()
}

/// The event with the names of the consumers of a process, as the core layer packs it.
fn addressed(event: &[u8], members: &[&str]) -> Vec<u8> {
    let names = members.iter().flat_map(|member| packed(member));
    let mut bytes = event.to_vec();
    bytes[0] += 1;
    bytes.extend(packed("__asgi_channel__"));
    bytes.push(0x90 | u8::try_from(members.len()).unwrap());
    bytes.extend(names);
    bytes
}
