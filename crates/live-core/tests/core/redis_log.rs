//! The bus `redis://`, on a redis-server of its own for each test.

mod addresses;
mod cluster;
mod following;
mod numbering;
mod sentinel;

use std::{future::poll_fn, sync::Arc, time::Duration};

use live_core::{
    ChannelId, Config, EventBus, PostId, Render, Update,
    bus::{self, Event, Subscription},
    page::{Numbered, Page},
};

use crate::redis_server::RedisServer;

/// No wait is longer: generous, because a machine that runs all tests at once is slow.
const DEADLINE: Duration = Duration::from_secs(60);

/// What one would have to wait for is over in a moment.
fn brisk() -> Config {
    Config {
        linger: Duration::from_millis(750),
        poll_interval: Duration::from_millis(250),
        max_poll_interval: Duration::from_millis(250),
        compare_interval: Duration::from_millis(200),
        ..Config::default()
    }
}

fn open(redis: &RedisServer) -> Arc<dyn EventBus> {
    open_with(redis, &brisk())
}

fn open_with(redis: &RedisServer, config: &Config) -> Arc<dyn EventBus> {
    bus::from_url(&format!("redis://127.0.0.1:{}/1", redis.port()), config).unwrap()
}

fn channel(name: &str) -> ChannelId {
    ChannelId::new(name).unwrap()
}

fn post(id: &str, html: &str) -> Update {
    Update::new().render(Render::new(PostId::new(id).unwrap(), html))
}

async fn in_time<T>(what: &str, wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("not in time: {what}"))
}

async fn next(subscription: &mut Subscription) -> Event<Page, Arc<Numbered>> {
    in_time("an event", poll_fn(|cx| subscription.poll_next(cx))).await.expect("the bus is gone")
}

/// The page as Redis has it.
async fn page(bus: &dyn EventBus, channel: &ChannelId) -> Page {
    match next(&mut bus.subscribe(channel).await.unwrap()).await {
        Event::Snapshot(page) => page,
        other => panic!("{other:?}"),
    }
}
