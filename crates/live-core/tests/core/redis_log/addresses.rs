//! Where the bus is, and whether that Redis is fit for it.

use live_core::{
    BusError,
    bus::{self, Event},
};

use super::{RedisServer, brisk, channel, cluster::Cluster, next, post};

async fn reason(url: &str) -> String {
    let bus = bus::from_url(url, &brisk()).unwrap();
    match bus.check().await {
        Err(BusError::Down { reason } | BusError::Unfit { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_password_opens_the_bus_and_a_wrong_one_does_not() {
    let redis = RedisServer::start_with(&["--requirepass", "open:se@me"]);
    let address = format!("127.0.0.1:{}", redis.port());
    let right = bus::from_url(&format!("redis://:open%3Ase%40me@{address}/0"), &brisk()).unwrap();
    right.check().await.unwrap();
    let reason = reason(&format!("redis://:wrong@{address}")).await;
    assert!(reason.contains("WRONGPASS") || reason.contains("authentication"), "{reason}");
    assert!(!reason.contains("wrong@"), "{reason}");
}

const DOCUMENTATION: &str = include_str!("../../../../../docs/set-up-redis.md");

/// The command that the documentation gives to a user with restricted rights the name `live`.
fn documented_rights() -> Vec<&'static str> {
    let line = DOCUMENTATION.lines().find(|line| line.starts_with("ACL SETUSER live ")).expect("no rights");
    line.split(' ').collect()
}

/// The same for a server of a cluster.
fn documented_rights_in_a_cluster() -> Vec<&'static str> {
    let line = DOCUMENTATION.lines().find_map(|line| line.strip_prefix("and in a cluster `")).expect("no rights");
    let (more, _) = line.split_once('`').unwrap();
    documented_rights().into_iter().chain(more.split(' ')).collect()
}

fn grant(redis: &RedisServer, command: &[&str]) {
    let command: Vec<_> = command.iter().map(|word| word.as_bytes()).collect();
    assert_eq!(redis.client().command(&command), crate::redis_server::Reply::Status("OK".to_owned()));
}

/// What a server of Live does with a page.
async fn use_all_of(url: &str, name: &str) {
    let bus = bus::from_url(url, &brisk()).unwrap();
    bus.check().await.unwrap();
    let blog = channel(name);
    let mut subscription = bus.subscribe(&blog).await.unwrap();
    assert!(matches!(next(&mut subscription).await, Event::Snapshot(_)));
    let update = post("1", "one").remove(live_core::PostId::new("2").unwrap());
    let key = live_core::IdempotencyKey::new("k").unwrap();
    let published = bus.publish(&blog, update, Some(&key)).await.unwrap();
    match next(&mut subscription).await {
        Event::Item(update) => assert_eq!(update.cursor, published.cursor),
        other => panic!("{other:?}"),
    }
    assert_eq!(bus.heads(&[blog]).await.unwrap(), [published.cursor]);
    drop(subscription);
}

#[tokio::test]
async fn the_rights_that_the_documentation_asks_for_are_enough() {
    let redis = RedisServer::start();
    grant(&redis, &documented_rights());
    use_all_of(&format!("redis://live:PASSWORD@127.0.0.1:{}", redis.port()), "blog").await;
}

#[tokio::test]
async fn the_rights_that_the_documentation_asks_for_in_a_cluster_are_enough() {
    let redis = Cluster::start().await;
    for server in redis.servers() {
        grant(server, &documented_rights_in_a_cluster());
    }
    let url = redis.url().replace("//", "//live:PASSWORD@");
    // A page on each master.
    for name in ["a", "b", "c"] {
        use_all_of(&url, name).await;
    }
}

#[tokio::test]
async fn a_redis_that_throws_pages_away_is_refused_unless_it_is_allowed_to() {
    let redis = RedisServer::start_with(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    let url = format!("redis://127.0.0.1:{}", redis.port());
    let reason = reason(&url).await;
    assert!(reason.contains("allkeys-lru") && reason.contains("evicting=allow"), "{reason}");
    bus::from_url(&format!("{url}?evicting=allow"), &brisk()).unwrap().check().await.unwrap();
}

#[tokio::test]
async fn a_replica_is_refused_by_name() {
    let master = RedisServer::start();
    let port = master.port().to_string();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port]);
    let reason = reason(&format!("redis://127.0.0.1:{}", replica.port())).await;
    assert!(reason.contains("read-only replica"), "{reason}");
}

#[tokio::test]
async fn sites_with_prefixes_of_their_own_share_a_redis() {
    let redis = RedisServer::start();
    let blog = channel("blog");
    let open =
        |prefix| bus::from_url(&format!("redis://127.0.0.1:{}?prefix={prefix}", redis.port()), &brisk()).unwrap();
    let (a, b) = (open("a"), open("b"));
    a.publish(&blog, post("1", "of a"), None).await.unwrap();
    assert_eq!(super::page(&*b, &blog).await.posts().count(), 0);
    assert_eq!(super::page(&*a, &blog).await.posts().count(), 1);
}

#[test]
fn outside_a_runtime_it_says_so() {
    let error = bus::from_url("redis://127.0.0.1", &brisk()).unwrap_err();
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}
