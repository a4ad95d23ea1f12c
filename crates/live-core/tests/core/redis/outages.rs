//! Redis goes away and comes back. The readers stay.

use std::time::{Duration, Instant};

use live_core::{BusError, Config, HubError};

use super::{Node, RedisServer, Socket, brisk, channel, eventually, is_long, original, post};
use crate::redis_server::Reply;

fn length_of_an_outage() -> Duration {
    // The longer one is beyond what a client that gives up would wait.
    if is_long() { Duration::from_secs(30) } else { Duration::from_secs(2) }
}

/// The reader learns that it missed something, and then gets what is published.
async fn goes_on(redis: &RedisServer, reader: &mut Socket) {
    let frame = reader.frame_where(|frame| frame.get("reload").is_some()).await;
    assert_eq!(redis.publish("group_a", &original("2", "afterwards")), 1);
    assert_eq!(reader.shows("2", "afterwards").await["prev"], frame["cursor"]);
    assert_eq!(redis.subscribers("group_a"), 1);
}

#[tokio::test]
async fn readers_stay_through_an_outage_and_go_on_afterwards() {
    let mut redis = RedisServer::start();
    let node = Node::new(&redis);
    let mut reader = node.reader("a", None).await;
    let cursor = node.publish("a", post("1", "before")).await.cursor.to_string();
    reader.shows("1", "before").await;
    assert!(node.bus.check().await.is_ok());
    redis.kill();
    let began = Instant::now();
    let stale = reader.frame_where(|frame| frame.get("stale").is_some()).await;
    assert_eq!(stale["cursor"], cursor);
    // Each is answered at once, while the outage lasts.
    assert_eq!(node.poll("a", &cursor).await.0, 503);
    assert_eq!(node.poll("cold", "").await.0, 503);
    assert_eq!(node.hub.cursor(&channel("a")).await, Err(HubError::Unavailable));
    assert!(matches!(node.bus.check().await, Err(BusError::Down { .. })));
    assert!(matches!(node.bus.publish(&channel("a"), post("1", "lost"), None).await, Err(BusError::Down { .. })));
    while began.elapsed() < length_of_an_outage() {
        let frame = reader.frame().await;
        assert!(super::is_heartbeat(&frame), "{frame}");
    }
    redis.restart();
    goes_on(&redis, &mut reader).await;
    eventually("a poll", async || (node.poll("a", "*").await.0 == 200).then_some(())).await;
    assert!(node.bus.check().await.is_ok());
}

#[tokio::test]
async fn a_connection_that_redis_closes_is_made_anew_for_all_pages_at_once() {
    let redis = RedisServer::start();
    // Neither pings nor comparisons help here.
    let node = Node::with(&redis, Config { compare_interval: 10 * super::DEADLINE, ..brisk() });
    let (mut reader, mut other) = (node.reader("a", None).await, node.reader("b", None).await);
    for _ in 0..3 {
        assert_eq!(redis.kill_subscribers(), 1);
        goes_on(&redis, &mut reader).await;
        other.frame_where(|frame| frame.get("reload").is_some()).await;
        eventually("both subscriptions", async || (redis.subscribers("group_b") == 1).then_some(())).await;
        redis.publish("group_b", &original("1", "here, too"));
        other.shows("1", "here, too").await;
    }
}

#[tokio::test]
async fn a_pause_within_the_deadline_loses_nothing() {
    let redis = RedisServer::start();
    let node = Node::new(&redis);
    let mut reader = node.reader("a", None).await;
    let mut publisher = redis.client();
    redis.pause(Duration::from_millis(500));
    let waiting = tokio::task::spawn_blocking(move || publisher.publish("group_a", &original("1", "late")));
    let published = node.publish("a", post("2", "late, too")).await;
    assert_eq!(waiting.await.unwrap(), 1);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let frame = reader.news().await;
        assert!(frame.get("reload").is_none(), "{frame}");
        seen.push(frame["cursor"].as_str().unwrap().to_owned());
    }
    assert!(seen.contains(&published.cursor.to_string()), "{seen:?}");
}

