//! What a relayed bus promises: per node, and between losses.

use std::collections::HashSet;

use live_core::{
    BusError, Config, Update, Version,
    bus::TAIL_CAPACITY,
    page::{NumberError, Standing},
};
use tokio::task::JoinSet;

use crate::{
    buses::{
        BusCase,
        picture::Picture,
        store::{Node, TestStore, ids, patient, post, posts},
    },
    client::within,
    server::{channel_id, is_long, render},
};

async fn every_node_hears_what_any_of_them_publishes_once_and_in_one_order(store: TestStore) {
    const EACH: usize = 50;
    let nodes: [Node; 3] = store.nodes(&patient()).await;
    let mut followers = Vec::new();
    for node in nodes.iter().chain(&nodes) {
        followers.push(node.follow("a").await);
    }
    let mut publishers = JoinSet::new();
    for (publisher, node) in nodes.iter().cloned().enumerate() {
        publishers.spawn(async move {
            for number in 0..EACH {
                node.post("a", &format!("{publisher}-{number}"), "x").await;
            }
        });
    }
    publishers.join_all().await;
    for follower in &mut followers {
        while follower.page.posts().count() < nodes.len() * EACH {
            assert!(follower.next().await.is_some(), "nothing is lost");
        }
        assert_eq!(follower.news.len(), nodes.len() * EACH, "nothing comes twice");
        assert!(follower.poll().is_pending());
    }
    for (first, second) in followers.iter().zip(&followers[nodes.len()..]) {
        assert_eq!(first.news, second.news, "two who follow on one node");
    }
    let epochs: HashSet<_> = followers.iter().map(|follower| follower.page.cursor().epoch).collect();
    assert_eq!(epochs.len(), nodes.len(), "each node numbers for itself");
}

async fn nothing_that_is_published_right_after_a_subscription_is_lost(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    for round in 0..if is_long() { 2_000 } else { 100 } {
        let page = format!("page-{round}");
        let mut follower = nodes[1].follow(&page).await;
        nodes[0].post(&page, "1", "kick-off").await;
        assert!(follower.next().await.is_some());
        assert_eq!(ids(&follower.page), ["1"]);
    }
}

async fn what_a_publish_returns_is_where_the_page_is_with_it_on_this_node(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let mut follower = nodes[0].follow("a").await;
    let other = nodes[1].clone();
    let others = tokio::spawn(async move {
        for number in 0..50 {
            other.post("a", "of another node", &number.to_string()).await;
        }
    });
    for number in 0..50 {
        let cursor = nodes[0].post("a", &number.to_string(), "x").await;
        follower.reaches(cursor).await;
        let update = follower.news.last().unwrap();
        assert_eq!(update.changes[0].id().as_str(), number.to_string());
        assert_eq!(nodes[0].standing("a", cursor).await, Standing::At(cursor.version));
    }
    others.await.unwrap();
}

async fn a_publish_to_a_page_that_nobody_follows_here_has_a_cursor_that_is_never_good(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let mut follower = nodes[1].follow("a").await;
    let cursor = nodes[0].post("a", "1", "one").await;
    assert_eq!(cursor.version, Version::ZERO);
    assert_eq!(nodes[0].standing("a", cursor).await, Standing::Dead);
    assert!(follower.next().await.is_some());
    let follower = nodes[0].follow("a").await;
    assert_eq!(nodes[0].standing("a", cursor).await, Standing::Dead, "it does not hide what was missed");
    drop(follower);
}

async fn a_cursor_of_another_node_is_dead(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let followers = [nodes[0].follow("a").await, nodes[1].follow("a").await];
    let cursor = nodes[0].post("a", "1", "one").await;
    assert_eq!(nodes[0].standing("a", cursor).await, Standing::At(cursor.version));
    assert_eq!(nodes[1].standing("a", cursor).await, Standing::Dead);
    drop(followers);
}

async fn no_cursor_hides_what_was_published_while_nobody_followed(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    for round in 0..20 {
        let follower = nodes[0].follow("a").await;
        let cursor = nodes[0].post("a", "1", "one").await;
        drop(follower);
        nodes[1].post("a", "missed", &round.to_string()).await;
        let mut follower = nodes[0].follow("a").await;
        // A node may go on following for a while, and then it misses nothing.
        if nodes[0].standing("a", cursor).await != Standing::Dead {
            let published = render("missed", &round.to_string());
            while follower.page.post("missed").is_none_or(|post| post.html() != published.html()) {
                assert!(follower.next().await.is_some());
            }
        }
    }
}

async fn heads_are_of_the_pages_that_are_followed_here_in_their_order(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let followers = [nodes[0].follow("a").await, nodes[0].follow("b").await];
    let a = nodes[0].post("a", "1", "one").await;
    let b = nodes[0].post("b", "1", "one").await;
    nodes[0].post("c", "1", "nobody follows it").await;
    let heads = within("heads", nodes[0].0.heads(&["b", "c", "a"].map(channel_id))).await.unwrap();
    assert_eq!((heads[0], heads[1].version, heads[2]), (b, Version::ZERO, a));
    drop(followers);
}

