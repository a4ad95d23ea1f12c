//! The script numbers as [`Page::number`] does: whatever is published, the same comes of it.

use live_core::{
    BusError, ChannelId, Config, EventBus, PostId, Published, Render, Sort, Update,
    bus::{Event, MemoryBus, Subscription},
    page::{Change, NumberError, Numbered, Page, PageLimits, WhenFull},
};
use proptest::{prelude::*, test_runner::TestRunner};

use super::{DEADLINE, RedisServer, channel, next, open_with, page};
use crate::redis_server::Reply;

#[derive(Debug, Clone)]
struct Case {
    limits: PageLimits,
    max_tombstones: usize,
    updates: Vec<(Vec<Item>, Replace)>,
}

#[derive(Debug, Clone)]
enum Item {
    Post { name: u8, html: u8, hidden: bool, sort: Option<u64>, rev: Option<u64> },
    Remove { name: u8, rev: Option<u64> },
}

#[derive(Debug, Clone, Copy)]
enum Replace {
    No,
    Yes,
    /// What a page source has loaded.
    Seed,
}

fn rev() -> impl Strategy<Value = Option<u64>> {
    // Also beyond what a Lua number holds exactly.
    prop::option::of(prop_oneof![0u64..4, (u64::MAX - 3)..=u64::MAX])
}

fn sort() -> impl Strategy<Value = Option<u64>> {
    prop::option::weighted(0.2, prop_oneof![0u64..4, (1u64 << 53) - 3..1u64 << 53])
}