#[tokio::test]
async fn a_redis_that_hangs_is_noticed_without_a_publish_and_overcome() {
    let redis = RedisServer::start();
    // The one wait that is meant to run into it. A busy machine connects and subscribes within this, too.
    let node = Node::with(&redis, Config { bus_deadline: Duration::from_secs(3), ..brisk() });
    let mut reader = node.reader("a", None).await;
    reader.frame().await;
    let frozen = redis.freeze();
    reader.frame_where(|frame| frame.get("stale").is_some()).await;
    eventually("the connection given up", async || (node.bus.subscriptions() == 0).then_some(())).await;
    let lost = node.bus.publish(&channel("a"), post("1", "lost"), None).await;
    assert!(matches!(lost, Err(BusError::Down { .. } | BusError::Unavailable)), "{lost:?}");
    drop(frozen);
    goes_on(&redis, &mut reader).await;
}

#[tokio::test]
async fn a_redis_that_is_not_there_yet_is_waited_for() {
    let mut redis = RedisServer::start();
    redis.kill();
    let node = Node::new(&redis);
    assert!(matches!(node.try_reader("a", None).await, Err(HubError::Unavailable)));
    assert!(node.bus.check().await.is_err());
    assert_eq!(node.hub.open_pages(), 0);
    redis.restart();
    let mut reader = eventually("a reader", async || node.try_reader("a", None).await.ok()).await;
    redis.publish("group_a", &original("1", "at last"));
    reader.shows("1", "at last").await;
}

/// How often Redis has answered with this error.
fn refusals(redis: &RedisServer, error: &str) -> u64 {
    let Reply::Bytes(Some(statistics)) = redis.client().command(&[b"INFO", b"errorstats"]) else { panic!("no text") };
    let statistics = String::from_utf8(statistics).unwrap();
    let line = statistics.lines().find_map(|line| line.strip_prefix(&format!("errorstat_{error}:count=")));
    line.map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn a_ping_that_redis_refuses_is_an_answer_and_no_loss() {
    let redis = RedisServer::start();
    let node = Node::new(&redis);
    let mut reader = node.reader("a", None).await;
    reader.frame().await;
    let rounds: [(&[&[&[u8]]], &str); 2] = [
        (&[&[b"ACL", b"SETUSER", b"default", b"-ping"]], "NOPERM"),
        // Of a replica that has lost its master.
        (
            &[
                &[b"ACL", b"SETUSER", b"default", b"+ping"],
                &[b"CONFIG", b"SET", b"replica-serve-stale-data", b"no"],
                &[b"REPLICAOF", b"127.0.0.1", b"1"],
            ],
            "MASTERDOWN",
        ),
    ];
    for (number, (commands, error)) in rounds.into_iter().enumerate() {
        for command in commands {
            assert_eq!(redis.client().command(command), Reply::Status("OK".to_owned()));
        }
        eventually("pings refused", async || (refusals(&redis, error) >= 3).then_some(())).await;
        assert!(matches!(node.bus.check().await, Err(BusError::Store(_))), "{error}");
        let cursor = node.publish("a", post("1", &format!("round {number}"))).await.cursor.to_string();
        let frame = reader.frame_where(|frame| frame.get("reload").is_some() || frame["cursor"] == *cursor).await;
        assert_eq!((frame.get("reload"), frame.get("stale")), (None, None), "{frame}");
    }
}

#[tokio::test]
async fn an_unsubscription_that_redis_refuses_is_no_loss() {
    let redis = RedisServer::start();
    let node = Node::new(&redis);
    let mut reader = node.reader("a", None).await;
    drop(node.reader("b", None).await);
    let command: [&[u8]; 4] = [b"ACL", b"SETUSER", b"default", b"-unsubscribe"];
    assert_eq!(redis.client().command(&command), Reply::Status("OK".to_owned()));
    eventually("a refusal", async || (refusals(&redis, "NOPERM") == 1).then_some(())).await;
    redis.publish("group_b", &original("1", "nobody reads it"));
    redis.publish("group_a", &original("1", "one"));
    reader.shows("1", "one").await;
    // Redis still has the old subscription. The newcomer gets one page, from now on.
    let mut reader = node.reader("b", None).await;
    redis.publish("group_b", &original("2", "two"));
    let frame = reader.shows("2", "two").await;
    assert_eq!(frame["renders"].as_object().unwrap().len(), 1);
}