async fn a_seed_makes_the_page_whole_on_its_node_alone(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let mut followers = [nodes[0].follow("a").await, nodes[1].follow("a").await];
    let loaded_at = nodes[0].head("a").await;
    let seed = |head| Update::replace([render("1", "loaded"), render("2", "loaded")]).if_head_is(head);
    let seeded = nodes[0].0.seed(&channel_id("a"), seed(loaded_at)).await.unwrap().cursor;
    followers[0].reaches(seeded).await;
    assert!(followers[0].page.is_whole());
    nodes[1].post("a", "3", "three").await;
    for follower in &mut followers {
        while follower.page.post("3").is_none() {
            assert!(follower.next().await.is_some());
        }
    }
    assert_eq!(ids(&followers[0].page), ["1", "2", "3"]);
    assert_eq!((followers[1].page.is_whole(), ids(&followers[1].page)), (false, vec!["3".to_owned()]));
    let refused = nodes[0].0.seed(&channel_id("a"), seed(loaded_at)).await;
    assert!(matches!(refused, Err(BusError::Refused(NumberError::HeadMoved { .. }))), "{refused:?}");
}

async fn a_key_means_one_effect_on_its_node(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let mut followers = [nodes[0].follow("a").await, nodes[1].follow("a").await];
    let first = nodes[0].publish_once("a", post("1", "one"), "key").await;
    let second = nodes[0].publish_once("a", post("1", "one"), "key").await;
    assert_eq!((first.repeated, second.repeated, second.cursor), (false, true, first.cursor));
    let refused = nodes[0].try_publish("a", post("1", "two"), Some("key")).await;
    assert!(matches!(refused, Err(BusError::KeyReused)), "{refused:?}");
    assert!(!nodes[0].publish_once("b", post("1", "two"), "key").await.repeated, "another page's keys are its own");
    nodes[0].post("a", "end", "x").await;
    for follower in &mut followers {
        while follower.page.post("end").is_none() {
            assert!(follower.next().await.is_some());
        }
        assert_eq!(follower.news.len(), 2);
    }
}

async fn an_update_above_the_limits_is_refused_and_heard_by_nobody(store: TestStore) {
    let mut config = patient();
    (config.page.max_post_bytes, config.page.max_update_items) = (1_000, 10);
    let nodes: [Node; 2] = store.nodes(&config).await;
    let mut follower = nodes[1].follow("a").await;
    let refused = nodes[0].try_publish("a", post("1", &"x".repeat(1_000)), None).await;
    assert!(matches!(refused, Err(BusError::Refused(NumberError::PostTooLarge { .. }))), "{refused:?}");
    let refused = nodes[0].try_publish("a", posts(11, "x"), None).await;
    assert!(matches!(refused, Err(BusError::Refused(NumberError::TooManyItems { .. }))), "{refused:?}");
    nodes[0].post("a", "1", "good").await;
    assert!(follower.next().await.is_some());
    assert_eq!(follower.news.len(), 1);
}

async fn a_page_that_is_full_begins_anew_with_what_has_no_room_on_it(store: TestStore) {
    let mut config = patient();
    config.page.max_posts = 3;
    let nodes: [Node; 2] = store.nodes(&config).await;
    let mut follower = nodes[0].follow("a").await;
    let full = nodes[0].publish("a", posts(3, "x")).await;
    follower.reaches(full).await;
    nodes[1].post("a", "4", "no room").await;
    follower.loses().await;
    drop(follower);
    let follower = nodes[0].follow("a").await;
    // Or with nothing at all, if the node ceased to follow it in between.
    assert!(ids(&follower.page).iter().all(|id| id == "4"), "{:?}", ids(&follower.page));
    assert_eq!(nodes[0].standing("a", full).await, Standing::Dead);
}

async fn who_does_not_keep_up_gets_everything_or_learns_of_the_loss(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let (mut slow, count) = (nodes[1].follow("a").await, TAIL_CAPACITY + 100);
    for number in 0..count {
        nodes[0].post("a", &(number % 7).to_string(), &number.to_string()).await;
    }
    while slow.news.len() < count && slow.next().await.is_some() {}
    let keeps_up = slow.news.len() == count;
    let stored = nodes[1].follow("a").await.page;
    if keeps_up {
        assert_eq!(Picture::of(&slow.page), Picture::of(&stored));
    }
}

async fn a_post_that_is_late_is_late_on_every_node(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&Config { max_tombstones: 10, ..patient() }).await;
    let mut followers = [nodes[0].follow("a").await, nodes[1].follow("a").await];
    nodes[0].publish("a", Update::new().render(render("1", "new").rev(7))).await;
    nodes[0].publish("a", Update::new().render(render("1", "late").rev(6))).await;
    nodes[0].post("a", "end", "x").await;
    for follower in &mut followers {
        while follower.page.post("end").is_none() {
            assert!(follower.next().await.is_some());
        }
        assert_eq!(follower.news.len(), 2);
        let post = follower.page.post("1").unwrap();
        assert_eq!((post.html(), post.rev()), (render("1", "new").html(), Some(7)));
    }
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] = bus_cases![
    every_node_hears_what_any_of_them_publishes_once_and_in_one_order + relayed,
    nothing_that_is_published_right_after_a_subscription_is_lost + relayed,
    what_a_publish_returns_is_where_the_page_is_with_it_on_this_node + relayed,
    a_publish_to_a_page_that_nobody_follows_here_has_a_cursor_that_is_never_good + relayed,
    a_cursor_of_another_node_is_dead + relayed,
    no_cursor_hides_what_was_published_while_nobody_followed + relayed,
    heads_are_of_the_pages_that_are_followed_here_in_their_order + relayed,
    a_seed_makes_the_page_whole_on_its_node_alone + relayed,
    a_key_means_one_effect_on_its_node + relayed,
    an_update_above_the_limits_is_refused_and_heard_by_nobody + relayed,
    a_page_that_is_full_begins_anew_with_what_has_no_room_on_it + relayed,
    who_does_not_keep_up_gets_everything_or_learns_of_the_loss + relayed,
    a_post_that_is_late_is_late_on_every_node + relayed,
];
