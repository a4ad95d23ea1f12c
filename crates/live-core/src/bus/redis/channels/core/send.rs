//! `group_send`: to the inbox of each process that has consumers in the group.

use std::sync::Arc;

use indexmap::IndexMap;

use super::{
    super::{group, ring},
    Layer,
    link::Connection,
    names::local_of,
};
use crate::{
    bus::{
        BusError,
        redis::{
            keeper::bus_error,
            relay::{Carry as _, Links},
        },
    },
    cursor::Cursor,
    id::ChannelId,
};

/// To the inboxes in KEYS, each with its message and the capacity behind them, as channels_redis does it.
const SEND: &str = "
    local full = 0
    local now, expiry, oldest, capacity = ARGV[#KEYS + 1], ARGV[#KEYS + 2], ARGV[#KEYS + 3], tonumber(ARGV[#KEYS + 4])
    for i = 1, #KEYS do
        redis.call('ZREMRANGEBYSCORE', KEYS[i], 0, oldest)
        if redis.call('ZCOUNT', KEYS[i], '-inf', '+inf') < capacity then
            redis.call('ZADD', KEYS[i], now, ARGV[i])
            redis.call('EXPIRE', KEYS[i], expiry)
        else
            full = full + 1
        end
    end
    return full
";

pub(super) async fn send(
    layer: &Layer,
    links: &Links<Connection>,
    channel: &ChannelId,
    event: &[u8],
) -> Result<Cursor, BusError> {
    let place = ring::place(&group(channel), layer.hosts);
    let connection = links.connection(place).await?;
    let topics = connection.topics();
    let ours = topics.followed(channel);
    let members = links.answer(place, &connection, members(layer, &connection, channel)).await?;
    let ours = ours.filter(|ours| {
        let is_member = members.contains(&connection.names.member(ours));
        if !is_member {
            // Somebody has emptied the group. What was sent meanwhile is lost to this node, and its readers are told.
            topics.lose(ours.into());
        }
        is_member
    });
    let mut inboxes = inboxes(layer, &members, event)?;
    // All of them before the first is sent to: until then nothing has happened.
    let mut senders = Vec::new();
    for place in inboxes.keys() {
        senders.push((*place, links.connection(*place).await?));
    }
    let ours = ours.and_then(|_| inboxes.get(&place)?.get(connection.names.inbox()));
    let arrival = ours.and_then(|message| topics.expect(channel, message));
    for (place, sender) in senders {
        let inboxes = inboxes.swap_remove(&place).unwrap_or_default();
        let full = links.answer(place, &sender, push(layer, &sender, inboxes)).await.map_err(may_have_been_sent)?;
        if full > 0 {
            tracing::info!(%channel, full, "inboxes of the group are over their capacity");
        }
    }
    let cursor = match arrival {
        Some(arrival) => arrival.await.ok(),
        None => None,
    };
    Ok(cursor.unwrap_or_else(|| topics.head(channel)))
}

fn may_have_been_sent(error: BusError) -> BusError {
    match error {
        BusError::Down { .. } => BusError::Unavailable,
        error => error,
    }
}

async fn members(layer: &Layer, connection: &Connection, channel: &ChannelId) -> Result<Vec<String>, BusError> {
    let (key, mut pipe) = (layer.group_key(channel), redis::pipe());
    pipe.cmd("ZREMRANGEBYSCORE").arg(&key).arg(0).arg(layer.oldest(layer.group_expiry)).ignore();
    pipe.cmd("ZRANGE").arg(&key).arg(0).arg(-1);
    let members: (Vec<Vec<u8>>,) = pipe.query_async(&mut connection.commands.clone()).await.map_err(bus_error)?;
    // A name that is no text is none of Channels'.
    Ok(members.0.into_iter().filter_map(|member| String::from_utf8(member).ok()).collect())
}

/// By host, and there by inbox, what is sent.
type Inboxes = IndexMap<usize, IndexMap<String, Vec<u8>>>;

fn inboxes(layer: &Layer, members: &[String], event: &[u8]) -> Result<Inboxes, BusError> {
    let mut processes: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for member in members {
        processes.entry(local_of(member)).or_default().push(member);
    }
    let mut inboxes = Inboxes::new();
    for (local, members) in processes {
        // Two messages in a sorted set have to differ.
        let mut message = vec![0; layer.random_prefix_length];
        getrandom::fill(&mut message)?;
        message.extend(layer.codec.seal(layer.codec.address(event, &members))?);
        let host = inboxes.entry(ring::place(local, layer.hosts)).or_default();
        host.insert(format!("{}{local}", layer.prefix), message);
    }
    Ok(inboxes)
}

/// How many of them were full.
async fn push(
    layer: &Layer,
    connection: &Arc<Connection>,
    inboxes: IndexMap<String, Vec<u8>>,
) -> Result<u64, BusError> {
    let mut command = redis::cmd("EVAL");
    command.arg(SEND).arg(inboxes.len());
    command.arg(inboxes.keys().collect::<Vec<_>>()).arg(inboxes.into_values().collect::<Vec<_>>());
    command.arg(layer.score()).arg(layer.expiry.as_secs()).arg(layer.oldest(layer.expiry)).arg(layer.capacity);
    command.query_async(&mut connection.commands.clone()).await.map_err(bus_error)
}
