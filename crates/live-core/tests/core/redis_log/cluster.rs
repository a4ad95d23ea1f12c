//! Pages spread over the masters of a cluster.

use std::sync::Arc;

use live_core::{
    EventBus,
    bus::{self, Event},
};

use super::{RedisServer, brisk, channel, in_time, next, page, post};
use crate::redis_server::Reply;

/// Masters with a third of the slots each, and a replica of the first.
pub(super) struct Cluster {
    masters: Vec<RedisServer>,
    replica: RedisServer,
}

const SLOTS: [(u16, u16); 3] = [(0, 5_460), (5_461, 10_922), (10_923, 16_383)];

fn start_server() -> RedisServer {
    RedisServer::start_with(&[
        "--cluster-enabled",
        "yes",
        "--cluster-node-timeout",
        "1000",
        // The others go on while one has no master.
        "--cluster-require-full-coverage",
        "no",
        "--cluster-replica-validity-factor",
        "0",
        "--repl-diskless-sync-delay",
        "0",
    ])
}

fn cluster(server: &RedisServer, words: &[&str]) -> Reply {
    let words: Vec<_> = ["CLUSTER"].iter().chain(words).map(|word| word.as_bytes()).collect();
    server.client().command(&words)
}

fn text(reply: Reply) -> String {
    match reply {
        Reply::Bytes(Some(bytes)) => String::from_utf8(bytes).unwrap(),
        other => panic!("not text: {other:?}"),
    }
}

impl Cluster {
    pub(super) async fn start() -> Self {
        let masters: Vec<_> = (0..3).map(|_| start_server()).collect();
        let replica = start_server();
        for (server, (first, last)) in masters.iter().zip(SLOTS) {
            assert_eq!(cluster(server, &["ADDSLOTSRANGE", &first.to_string(), &last.to_string()]), ok());
        }
        let port = masters[0].port().to_string();
        for server in masters[1..].iter().chain([&replica]) {
            assert_eq!(cluster(server, &["MEET", "127.0.0.1", &port]), ok());
        }
        let this = Self { masters, replica };
        let id = text(cluster(&this.masters[0], &["MYID"]));
        this.until("the cluster is one", |this| {
            this.servers().all(|server| {
                text(cluster(server, &["NODES"])).lines().count() == 4
                    && text(cluster(server, &["INFO"])).contains("cluster_state:ok")
            })
        })
        .await;
        this.until("the replica follows", |this| cluster(&this.replica, &["REPLICATE", &id]) == ok()).await;
        this.until("the replica is in step", |this| {
            text(this.replica.client().command(&[b"INFO", b"replication"])).contains("master_link_status:up")
        })
        .await;
        this
    }

    pub(super) fn servers(&self) -> impl Iterator<Item = &RedisServer> {
        self.masters.iter().chain([&self.replica])
    }

    pub(super) fn url(&self) -> String {
        let ports = self.masters.iter().map(|server| format!("127.0.0.1:{}", server.port()));
        format!("redis+cluster://{}", ports.collect::<Vec<_>>().join(","))
    }

    fn open(&self) -> Arc<dyn EventBus> {
        bus::from_url(&self.url(), &brisk()).unwrap()
    }

