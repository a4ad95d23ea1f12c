//! A master and its replica, watched by a sentinel.

use std::{sync::Arc, time::Duration};

use live_core::{
    BusError, EventBus,
    bus::{self, Event},
    page::Standing,
};

use super::{RedisServer, brisk, channel, in_time, next, page, post};
use crate::redis_sentinel::RedisSentinel;

fn open(sentinel: &RedisSentinel) -> Arc<dyn EventBus> {
    bus::from_url(&format!("redis+sentinel://{}/site/0", sentinel.address()), &brisk()).unwrap()
}

async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<T, BusError>) -> T {
    in_time(what, async {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_failover_to_an_older_replica_resets_those_who_saw_what_was_lost() {
    let mut master = RedisServer::start();
    let port = master.port().to_string();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port, "--repl-diskless-sync-delay", "0"]);
    let sentinel = RedisSentinel::start(&master);
    let bus = open(&sentinel);
    let blog = channel("blog");
    let kept = until("the first publish", async || bus.publish(&blog, post("1", "kept"), None).await).await;
    until("the replica has it", async || match replica.client().command(&[b"EXISTS", b"live:{blog}"]).number() {
        1 => Ok(()),
        _ => Err(BusError::Unavailable),
    })
    .await;
    sentinel.knows_a_replica().await;
    let mut subscription = bus.subscribe(&blog).await.unwrap();
    assert!(matches!(next(&mut subscription).await, Event::Snapshot(_)));
    // From here on the replica hears nothing more, and cannot come back.
    let frozen = replica.freeze();
    assert_eq!(master.client().command(&[b"CLIENT", b"KILL", b"TYPE", b"replica"]).number(), 1);
    let lost = bus.publish(&blog, post("2", "lost"), None).await.unwrap();
    assert!(matches!(next(&mut subscription).await, Event::Item(_)));
    master.kill();
    drop(frozen);
    let after = until("a publish after the failover", async || bus.publish(&blog, post("3", "new"), None).await).await;
    in_time("the loss of continuity", async { while !matches!(next(&mut subscription).await, Event::Lost) {} }).await;
    let page = page(&*bus, &blog).await;
    assert_eq!(page.cursor(), after.cursor);
    assert_eq!(page.posts().map(|post| post.id.to_string()).collect::<Vec<_>>(), ["1", "3"]);
    assert_eq!(bus.standing(&blog, kept.cursor).await.unwrap(), Standing::At(kept.cursor.version));
    assert_eq!(bus.standing(&blog, lost.cursor).await.unwrap(), Standing::Dead);
}
