//! Several Redis hosts, each with the groups that the ring gives it.

use super::{LAYERS, Layer, Node, RedisServer, brisk, channel, event, eventually, inbox, members, post};

fn url(layer: Layer, redis: &[RedisServer]) -> String {
    let hosts: Vec<_> = redis.iter().map(|redis| format!("127.0.0.1:{}", redis.port())).collect();
    let name = if layer == Layer::Core { "core" } else { "pubsub" };
    format!("redis+channels://{}/0?layer={name}", hosts.join(","))
}

#[tokio::test]
async fn each_page_is_on_the_host_that_channels_puts_it_on() {
    for layer in LAYERS {
        let redis = [RedisServer::start(), RedisServer::start()];
        let nodes = [(); 2].map(|()| Node::on(&url(layer, &redis), brisk()));
        let mut places = [0, 0];
        for number in 0..12 {
            let name = format!("page-{number}");
            let mut readers = [nodes[0].reader(&name, None).await, nodes[1].reader(&name, None).await];
            let followers = [&redis[0], &redis[1]].map(|redis| layer.followers(redis, &name));
            let place = usize::from(followers == [0, 2]);
            assert_eq!(followers[place], 2, "{followers:?}");
            places[place] += 1;
            layer.send(&mut redis[place].client(), &name, &event("1", "from Channels"));
            for reader in &mut readers {
                reader.shows("1", "from Channels").await;
            }
            nodes[0].publish(&name, post("1", "from Live")).await;
            for reader in &mut readers {
                reader.shows("1", "from Live").await;
            }
        }
        assert!(places[0] > 0 && places[1] > 0, "{places:?}");
        for node in &nodes {
            node.bus.check().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_consumer_may_have_its_inbox_on_another_host_than_its_group() {
    let redis = [RedisServer::start(), RedisServer::start()];
    let node = Node::on(&url(Layer::Core, &redis), brisk());
    // As channels_redis 4.3.0 places them: the group on the second host, the inbox on the first.
    let member = "specific.0123456789abcdef!x";
    redis[1].client().command(&[b"ZADD", b"asgi:group:liveblog_GOLD", b"32503680000", member.as_bytes()]);
    node.publish("GOLD", post("1", "across")).await;
    assert_eq!(super::range(&mut redis[0].client(), &inbox(member)).len(), 1);
    assert_eq!(super::range(&mut redis[1].client(), &inbox(member)).len(), 0);
}

#[tokio::test]
async fn a_host_that_is_away_takes_only_its_own_pages_along() {
    let mut redis = [RedisServer::start(), RedisServer::start()];
    let node = Node::on(&url(Layer::Core, &redis), brisk());
    // As channels_redis 4.3.0 places them.
    let (mut on_first, mut on_second) = (node.reader("Ü", None).await, node.reader("GOLD", None).await);
    assert_eq!(members(&mut redis[0].client(), "Ü").len(), 1);
    assert_eq!(members(&mut redis[1].client(), "GOLD").len(), 1);
    redis[0].kill();
    eventually("a failed check", async || node.bus.check().await.err()).await;
    node.publish("GOLD", post("1", "all the same")).await;
    on_first.frame_where(|frame| frame.get("stale").is_some()).await;
    // Also where heads are compared.
    let cursor = on_second.shows("1", "all the same").await["cursor"].as_str().unwrap().to_owned();
    let heads = node.bus.heads(&[channel("Ü"), channel("GOLD")]).await.unwrap();
    assert_eq!((heads[1].to_string() == cursor, heads[0].to_string() == cursor), (true, false));
    assert!(node.bus.heads(&[channel("Ü")]).await.is_err());
    for _ in 0..5 {
        let frame = on_second.frame().await;
        assert!(frame.get("stale").is_none(), "{frame}");
    }
    assert_eq!(node.poll("GOLD", &cursor).await.0, 204);
    redis[0].restart();
    on_first.frame_where(|frame| frame.get("reload").is_some()).await;
    eventually("an answer", async || node.bus.check().await.ok()).await;
}
