//! Redis goes away and comes back. The readers stay.

use std::time::Duration;

use live_core::{BusError, Config};

use super::{LAYERS, Layer, Node, RedisServer, brisk, channel, event, eventually, members, post};

/// The reader learns that it missed something, and then gets what is published.
async fn goes_on(layer: Layer, redis: &RedisServer, reader: &mut super::super::Socket) {
    let frame = reader.frame_where(|frame| frame.get("reload").is_some()).await;
    assert_eq!(layer.send(&mut redis.client(), "a", &event("2", "afterwards")), 1);
    assert_eq!(reader.shows("2", "afterwards").await["prev"], frame["cursor"]);
    assert_eq!(layer.followers(redis, "a"), 1);
}

#[tokio::test]
async fn readers_stay_through_an_outage_and_go_on_afterwards() {
    for layer in LAYERS {
        let mut redis = RedisServer::start();
        let node = layer.node(&redis);
        let mut reader = node.reader("a", None).await;
        let cursor = node.publish("a", post("1", "before")).await.cursor.to_string();
        reader.shows("1", "before").await;
        redis.kill();
        let stale = reader.frame_where(|frame| frame.get("stale").is_some()).await;
        assert_eq!(stale["cursor"], cursor);
        assert_eq!(node.poll("a", &cursor).await.0, 503);
        eventually("an error", async || node.bus.check().await.err()).await;
        let lost = node.bus.publish(&channel("a"), post("1", "lost"), None).await;
        assert!(matches!(lost, Err(BusError::Down { .. })), "{lost:?}");
        redis.restart();
        goes_on(layer, &redis, &mut reader).await;
        assert!(node.bus.check().await.is_ok());
    }
}

#[tokio::test]
async fn connections_that_are_cut_leave_nothing_behind() {
    let redis = RedisServer::start();
    // Neither renewals nor comparisons help here.
    let config = Config { compare_interval: 10 * super::super::DEADLINE, ..brisk() };
    let node = Node::on(&Layer::Core.url(&redis, ""), config);
    let mut reader = node.reader("a", None).await;
    let mut inboxes = std::collections::HashSet::new();
    for _ in 0..3 {
        let former = members(&mut redis.client(), "a").remove(0);
        assert!(
            inboxes.insert(super::inbox(&former)),
            "an inbox that Redis may still hand to the connection that is gone"
        );
        redis.client().command(&[b"CLIENT", b"KILL", b"TYPE", b"normal", b"SKIPME", b"yes"]);
        goes_on(Layer::Core, &redis, &mut reader).await;
    }
}

#[tokio::test]
async fn a_redis_that_hangs_is_noticed_without_a_publish_and_overcome() {
    for layer in LAYERS {
        let redis = RedisServer::start();
        // The one wait that is meant to run into it. A busy machine connects and subscribes within this, too.
        let node = Node::on(&layer.url(&redis, ""), Config { bus_deadline: Duration::from_secs(3), ..brisk() });
        let mut reader = node.reader("a", None).await;
        reader.frame().await;
        let frozen = redis.freeze();
        reader.frame_where(|frame| frame.get("stale").is_some()).await;
        eventually("the connection given up", async || (node.bus.subscriptions() == 0).then_some(())).await;
        drop(frozen);
        goes_on(layer, &redis, &mut reader).await;
    }
}

#[tokio::test]
async fn a_redis_that_is_not_there_yet_is_waited_for() {
    for layer in LAYERS {
        let mut redis = RedisServer::start();
        redis.kill();
        let node = layer.node(&redis);
        assert!(node.try_reader("a", None).await.is_err());
        redis.restart();
        let mut reader = eventually("a reader", async || node.try_reader("a", None).await.ok()).await;
        layer.send(&mut redis.client(), "a", &event("1", "at last"));
        reader.shows("1", "at last").await;
    }
}
