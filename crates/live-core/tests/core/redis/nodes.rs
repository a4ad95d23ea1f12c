//! Several nodes on one Redis, and what a publisher is told.

use std::task::{Context, Waker};

use live_core::{BusError, IdempotencyKey, PostId, Sort, Update};
use serde_json::Value;

use super::{Node, RedisServer, channel, eventually, is_long, post, render};

#[tokio::test]
async fn readers_on_all_nodes_get_what_one_of_them_publishes() {
    let redis = RedisServer::start();
    let nodes = [Node::new(&redis), Node::new(&redis)];
    let mut readers = [nodes[0].reader("a", None).await, nodes[1].reader("a", None).await];
    assert_eq!(redis.subscribers("group_a"), 2);
    for (number, node) in nodes.iter().enumerate() {
        let update = Update::new().render(render("1", &number.to_string()).sort(Sort::pinned(3)).rev(7));
        node.publish("a", update).await;
        for reader in &mut readers {
            let frame = reader.shows("1", &format!(">{number}<")).await;
            assert_eq!(frame["renders"]["1"]["sort"], Sort::pinned(3).number());
        }
    }
    // A revision counts on every node, also that of a removal.
    nodes[0].publish("a", Update::new().remove_rev(PostId::new("1").unwrap(), 9)).await;
    nodes[1].publish("a", Update::new().render(render("1", "late").rev(8))).await;
    nodes[1].publish("a", post("2", "next")).await;
    for reader in &mut readers {
        assert_eq!(reader.news().await["removals"], serde_json::json!(["1"]));
        reader.shows("2", "next").await;
    }
}

#[tokio::test]
async fn a_publish_to_a_page_that_nobody_follows_here_has_no_version() {
    let redis = RedisServer::start();
    let (publisher, other) = (Node::new(&redis), Node::new(&redis));
    let mut reader = other.reader("a", None).await;
    let published = publisher.publish("a", post("1", "one")).await;
    assert_eq!(published.version().number(), 0);
    reader.shows("1", "one").await;
    // Whoever takes it for a cursor is not left behind.
    let mut reader = publisher.reader("a", Some(&published.cursor.to_string())).await;
    assert_eq!(reader.frame().await["reload"], true);
}

#[tokio::test]
async fn a_reader_from_another_node_fetches_the_page_again() {
    let redis = RedisServer::start();
    let nodes = [Node::new(&redis), Node::new(&redis)];
    let _readers = [nodes[0].reader("a", None).await, nodes[1].reader("a", None).await];
    let cursor = nodes[0].publish("a", post("1", "one")).await.cursor.to_string();
    assert_eq!(nodes[1].reader("a", Some(&cursor)).await.frame().await["reload"], true);
    let frame = nodes[0].reader("a", Some(&cursor)).await.frame().await;
    assert_eq!((&frame["cursor"], frame.get("reload")), (&Value::String(cursor), None));
}

#[tokio::test]
async fn all_nodes_end_in_the_same_state_however_many_publish() {
    let redis = RedisServer::start();
    let nodes = [Node::new(&redis), Node::new(&redis)];
    let _readers = [nodes[0].reader("a", None).await, nodes[1].reader("a", None).await];
    let rounds = if is_long() { 2_000 } else { 200 };
    let publish = async |node: &Node, name: &str| {
        for number in 0..rounds {
            node.publish("a", post(&(number % 7).to_string(), &format!("{name}-{number}"))).await;
        }
    };
    tokio::join!(publish(&nodes[0], "first"), publish(&nodes[1], "second"));
    // Once a node has answered a ping it has everything that was published before.
    for node in &nodes {
        node.bus.check().await.unwrap();
    }
    let [first, second] = [nodes[0].poll("a", "*").await.1, nodes[1].poll("a", "*").await.1];
    assert_eq!(first["renders"].as_object().unwrap().len(), 7);
    assert_eq!(first["renders"], second["renders"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_kept_of_a_publish_whose_caller_has_gone_away() {
    let redis = RedisServer::start();
    let node = Node::new(&redis);
    let mut subscriber = redis.client();
    subscriber.subscribe("group_a");
    node.bus.check().await.unwrap();
    let key = IdempotencyKey::new("post-1").unwrap();
    let id = channel("a");
    let publish = |text: &str| node.bus.publish(&id, post("1", text), Some(&key));
    let frozen = redis.freeze();
    let mut half_way = publish("one");
    // It is on its way to Redis, which has not answered.
    assert!(half_way.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(half_way);
    assert!(matches!(publish("one").await, Err(BusError::Unavailable)), "nobody knows yet");
    drop(frozen);
    assert!(String::from_utf8(subscriber.next_message()).unwrap().contains("one"));
    assert!(eventually("the outcome", async || publish("one").await.ok()).await.repeated);
    node.publish("a", post("2", "end")).await;
    assert!(String::from_utf8(subscriber.next_message()).unwrap().contains("end"));
}
