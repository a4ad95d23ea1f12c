//! The limits of a page and of an update.

use live_core::{BusError, Config, PageLimits, Update, WhenFull, page::NumberError};

use crate::{
    buses::{
        BusCase,
        store::{Node, TestStore, gone, ids, patient, post, posts, removals},
    },
    server::render,
};

fn limited(limits: impl FnOnce(&mut PageLimits)) -> Config {
    let mut config = patient();
    limits(&mut config.page);
    config
}

#[track_caller]
fn assert_full(refused: Result<live_core::Published, BusError>) {
    assert!(matches!(refused, Err(BusError::Refused(NumberError::PageFull { .. }))), "{refused:?}");
}

async fn a_full_page_refuses_more_posts_and_stays_as_it_is(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&limited(|page| page.max_posts = 3)).await;
    let head = nodes[0].publish("a", posts(3, "x")).await;
    for node in &nodes {
        assert_full(node.try_publish("a", post("4", "x"), None).await);
        assert_eq!(node.head("a").await, head);
    }
    // Edits and whatever makes room are taken.
    nodes[1].post("a", "post-0", "edited").await;
    nodes[0].publish("a", removals(&["post-1"]).render(render("4", "in its place"))).await;
    assert_eq!(ids(&nodes[1].page("a").await), ["post-0", "post-2", "4"]);
}

async fn a_page_is_full_by_its_bytes_too(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&limited(|page| page.max_page_bytes = 3_000)).await;
    nodes[0].post("a", "1", &"x".repeat(2_000)).await;
    assert_full(nodes[1].try_publish("a", post("2", &"x".repeat(1_000)), None).await);
    // Bytes and not characters.
    assert_full(nodes[1].try_publish("a", post("2", &"ü".repeat(500)), None).await);
    nodes[1].post("a", "2", &"ü".repeat(400)).await;
    nodes[0].post("a", "1", "smaller").await;
    nodes[1].post("a", "3", &"x".repeat(2_000)).await;
}

async fn a_full_page_that_removes_its_oldest_does_so_in_the_same_update(store: TestStore) {
    let config = limited(|page| (page.max_posts, page.when_full) = (3, WhenFull::RemoveOldest));
    let nodes: [Node; 2] = store.nodes(&config).await;
    let mut follower = nodes[1].follow("a").await;
    nodes[0].publish("a", posts(3, "x")).await;
    let cursor = nodes[0].publish("a", post("4", "x").render(render("5", "x"))).await;
    follower.reaches(cursor).await;
    assert_eq!(follower.news.len(), 2);
    for page in [follower.page, nodes[0].page("a").await, nodes[1].page("a").await] {
        assert_eq!(ids(&page), ["post-2", "4", "5"]);
        assert_eq!(gone(&page), ["post-0", "post-1"]);
    }
    assert_full(nodes[1].try_publish("a", posts(4, "x"), None).await);
}

async fn an_update_above_the_limits_is_refused_and_leaves_no_page(store: TestStore) {
    let config = limited(|page| (page.max_post_bytes, page.max_update_items) = (1_000, 10));
    let nodes: [Node; 2] = store.nodes(&config).await;
    let origin = nodes[0].head("a").await;
    let refused = nodes[0].try_publish("a", post("1", &"x".repeat(1_000)), None).await;
    assert!(matches!(refused, Err(BusError::Refused(NumberError::PostTooLarge { .. }))), "{refused:?}");
    let refused = nodes[0].try_publish("a", posts(11, "x"), None).await;
    assert!(matches!(refused, Err(BusError::Refused(NumberError::TooManyItems { .. }))), "{refused:?}");
    for node in &nodes {
        assert_eq!(node.head("a").await, origin);
        assert!(!node.page("a").await.has_log());
    }
    nodes[0].publish("a", posts(10, &"x".repeat(900))).await;
}

async fn updates_just_within_the_limits_arrive_whole(store: TestStore) {
    let config = patient();
    let (max_post, max_page) = (config.page.max_post_bytes, config.page.max_page_bytes);
    let nodes: [Node; 2] = store.nodes(&config).await;
    let mut follower = nodes[1].follow("a").await;
    let frame = render("post-0", "").html().unwrap().len();
    // What JSON escapes, or writes in several bytes.
    let pattern = "\"\\\u{1}\u{2028}é😀";
    let mut html = pattern.repeat((max_post - frame) / pattern.len());
    html.push_str(&"x".repeat(max_post - frame - html.len()));
    let cursor = nodes[0].publish("a", post("post-0", &html)).await;
    follower.reaches(cursor).await;
    assert_eq!(follower.page.post("post-0").unwrap().html(), render("post-0", &html).html());
    assert_eq!(nodes[1].page("a").await.post("post-0").unwrap().html(), render("post-0", &html).html());
    let count = max_page / max_post - 1;
    let cursor = nodes[0].publish("b", posts(count, &"x".repeat(max_post - frame - 1))).await;
    let page = nodes[1].page("b").await;
    assert_eq!((page.cursor(), page.posts().count()), (cursor, count));
    assert!(page.posts().all(|post| post.html().is_some_and(|html| html.len() >= max_post - 2)));
}

async fn a_seed_of_more_than_there_is_room_for_is_refused(store: TestStore) {
    let node = store.node(&limited(|page| page.max_posts = 3)).await;
    let head = node.post("a", "1", "one").await;
    let posts = (0..4).map(|number| render(&number.to_string(), "x"));
    assert_full(node.try_publish("a", Update::replace(posts), None).await);
    assert_eq!(node.head("a").await, head);
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] = bus_cases![
    a_full_page_refuses_more_posts_and_stays_as_it_is,
    a_page_is_full_by_its_bytes_too,
    a_full_page_that_removes_its_oldest_does_so_in_the_same_update,
    an_update_above_the_limits_is_refused_and_leaves_no_page,
    updates_just_within_the_limits_arrive_whole,
    a_seed_of_more_than_there_is_room_for_is_refused,
];
