//! `standing`: the bus alone declares a cursor dead, so it never leaves that open.

use live_core::{Cursor, Epoch, Version, page::Standing};

use crate::buses::{
    BusCase,
    store::{Node, TestStore, patient},
};

async fn a_cursor_of_the_page_is_known_on_every_node(store: TestStore) {
    let nodes: [Node; 3] = store.nodes(&patient()).await;
    let mut cursors = vec![nodes[0].head("a").await];
    for number in 0..10 {
        cursors.push(nodes[number % 3].post("a", &number.to_string(), "x").await);
    }
    for node in &nodes {
        for cursor in &cursors {
            assert_eq!(node.standing("a", *cursor).await, Standing::At(cursor.version));
        }
        let between = Cursor::new(cursors[2].epoch, Version::saturating(cursors[2].version.number() - 1));
        assert_eq!(node.standing("a", between).await, Standing::At(between.version), "a place that no update has");
    }
}

async fn a_cursor_that_the_page_never_had_is_dead_on_every_node(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let strange = Epoch::from_bits(0x5eed);
    let origin = nodes[0].head("a").await;
    for node in &nodes {
        for version in [Version::ZERO, Version::MAX] {
            assert_eq!(node.standing("a", Cursor::new(strange, version)).await, Standing::Dead);
        }
        let ahead = Cursor::new(origin.epoch, Version::saturating(1));
        assert_eq!(node.standing("a", ahead).await, Standing::Dead, "of a page without a log");
    }
    let head = nodes[0].post("a", "1", "one").await;
    for node in &nodes {
        let next = Version::saturating(head.version.number() + 1);
        for dead in [
            Cursor::new(head.epoch, next),
            Cursor::new(head.epoch, Version::MAX),
            Cursor::new(strange, head.version),
            Cursor::new(strange, Version::ZERO),
            Cursor::new(origin.epoch, head.version),
        ] {
            assert_eq!(node.standing("a", dead).await, Standing::Dead, "{dead}");
        }
    }
}

async fn a_cursor_of_another_page_is_dead(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let a = nodes[0].post("a", "1", "one").await;
    let b = nodes[0].post("b", "1", "one").await;
    assert_ne!(a.epoch, b.epoch);
    assert_eq!(nodes[1].standing("a", b).await, Standing::Dead);
    assert_eq!(nodes[1].standing("b", a).await, Standing::Dead);
    assert_eq!(nodes[1].standing("c", a).await, Standing::Dead);
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] = bus_cases![
    a_cursor_of_the_page_is_known_on_every_node,
    a_cursor_that_the_page_never_had_is_dead_on_every_node,
    a_cursor_of_another_page_is_dead,
];
