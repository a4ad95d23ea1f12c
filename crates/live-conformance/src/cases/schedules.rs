//! One schedule, every transport: whatever readers do, all of them end in the page's state.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use live_core::{Config, Render, Sort, Transport, Update, bus};
use tokio::{sync::watch, task::JoinHandle, time::sleep};

use crate::{
    adapter::Adapter,
    case::Case,
    client::Wire,
    crowd::{self, End, Goal, Habits, Servers, follow},
    model::{Cursor, Reader, Shown, WagtailReader},
    random::Random,
    server::{TestServer, channel_id, is_long, post_id, quick, render},
};

fn patient() -> Config {
    Config { long_poll_timeout: Duration::from_millis(300), drain_deadline: Duration::from_millis(400), ..quick() }
}

fn interval() -> Config {
    Config { transports: vec![Transport::IntervalPolling], ..patient() }
}

/// A random change of a page whose posts have small numbers for names.
fn change(random: &mut Random, number: usize) -> Update {
    let mut update = Update::new();
    for _ in 0..=random.below(3) {
        let id = random.below(12).to_string();
        let post = render(&id, &format!("{number} {}", "x".repeat(random.below(200))));
        update = match random.below(10) {
            0..4 => update.render(post),
            4 => update.render(Render::hidden(post_id(&id))),
            5 => update.render(post.sort(Sort::pinned(random.below(3) as u32))),
            6 => update.render(post.sort(Sort::new(random.below(1000) as u64).unwrap())),
            7 => update.render(render(&format!("new {number}"), "by itself")),
            _ => update.remove(post_id(&id)),
        };
    }
    if random.once_in(40) {
        return Update::replace(
            (0..random.below(12)).map(|id| render(&id.to_string(), &format!("{number} seeded again"))),
        );
    }
    update
}

/// Publishes it all, one change after the other, and returns the cursor of the last.
async fn publish(servers: &Servers, random: &mut Random, changes: usize) -> String {
    let mut head = String::new();
    for number in 0..changes {
        let server = servers.lock().unwrap()[0].clone();
        head = server.publish("blog", change(random, number)).await;
        if random.once_in(6) {
            // A post that goes and comes back at once.
            let id = random.below(12).to_string();
            server.publish("blog", Update::new().remove(post_id(&id))).await;
            head = server.publish("blog", Update::new().render(render(&id, &format!("{number} again")))).await;
        }
        sleep(Duration::from_micros(random.below(4_000) as u64)).await;
    }
    head
}

/// One reader of each kind, and one that changes its transport.
fn kinds(random: &mut Random) -> Vec<Habits> {
    let steady = |transport| Habits { transport, stays: 10, rests: Duration::ZERO, buffer: None };
    let mut kinds: Vec<_> = crowd::Transport::ALL.into_iter().map(Some).chain([None, None]).map(steady).collect();
    for transport in [crowd::Transport::WebSocket, crowd::Transport::Events] {
        let rests = Duration::from_millis(random.below(60) as u64);
        kinds.push(Habits { rests, buffer: Some(4 << 10), ..steady(Some(transport)) });
    }
    kinds
}

/// An unmodified page of Wagtail Live; now and then its visitor reloads it.
async fn follow_as_wagtail(server: TestServer, mut random: Random, end: End) -> WagtailReader {
    let is_interval = server.hub.config().transports == [Transport::IntervalPolling];
    loop {
        let mut reader = WagtailReader::of_html(&Shown::by(&server, "blog").await);
        let mut wire = Wire::connect(&server).await;
        sleep(Duration::from_millis(random.below(5) as u64)).await;
        reader.handshake(&mut wire, &server).await;
        for _ in 0..=random.below(20) {
            if !is_interval || reader.is_behind(&mut wire, &server).await {
                reader.apply(&wire.ask(reader.request().under(server.prefix)).await);
            }
            let is_over = |end: &Goal| match end {
                Goal::At(end) => reader.last_update >= Cursor::parse(end).version as f64 / 1e6,
                Goal::Showing(_) => unreachable!("the cases here know the cursor"),
            };
            if end.borrow().as_ref().is_some_and(is_over) {
                return reader;
            }
            sleep(Duration::from_millis(random.below(3) as u64)).await;
        }
    }
}

async fn all<T>(tasks: Vec<JoinHandle<T>>) -> Vec<T> {
    let mut outcomes = Vec::new();
    for task in tasks {
        let outcome = crate::client::within("a reader at the end", task).await;
        outcomes.push(outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())));
    }
    outcomes
}

