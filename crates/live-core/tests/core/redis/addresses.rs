//! The URL of the bus.

use live_core::{BusError, bus};

use super::{Node, RedisServer, brisk, eventually, original};
use crate::redis_server::Reply;

#[tokio::test]
async fn a_password_opens_the_bus_and_a_wrong_one_does_not() {
    let redis = RedisServer::start_with(&["--requirepass", "open:se@me"]);
    let address = format!("127.0.0.1:{}", redis.port());
    let right = bus::from_url(&format!("redis+pubsub://default:open%3Ase%40me@{address}/0"), &brisk()).unwrap();
    right.check().await.unwrap();
    let password_alone = bus::from_url(&format!("redis+pubsub://:open%3Ase%40me@{address}"), &brisk()).unwrap();
    password_alone.check().await.unwrap();
    for wrong in ["redis+pubsub://", "redis+pubsub://:wrong@"] {
        let bus = bus::from_url(&format!("{wrong}{address}"), &brisk()).unwrap();
        assert!(matches!(bus.check().await, Err(BusError::Down { .. })), "{wrong}");
    }
}

#[tokio::test]
async fn a_url_that_cannot_be_used_is_refused_without_its_password() {
    let urls = [
        "redis+pubsub:secret@host",
        "redis+pubsub://:secret@host:port",
        "redis+pubsub://:secret@host/x",
        "redis+pubsub://:secret",
        "redis+pubsub://host/x?password=secret",
        "rediss+pubsub://me:secret",
    ];
    for url in urls {
        let error = bus::from_url(url, &brisk()).unwrap_err();
        assert!(matches!(error, BusError::Open { .. }));
        assert!(error.to_string().contains("write redis+pubsub://"), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn outside_a_runtime_it_says_so() {
    let error = bus::from_url("redis+pubsub://", &brisk()).unwrap_err();
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}

#[tokio::test]
async fn a_channel_that_redis_keeps_from_this_user_does_not_stop_the_others() {
    let redis = RedisServer::start();
    // The rights that the documentation asks for, without those to other channels.
    let rules = "ACL SETUSER live on >pw resetchannels &group_a &group_c -@all +hello +auth +select +client +ping +publish +subscribe +unsubscribe";
    let rules: Vec<_> = rules.split(' ').map(str::as_bytes).collect();
    assert_eq!(redis.client().command(&rules), Reply::Status("OK".to_owned()));
    let url = format!("redis+pubsub://live:pw@127.0.0.1:{}/1", redis.port());
    let bus = bus::from_url(&url, &brisk()).unwrap();
    let node = Node { bus: bus.clone(), hub: live_core::Hub::new(bus, brisk()).unwrap() };
    // All at once, so that they are in one command.
    let (a, b, c) = tokio::join!(node.try_reader("a", None), node.try_reader("b", None), node.try_reader("c", None));
    assert!(b.is_err());
    for (mut reader, name) in [(a.unwrap(), "group_a"), (c.unwrap(), "group_c")] {
        redis.publish(name, &original("1", "allowed"));
        reader.shows("1", "allowed").await;
    }
    assert!(matches!(
        node.bus.publish(&super::channel("b"), super::post("1", "x"), None).await,
        Err(BusError::Store(_))
    ));
    eventually("two subscriptions", async || (node.bus.subscriptions() == 2).then_some(())).await;
}