    async fn until(&self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        in_time(what, async {
            while !is_so(self) {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    /// A name of a page whose slot the first master has.
    fn of_the_first(&self) -> String {
        let slot = |name: &str| cluster(&self.masters[0], &["KEYSLOT", &format!("live:{{{name}}}")]).number();
        (0..).map(|number| format!("first-{number}")).find(|name| slot(name) <= 5_460).unwrap()
    }
}

fn ok() -> Reply {
    Reply::Status("OK".to_owned())
}

#[tokio::test]
async fn pages_are_spread_over_the_masters_and_announced_to_every_node() {
    let redis = Cluster::start().await;
    let (a, b) = (redis.open(), redis.open());
    for number in 0..48 {
        let blog = channel(&format!("{number} {{page}} {}", number * 7_919));
        let mut subscription = in_time("a subscription", b.subscribe(&blog)).await.unwrap();
        assert!(matches!(next(&mut subscription).await, Event::Snapshot(_)));
        let published = in_time("a publish", a.publish(&blog, post("1", "one"), None)).await.unwrap();
        match next(&mut subscription).await {
            Event::Item(update) => assert_eq!(update.cursor, published.cursor),
            other => panic!("{other:?}"),
        }
        assert_eq!(b.heads(std::slice::from_ref(&blog)).await.unwrap(), [published.cursor]);
    }
    let sizes: Vec<_> = redis.masters.iter().map(|server| server.client().command(&[b"DBSIZE"]).number()).collect();
    assert!(sizes.iter().all(|size| *size > 0), "{sizes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_page_goes_on_when_a_replica_takes_the_place_of_its_master() {
    let mut redis = Cluster::start().await;
    let (a, b) = (redis.open(), redis.open());
    let blog = channel(&redis.of_the_first());
    let mut subscription = b.subscribe(&blog).await.unwrap();
    assert!(matches!(next(&mut subscription).await, Event::Snapshot(_)));
    let before = a.publish(&blog, post("1", "one"), None).await.unwrap();
    redis
        .until("the replica has it", |redis| {
            text(redis.replica.client().command(&[b"INFO", b"keyspace"])).contains("keys=")
        })
        .await;
    redis.masters[0].kill();
    let after = in_time("a publish after the failover", async {
        loop {
            match a.publish(&blog, post("2", "two"), None).await {
                Ok(published) => return published,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
    })
    .await;
    assert_ne!(after.cursor.epoch, before.cursor.epoch, "the replica may have lacked something");
    // What follows from the fork is a new snapshot.
    in_time("the loss of continuity", async { while !matches!(next(&mut subscription).await, Event::Lost) {} }).await;
    let page = in_time("the page", async {
        loop {
            match b.subscribe(&blog).await {
                Ok(_) => return page(&*b, &blog).await,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
    })
    .await;
    assert_eq!((page.cursor(), page.posts().count()), (after.cursor, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_page_goes_on_when_its_slot_moves() {
    let redis = Cluster::start().await;
    let (a, b) = (redis.open(), redis.open());
    let name = redis.of_the_first();
    let blog = channel(&name);
    let mut subscription = b.subscribe(&blog).await.unwrap();
    assert!(matches!(next(&mut subscription).await, Event::Snapshot(_)));
    a.publish(&blog, post("1", "one"), None).await.unwrap();
    let slot = cluster(&redis.masters[0], &["KEYSLOT", &format!("live:{{{name}}}")]).number().to_string();
    let [from, to] = [0, 1].map(|master: usize| text(cluster(&redis.masters[master], &["MYID"])));
    assert_eq!(cluster(&redis.masters[1], &["SETSLOT", &slot, "IMPORTING", &from]), ok());
    assert_eq!(cluster(&redis.masters[0], &["SETSLOT", &slot, "MIGRATING", &to]), ok());
    let Reply::Many(keys) = cluster(&redis.masters[0], &["GETKEYSINSLOT", &slot, "100"]) else { panic!("no keys") };
    let port = redis.masters[1].port().to_string();
    for key in keys {
        let key = text(key);
        let words = ["MIGRATE", "127.0.0.1", &port, &key, "0", "5000"];
        assert_eq!(redis.masters[0].client().command(&words.map(str::as_bytes)), ok());
    }
    for server in [1, 0, 2] {
        assert_eq!(cluster(&redis.masters[server], &["SETSLOT", &slot, "NODE", &to]), ok());
    }
    let published = in_time("a publish to where it is now", async {
        loop {
            match a.publish(&blog, post("2", "two"), None).await {
                Ok(published) => return published,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
    })
    .await;
    // The follower hears of it, by itself or by a comparison of heads.
    in_time("the follower", async {
        loop {
            let _ = b.heads(std::slice::from_ref(&blog)).await;
            let event = tokio::time::timeout(std::time::Duration::from_millis(200), next(&mut subscription)).await;
            match event {
                Ok(Event::Lost) => return,
                Ok(Event::Item(update)) if update.cursor == published.cursor => return,
                _ => {}
            }
        }
    })
    .await;
    assert_eq!(page(&*b, &blog).await.posts().count(), 2);
}