async fn two_servers(adapter: Adapter) -> (Servers, Reader) {
    let config = patient();
    let bus = bus::from_url("memory:", &config).unwrap();
    let first = adapter.start_on(Arc::clone(&bus), config).await;
    let second = adapter.start_on(bus, interval()).await;
    let cursor = first.seed("blog", &["0", "1", "2"]).await;
    let reader = Reader::of_html(&cursor, Shown::by(&first, "blog").await);
    (Arc::new(Mutex::new(vec![first, second])), reader)
}

fn seeds() -> std::ops::Range<u64> {
    0..if is_long() { 100 } else { 3 }
}

async fn every_transport_once(adapter: Adapter, seed: u64) {
    let mut random = Random::new(seed);
    let (servers, html) = two_servers(adapter).await;
    let both = servers.lock().unwrap().clone();
    let (tell, end) = watch::channel(None);
    let readers: Vec<_> = kinds(&mut random)
        .into_iter()
        .map(|habits| tokio::spawn(follow(servers.clone(), html.clone(), habits, random.fork(), end.clone())))
        .collect();
    let wagtail: Vec<_> =
        both.iter().map(|server| tokio::spawn(follow_as_wagtail(server.clone(), random.fork(), end.clone()))).collect();
    let head = publish(&servers, &mut random, if is_long() { 300 } else { 100 }).await;
    tell.send_replace(Some(Goal::At(head.clone())));

    let page = Shown::by(&both[0], "blog").await;
    assert_eq!(both[1].cursor("blog").await, head);
    for reader in all(readers).await {
        assert_eq!((&reader.shown, reader.resets, reader.wants_reload), (&page, 0, false));
    }
    let contents: Vec<_> = page.contents().into_iter().map(|(id, html)| (id.to_owned(), html.to_owned())).collect();
    for reader in all(wagtail).await {
        assert_eq!(reader.shown.into_iter().collect::<Vec<_>>(), contents);
    }
    for server in &both {
        server.has_readers(0).await;
    }
}

async fn all_transports_end_in_the_same_state_for_the_same_schedule(adapter: Adapter) {
    for seed in seeds() {
        println!("seed {seed}");
        every_transport_once(adapter, seed).await;
    }
}

/// Ends the first server, by a drain or at once, and puts a new one on the same bus in its place.
async fn restart(adapter: Adapter, servers: &Servers, random: &mut Random) {
    let old = servers.lock().unwrap()[0].clone();
    let new = adapter.start_on(Arc::clone(&old.bus), patient()).await;
    servers.lock().unwrap()[0] = new;
    if random.once_in(2) {
        old.hub.drain().await;
    }
    old.end();
}

async fn with_restarts(adapter: Adapter, seed: u64) {
    let mut random = Random::new(seed);
    let (servers, html) = two_servers(adapter).await;
    let bus = servers.lock().unwrap()[0].bus.clone();
    let (tell, end) = watch::channel(None);
    let readers: Vec<_> = kinds(&mut random)
        .into_iter()
        .map(|habits| tokio::spawn(follow(servers.clone(), html.clone(), habits, random.fork(), end.clone())))
        .collect();
    let mut head = String::new();
    for _ in 0..if is_long() { 10 } else { 4 } {
        head = publish(&servers, &mut random, 20).await;
        restart(adapter, &servers, &mut random).await;
    }
    tell.send_replace(Some(Goal::At(head)));
    let page = {
        let server = servers.lock().unwrap()[0].clone();
        assert!(server.hub.page(&channel_id("blog")).await.unwrap().is_whole());
        Shown::by(&server, "blog").await
    };
    for reader in all(readers).await {
        assert_eq!((&reader.shown, reader.resets, reader.wants_reload), (&page, 0, false));
    }
    servers.lock().unwrap().drain(..).for_each(|server| server.end());
    crate::client::eventually("no hub holds the bus", || bus.subscriptions() == 0).await;
}

async fn nobody_is_reset_by_servers_that_come_and_go_on_one_bus(adapter: Adapter) {
    for seed in seeds() {
        println!("seed {seed}");
        with_restarts(adapter, seed).await;
    }
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![
    all_transports_end_in_the_same_state_for_the_same_schedule + threaded,
    nobody_is_reset_by_servers_that_come_and_go_on_one_bus + threaded,
];