fn item() -> impl Strategy<Value = Item> {
    prop_oneof![
        3 => (0u8..12, any::<u8>(), prop::bool::weighted(0.2), sort(), rev())
            .prop_map(|(name, html, hidden, sort, rev)| Item::Post { name, html: html % 40, hidden, sort, rev }),
        1 => (0u8..12, rev()).prop_map(|(name, rev)| Item::Remove { name, rev }),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let replace = prop_oneof![8 => Just(Replace::No), 1 => Just(Replace::Yes), 1 => Just(Replace::Seed)];
    let updates = prop::collection::vec((prop::collection::vec(item(), 0..5), replace), 1..16);
    (updates, any::<bool>(), 4usize..14, 300usize..900, 1usize..6).prop_map(
        |(updates, full, max_posts, max_page_bytes, max_tombstones)| {
            let when_full = if full { WhenFull::RemoveOldest } else { WhenFull::Refuse };
            let limits = PageLimits { max_posts, max_page_bytes, max_post_bytes: 60, max_update_items: 4, when_full };
            Case { limits, max_tombstones, updates }
        },
    )
}

fn update(items: &[Item], replace: Replace) -> Update {
    let id = |name: &u8| PostId::new(format!("post {name} ü")).unwrap();
    let posts = items.iter().fold(Update::new(), |update, item| match item {
        Item::Post { name, html, hidden, sort, rev } => {
            let render =
                if *hidden { Render::hidden(id(name)) } else { Render::new(id(name), "x".repeat((*html).into())) };
            let render = sort.map_or(render.clone(), |sort| render.sort(Sort::new(sort).unwrap()));
            update.render(rev.map_or(render.clone(), |rev| render.rev(rev)))
        }
        Item::Remove { name, rev: Some(rev) } => update.remove_rev(id(name), *rev),
        Item::Remove { name, rev: None } => update.remove(id(name)),
    });
    match replace {
        Replace::No => posts,
        Replace::Yes | Replace::Seed => Update::replace(posts.renders().cloned()),
    }
}

/// All that can be compared of a page whose versions are of another clock: its posts, what is gone, and whether it is whole.
type Shown = (Vec<(String, Option<String>, Option<u64>, Option<u64>)>, Vec<String>, bool);

fn shown(page: &Page) -> Shown {
    // Other places are made of versions.
    let place = |sort: u64| (!(4..(1 << 53) - 3).contains(&sort)).then_some(sort);
    let posts = page
        .posts()
        .map(|post| (post.id.to_string(), post.html().map(str::to_owned), place(post.sort().number()), post.rev()));
    (posts.collect(), page.removed().map(ToString::to_string).collect(), page.is_whole())
}

fn kind(result: &Result<Published, BusError>) -> String {
    match result {
        Ok(_) => "published".to_owned(),
        Err(BusError::Refused(NumberError::HeadMoved { .. })) => "head moved".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// What an update comes to, without the places that its version gives.
fn changes(update: &Numbered) -> (bool, Vec<Change>) {
    let changes = update.changes.iter().cloned().map(|mut change| {
        if let Change::Post { sort, placed: false, .. } = &mut change {
            *sort = Sort::new(0).unwrap();
        }
        change
    });
    (update.reset, changes.collect())
}

/// Applies what has come until the replica is where the page is, and returns it.
async fn follow(subscription: &mut Subscription, replica: &mut Page, until: &Page) -> Vec<(bool, Vec<Change>)> {
    let mut updates = Vec::new();
    while replica.cursor() != until.cursor() {
        match next(subscription).await {
            Event::Item(update) => {
                replica.apply(&update).unwrap();
                updates.push(changes(&update));
            }
            other => panic!("{other:?}"),
        }
    }
    updates
}

async fn replica(bus: &dyn EventBus, channel: &ChannelId) -> (Subscription, Page) {
    let mut subscription = bus.subscribe(channel).await.unwrap();
    let Event::Snapshot(page) = next(&mut subscription).await else { panic!("no snapshot") };
    (subscription, page)
}

/// A case asks Redis and takes more time than one in memory does: a quarter of the cases that others have.
fn cases() -> ProptestConfig {
    let all = ProptestConfig::default();
    ProptestConfig { cases: (all.cases / 4).max(1), failure_persistence: None, ..all }
}

#[test]
fn the_script_numbers_as_the_page_does() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let redis = RedisServer::start();
    // Without the macro, which would take the number of cases from the environment again.
    let result = TestRunner::new(cases()).run(&case(), |case| {
        // Or the pages of a long run would need gigabytes.
        assert_eq!(redis.client().command(&[b"FLUSHALL"]), Reply::Status("OK".to_owned()));
        runtime.block_on(run(&redis, &case));
        Ok(())
    });
    result.unwrap();
}

async fn run(redis: &RedisServer, case: &Case) {
    // Not one of many thousand answers may be late, however busy the machine is.
    let (bus_deadline, publish_deadline) = (DEADLINE, DEADLINE);
    let (page_limits, max_tombstones) = (case.limits, case.max_tombstones);
    let config = Config { page: page_limits, max_tombstones, bus_deadline, publish_deadline, ..super::brisk() };
    let model = MemoryBus::new(&config).unwrap();
    let bus = open_with(redis, &config);
    let blog = channel("blog");
    let (mut subscription, mut followed) = replica(&*bus, &blog).await;
    let (mut model_subscription, mut model_followed) = replica(&model, &blog).await;
    for (items, replace) in &case.updates {
        let update = update(items, *replace);
        let publish = async |bus: &dyn EventBus| {
            if matches!(replace, Replace::Seed) {
                bus.seed(&blog, update.clone()).await
            } else {
                bus.publish(&blog, update.clone(), None).await
            }
        };
        let (theirs, ours) = (publish(&*bus).await, publish(&model).await);
        assert_eq!(kind(&theirs), kind(&ours));
        let (stored, expected) = (page(&*bus, &blog).await, page(&model, &blog).await);
        assert_eq!(shown(&stored), shown(&expected));
        assert_eq!(stored.horizon() == stored.cursor().version, expected.horizon() == expected.cursor().version);
        let updates = follow(&mut subscription, &mut followed, &stored).await;
        assert_eq!(updates, follow(&mut model_subscription, &mut model_followed, &expected).await);
        assert_eq!(shown(&followed), shown(&stored));
        assert_eq!(followed.horizon(), stored.horizon());
    }
}
