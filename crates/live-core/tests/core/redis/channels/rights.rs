//! A user of Redis with no more rights than the documentation asks for.

use super::{Layer, Node, RedisServer, brisk, event, eventually};
use crate::redis_server::Reply;

#[tokio::test]
async fn a_page_that_redis_keeps_from_this_user_does_not_stop_the_others() {
    // Without the rights to other pages.
    let rights = [
        (Layer::PubSub, "&asgi__group__liveblog_a +hello +auth +select +client +ping +publish +subscribe +unsubscribe"),
        (
            Layer::Core,
            "~asgi:group:liveblog_a ~asgispecific* +auth +select +client +ping +multi +exec +eval +del +expire +zadd +zcard +zcount +zpopmin +bzpopmin +zrange +zrem +zremrangebyscore +zscore",
        ),
    ];
    for (layer, rights) in rights {
        let redis = RedisServer::start();
        let rules = format!("ACL SETUSER live on >pw resetchannels -@all {rights}");
        let rules: Vec<_> = rules.split(' ').map(str::as_bytes).collect();
        assert_eq!(redis.client().command(&rules), Reply::Status("OK".to_owned()));
        let node = Node::on(&layer.url(&redis, "").replace("127.0.0.1", "live:pw@127.0.0.1"), brisk());
        // Both at once, so that they are in one command.
        let (a, b) = tokio::join!(node.try_reader("a", None), node.try_reader("b", None));
        assert!(b.is_err());
        let mut reader = a.unwrap();
        layer.send(&mut redis.client(), "a", &event("1", "from Channels"));
        reader.shows("1", "from Channels").await;
        node.publish("a", super::post("1", "from Live")).await;
        reader.shows("1", "from Live").await;
        let refused = node.bus.publish(&super::channel("b"), super::post("1", "x"), None).await;
        assert!(matches!(refused, Err(live_core::BusError::Store(_))), "{refused:?}");
        node.bus.check().await.unwrap();
        drop(reader);
        eventually("nobody in the group", async || (layer.followers(&redis, "a") == 0).then_some(())).await;
        // Nothing was refused that it needs.
        let Reply::Many(log) = redis.client().command(&[b"ACL", b"LOG"]) else { panic!("no log") };
        let log = format!("{log:?}");
        assert!(!log.contains("command"), "{log}");
    }
}
