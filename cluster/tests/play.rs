//! The play: three publishers post at full speed, nodes die and come back, and every reader ends with the page.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use live_conformance::{crowd::Crowd, redis_server::RedisServer};
use live_core::{
    ChannelId, Config, EventBus, IdempotencyKey, PostId, Render, Update,
    bus::{self, Event},
};

use crate::{
    messages::{self, Message},
    nodes::Node,
};

const PUBLISHERS: usize = 3;
/// Of different adapters.
const ADAPTERS: [&str; 3] = ["axum", "actix", "warp"];
/// What follows a post: each nth is edited, or removed.
const EDITED: usize = 5;
const REMOVED: usize = 9;

fn readers() -> usize {
    if messages::is_long() { 300 } else { 60 }
}

/// Nothing happens to the bus, so each publish succeeds, however busy the machine is.
fn patient() -> Config {
    let deadline = Duration::from_secs(60);
    Config { bus_deadline: deadline, publish_deadline: deadline, ..Config::default() }
}

fn blog() -> ChannelId {
    ChannelId::new("blog").unwrap()
}

fn render(message: &Message, edit: usize) -> Render {
    let Message { id, speaker, text } = message;
    Render::new(PostId::new(id).unwrap(), format!("<p data-edit=\"{edit}\"><b>{speaker}</b> {text}</p>"))
        .rev(edit as u64)
}

/// Everything that becomes of one message, in order.
fn updates(number: usize, message: &Message) -> Vec<Update> {
    let mut updates = vec![Update::new().render(render(message, 1))];
    if number.is_multiple_of(EDITED) {
        updates.push(Update::new().render(render(message, 2)));
    }
    if number.is_multiple_of(REMOVED) {
        updates.push(Update::new().remove_rev(PostId::new(&message.id).unwrap(), 3));
    }
    updates
}

async fn publish(bus: Arc<dyn EventBus>, messages: Arc<Vec<Message>>, first: usize, published: Arc<AtomicUsize>) {
    for (number, message) in messages.iter().enumerate().skip(first).step_by(PUBLISHERS) {
        for (step, update) in updates(number, message).into_iter().enumerate() {
            let key = IdempotencyKey::new(format!("{number}-{step}")).unwrap();
            bus.publish(&blog(), update, Some(&key)).await.unwrap();
            published.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What the page shows as the bus has it, and where it is.
async fn page(bus: &dyn EventBus) -> (String, BTreeMap<String, String>) {
    let mut subscription = bus.subscribe(&blog()).await.unwrap();
    match poll_fn(|cx| subscription.poll_next(cx)).await {
        Some(Event::Snapshot(page)) => {
            assert!(page.is_whole());
            let posts = page.posts().map(|post| (post.id.to_string(), post.content().into_owned()));
            (page.cursor().to_string(), posts.collect())
        }
        other => panic!("{other:?}"),
    }
}

/// Kills one node after the other while messages are left, and says how often.
async fn kill_nodes(nodes: Arc<Vec<Node>>, published: Arc<AtomicUsize>, kills: usize, total: usize) -> usize {
    for kill in 0..kills {
        // Spread over the play, whatever its speed.
        while published.load(Ordering::Relaxed) < total * (kill + 1) / (kills + 2) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let nodes = Arc::clone(&nodes);
        tokio::task::spawn_blocking(move || nodes[kill % nodes.len()].restart()).await.unwrap();
    }
    kills
}

pub(crate) async fn readers_who_hop_between_nodes_that_die_end_with_exactly_the_page() {
    let redis = RedisServer::start();
    let url = format!("redis://127.0.0.1:{}", redis.port());
    let buses: Vec<_> = (0..PUBLISHERS).map(|_| bus::from_url(&url, &patient()).unwrap()).collect();
    let welcome = Update::replace([Render::new(PostId::new("welcome").unwrap(), "<p>Welcome.</p>")]);
    buses[0].publish(&blog(), welcome, None).await.unwrap();
    let (cursor, html) = page(&*buses[0]).await;

    let nodes: Arc<Vec<_>> = Arc::new(ADAPTERS.iter().map(|adapter| Node::start(adapter, &url)).collect());
    let crowd = Crowd::begin(readers(), nodes.iter().map(Node::place).collect(), &cursor, &html, 1);
    let messages = Arc::new(messages::load());
    let total = messages.iter().enumerate().map(|(number, message)| updates(number, message).len()).sum();
    let (published, began) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let killer = tokio::spawn(kill_nodes(Arc::clone(&nodes), Arc::clone(&published), 6, total));
    let publishers: Vec<_> = buses
        .iter()
        .enumerate()
        .map(|(first, bus)| {
            tokio::spawn(publish(Arc::clone(bus), Arc::clone(&messages), first, Arc::clone(&published)))
        })
        .collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }
    let played = began.elapsed();
    let kills = killer.await.unwrap();

    let (cursor, posts) = page(&*buses[1]).await;
    let expected = messages.len() + 1 - messages.len().div_ceil(REMOVED);
    assert_eq!(posts.len(), expected);
    let ended = crowd.end(&cursor).await;
    for reader in &ended {
        assert_eq!((&reader.posts, reader.resets, reader.wants_reload), (&posts, 0, false));
    }
    println!(
        "{} readers, {} updates of {} messages in {played:.1?} ({:.0} a second) by {PUBLISHERS} publishers, {kills} nodes killed; \
         all at the end {:.1?} after the last",
        ended.len(),
        total,
        messages.len(),
        total as f64 / played.as_secs_f64(),
        began.elapsed() - played,
    );
}
