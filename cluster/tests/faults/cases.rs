//! The faults, one by one.

use std::pin::Pin;

use libtest_mimic::Trial;
use live_conformance::{redis_sentinel::RedisSentinel, redis_server::RedisServer};
use tokio::time::sleep;

use super::{
    proxy::Proxy,
    server::{Bus, REDIS, REDIS_CHANNELS, REDIS_PUBSUB, address, command, long_outage, outage, set},
    site::{Log, Site},
};

/// Two nodes on the server itself.
async fn begin(bus: Bus, redis: &RedisServer) -> Site {
    let url = bus.url(address(redis));
    Site::begin(&[url.clone(), url]).await
}

async fn killed_and_back_with_its_data(bus: Bus) {
    let mut redis = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let site = begin(bus, &redis).await;
    redis.kill();
    site.says(0, &["refused"]).await;
    sleep(outage()).await;
    redis.restart();
    site.ends("killed, and back with its data", bus.log()).await;
}

async fn killed_and_back_empty(bus: Bus) {
    let mut redis = RedisServer::start();
    let site = begin(bus, &redis).await;
    redis.kill();
    site.says(1, &["refused"]).await;
    sleep(outage()).await;
    redis.restart();
    site.ends("killed, and back empty", Log::Lost).await;
}

async fn away_for_more_than_a_minute(bus: Bus) {
    let mut redis = RedisServer::start_with(&["--appendonly", "yes"]);
    let site = begin(bus, &redis).await;
    redis.kill();
    sleep(long_outage()).await;
    site.says(0, &["refused"]).await;
    redis.restart();
    site.ends("away for more than a minute", bus.log()).await;
}

async fn emptied(bus: Bus) {
    let redis = RedisServer::start();
    let site = begin(bus, &redis).await;
    command(&redis, &["FLUSHALL"]);
    site.wait_for_updates(20).await;
    command(&redis, &["FLUSHALL"]);
    site.ends("emptied twice", Log::Lost).await;
}

async fn hung(bus: Bus) {
    let redis = RedisServer::start();
    let site = begin(bus, &redis).await;
    let frozen = redis.freeze();
    site.says(0, &["does not answer"]).await;
    sleep(outage()).await;
    drop(frozen);
    site.ends("hung", bus.log()).await;
}

async fn one_node_cut_off(bus: Bus) {
    let redis = RedisServer::start();
    let proxy = Proxy::start(address(&redis)).await;
    let site = Site::begin(&[bus.url(address(&redis)), bus.url(proxy.address)]).await;
    proxy.cut();
    site.says(1, &["closed", "reset", "eof", "broken", "refused", "answer", "terminated", "IO"]).await;
    sleep(outage()).await;
    proxy.open();
    site.ends("one node cut off", bus.log()).await;
}

async fn one_node_behind_a_silent_network(bus: Bus) {
    let redis = RedisServer::start();
    let proxy = Proxy::start(address(&redis)).await;
    let site = Site::begin(&[bus.url(address(&redis)), bus.url(proxy.address)]).await;
    proxy.silence();
    site.says(1, &["does not answer"]).await;
    sleep(outage()).await;
    proxy.open();
    site.ends("one node behind a silent network", bus.log()).await;
}

async fn a_slow_node_cut_by_its_output_buffer(bus: Bus) {
    let redis = RedisServer::start();
    set(&redis, "client-output-buffer-limit", "pubsub 16kb 8kb 1");
    let proxy = Proxy::start(address(&redis)).await;
    let site = Site::begin(&[bus.url(address(&redis)), bus.url(proxy.address)]).await;
    proxy.silence();
    // More than the buffers of the network hold.
    site.wait_for_updates(if crate::messages::is_long() { 2_000 } else { 200 }).await;
    proxy.open();
    site.ends("a slow node cut by its output buffer", bus.log()).await;
}

async fn out_of_memory(bus: Bus) {
    let redis = RedisServer::start();
    let site = begin(bus, &redis).await;
    set(&redis, "maxmemory", "1");
    if bus.is_logged {
        site.says(0, &["OOM"]).await;
    }
    sleep(outage()).await;
    set(&redis, "maxmemory", "0");
    site.ends("out of memory", bus.log()).await;
}

async fn a_read_only_replica_for_a_while(bus: Bus) {
    let redis = RedisServer::start();
    let site = begin(bus, &redis).await;
    // Of a master that is not there, so that it keeps its data.
    command(&redis, &["REPLICAOF", "127.0.0.1", "1"]);
    if bus.is_logged {
        site.says(0, &["READONLY", "read-only replica"]).await;
    }
    sleep(outage()).await;
    command(&redis, &["REPLICAOF", "NO", "ONE"]);
    site.ends("a read-only replica for a while", bus.log()).await;
}

async fn all_connections_cut_again_and_again(bus: Bus) {
    let redis = RedisServer::start();
    let site = begin(bus, &redis).await;
    for _ in 0..if crate::messages::is_long() { 100 } else { 5 } {
        redis.client().command(&[b"CLIENT", b"KILL", b"SKIPME", b"yes"]).number();
        site.wait_for_updates(3).await;
    }
    site.ends("all connections cut again and again", bus.log()).await;
}

/// The replica lacks the end of the log when it takes its master's place.
async fn a_failover_to_an_older_replica(bus: Bus) {
    let mut master = RedisServer::start();
    let port = master.port().to_string();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port, "--repl-diskless-sync-delay", "0"]);
    let sentinel = RedisSentinel::start(&master);
    let site = Site::begin(&[bus.sentinel_url(&sentinel), bus.sentinel_url(&sentinel)]).await;
    sentinel.knows_a_replica().await;
    let frozen = replica.freeze();
    master.client().command(&[b"CLIENT", b"KILL", b"TYPE", b"replica"]).number();
    site.wait_for_updates(10).await;
    master.kill();
    drop(frozen);
    sentinel.has_promoted(&replica).await;
    site.ends("a failover to an older replica", bus.log()).await;
}

type Case = fn(Bus) -> Pin<Box<dyn Future<Output = ()>>>;

macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        [$((stringify!($case), |bus| Box::pin($case(bus)))),*]
    };
}

/// On one server.
const CASES: [(&str, Case); 11] = cases![
    killed_and_back_with_its_data,
    killed_and_back_empty,
    away_for_more_than_a_minute,
    emptied,
    hung,
    one_node_cut_off,
    one_node_behind_a_silent_network,
    a_slow_node_cut_by_its_output_buffer,
    out_of_memory,
    a_read_only_replica_for_a_while,
    all_connections_cut_again_and_again,
];

const CASES_WITH_A_SENTINEL: [(&str, Case); 1] = cases![a_failover_to_an_older_replica];

/// Each case on each bus, as a test of its own.
pub(crate) fn trials() -> Vec<Trial> {
    let buses = [("redis", REDIS), ("redis_channels", REDIS_CHANNELS), ("redis_pubsub", REDIS_PUBSUB)];
    let on_one = buses.into_iter().flat_map(|bus| CASES.map(|case| trial(bus, case)));
    on_one.chain(CASES_WITH_A_SENTINEL.map(|case| trial(("redis_with_a_sentinel", REDIS), case))).collect()
}

fn trial((bus_name, bus): (&str, Bus), (name, case): (&str, Case)) -> Trial {
    crate::trial(format!("faults::cases::{bus_name}::{name}"), move || case(bus))
}
