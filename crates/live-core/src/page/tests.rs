//! The first schedules of the design, and the rules of numbering, one case each.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::{
    cursor::Start,
    frame::Frame,
    id::PostId,
    update::{Render, Sort, Update},
};

pub(super) const LIMITS: PageLimits = PageLimits {
    max_posts: 4,
    max_page_bytes: 4_000,
    max_post_bytes: 1_000,
    max_update_items: 8,
    when_full: WhenFull::Refuse,
};
const VIEW: ViewLimits =
    ViewLimits { ring_frames: 4, ring_bytes: 4_000, conflated_bytes: 100_000, conflate_after: 2, grace: 60_000_000 };

pub(super) fn id(id: &str) -> PostId {
    PostId::new(id).unwrap()
}

pub(super) fn post(name: &str, html: &str) -> Render {
    Render::new(id(name), html)
}

fn epoch(number: u64) -> Epoch {
    Epoch::from_bits(number)
}

/// A page that numbers and applies at once, as a bus does.
struct Owner {
    page: Page,
    limits: PageLimits,
}

impl Owner {
    fn new() -> Self {
        Self { page: Page::new(epoch(1), 100), limits: LIMITS }
    }

    fn seeded(names: &[&str]) -> Self {
        let mut owner = Self::new();
        owner.publish(10, Update::replace(names.iter().map(|name| post(name, name)))).unwrap();
        owner
    }

    fn publish(&mut self, now: u64, update: Update) -> Result<Option<Numbered>, NumberError> {
        let numbered = self.page.number(update, now, epoch(2), &self.limits)?;
        if let Some(numbered) = &numbered {
            self.page.apply(numbered).unwrap();
        }
        Ok(numbered)
    }

    fn view(&self) -> View {
        View::new(self.page.clone(), VIEW)
    }

    /// Top to bottom.
    fn ids(&self) -> Vec<&str> {
        self.page.posts().rev().map(|post| post.id.as_str()).collect()
    }
}

fn json(frame: &Frame) -> Value {
    serde_json::from_slice(&frame.json()).unwrap()
}

fn frame(answer: Answer) -> Value {
    match answer {
        Answer::Frame(frame) => json(&frame),
        other => panic!("no frame but {other:?}"),
    }
}

fn rendered(frame: &Value) -> Vec<&String> {
    frame["renders"].as_object().unwrap().keys().collect()
}

#[test]
fn the_clock_only_seeds_the_version() {
    let mut owner = Owner::new();
    let version = |numbered: Option<Numbered>| numbered.unwrap().cursor.version.number();
    assert_eq!(version(owner.publish(1_000, Update::new().render(post("a", "x"))).unwrap()), 1_000);
    assert_eq!(version(owner.publish(1_000, Update::new().render(post("a", "y"))).unwrap()), 1_001);
    let three = Update::new().render(post("b", "")).render(post("c", "")).render(post("d", ""));
    assert_eq!(version(owner.publish(5, three).unwrap()), 1_004);
    assert_eq!(owner.ids(), ["d", "c", "b", "a"]);
}

#[test]
fn an_edit_keeps_its_place_a_pin_stays_on_top_and_a_new_life_begins_on_top() {
    let mut owner = Owner::seeded(&["a", "b", "c"]);
    owner.publish(20, Update::new().render(post("a", "edited"))).unwrap();
    assert_eq!(owner.ids(), ["c", "b", "a"]);
    owner.publish(21, Update::new().render(post("a", "pinned").sort(Sort::pinned(1)))).unwrap();
    owner.publish(22, Update::new().render(post("d", "new"))).unwrap();
    assert_eq!(owner.ids(), ["a", "d", "c", "b"]);
    owner.publish(23, Update::new().remove(id("b"))).unwrap();
    owner.publish(24, Update::new().render(post("b", "again"))).unwrap();
    assert_eq!(owner.ids(), ["a", "b", "d", "c"]);
}

#[test]
fn restart_then_publish_does_not_wipe_the_page() {
    // The bus began anew: it knows one post, the host rendered more.
    let mut owner = Owner::new();
    owner.publish(50, Update::new().render(post("new", "x"))).unwrap();
    let old = Cursor::new(epoch(99), Version::saturating(40));
    assert_eq!(owner.page.standing(old), Standing::Unknown);
    let frame = json(&owner.view().give_up());
    assert_eq!(frame["reload"], true);
    assert!(frame.get("reset").is_none() && rendered(&frame).is_empty());
}

#[test]
fn a_dead_cursor_of_a_whole_page_is_reset_with_every_known_removal() {
    let mut owner = Owner::seeded(&["a", "b", "c"]);
    owner.publish(20, Update::new().remove(id("b"))).unwrap();
    let frame = json(&owner.view().give_up());
    assert_eq!(frame["reset"], true);
    assert_eq!(rendered(&frame), ["a", "c"]);
    assert_eq!(frame["removals"], serde_json::json!(["b"]));
}

#[test]
fn a_cursor_from_before_the_log_is_good_while_nothing_is_forgotten() {
    let mut owner = Owner::new();
    let before = owner.page.cursor();
    assert_eq!(before.to_string(), "0000000000000001-0");
    let first = owner.publish(20, Update::new().render(post("a", "x"))).unwrap().unwrap();
    assert_eq!(first.prev, before);
    assert_eq!(rendered(&frame(owner.view().since(before, 1))), ["a"]);
    owner.publish(21, Update::replace([post("b", "seed")])).unwrap();
    assert_eq!(owner.page.standing(before), Standing::Dead);
}

#[test]
fn a_clean_restart_resets_nobody_and_a_lossy_one_those_who_saw_what_was_lost() {
    let mut owner = Owner::seeded(&["a"]);
    let stored = owner.page.clone();
    let seen = owner.page.cursor();
    owner.publish(20, Update::new().render(post("lost", "x"))).unwrap();
    let lost = owner.page.cursor();
    owner.page = stored;
    owner.page.fork(epoch(3));
    // At the head: one empty frame carries the chain over.
    let carried = frame(owner.view().since(seen, 9));
    assert!(rendered(&carried).is_empty());
    assert_eq!(carried["prev"], seen.to_string());
    assert_eq!(carried["cursor"], owner.page.cursor().to_string());
    assert_eq!(owner.page.standing(lost), Standing::Dead);
    for number in 4..40 {
        owner.page.fork(epoch(number));
    }
    assert_eq!(owner.page.standing(seen), Standing::Unknown, "only the last forks are kept");
}

#[test]
fn a_late_publisher_neither_undoes_an_edit_nor_resurrects_a_removal() {
    let mut owner = Owner::seeded(&["a"]);
    owner.publish(20, Update::new().render(post("a", "second").rev(2))).unwrap();
    assert_eq!(owner.publish(21, Update::new().render(post("a", "first").rev(1))), Ok(None));
    assert_eq!(owner.publish(22, Update::new().remove_rev(id("a"), 1)), Ok(None));
    owner.publish(23, Update::new().remove_rev(id("a"), 3)).unwrap();
    assert_eq!(owner.publish(24, Update::new().render(post("a", "second").rev(2))), Ok(None));
    assert!(owner.ids().is_empty());
    owner.publish(25, Update::new().render(post("a", "fourth").rev(4))).unwrap();
    assert_eq!(owner.ids(), ["a"]);
}

#[test]
fn a_full_page_refuses_and_stays_as_it_is() {
    let mut owner = Owner::seeded(&["a", "b", "c", "d"]);
    let head = owner.page.cursor();
    let refused = owner.publish(20, Update::new().render(post("e", "x")));
    assert!(matches!(refused, Err(NumberError::PageFull { posts: 5, max_posts: 4, .. })));
    let refused = owner.publish(20, Update::new().render(post("a", &"x".repeat(1_000))));
    assert!(matches!(refused, Err(NumberError::PostTooLarge { max: 1_000, .. })));
    assert_eq!(owner.page.cursor(), head);
    owner.publish(20, Update::new().remove(id("a")).render(post("e", "x"))).unwrap();
    assert_eq!(owner.ids(), ["e", "d", "c", "b"]);
}

#[test]
fn a_page_above_its_limits_can_be_emptied() {
    let mut owner = Owner::seeded(&["a", "b", "c", "d"]);
    owner.limits.max_posts = 1;
    owner.publish(20, Update::new().remove(id("a"))).unwrap();
    owner.publish(21, Update::new().render(Render::hidden(id("b")))).unwrap();
    assert!(matches!(owner.publish(22, Update::new().render(post("e", "x"))), Err(NumberError::PageFull { .. })));
    assert_eq!(owner.ids(), ["d", "c", "b"]);
}

#[test]
fn a_full_page_may_make_room_in_the_same_update() {
    let mut owner = Owner::seeded(&["a", "b", "c", "d"]);
    owner.limits.when_full = WhenFull::RemoveOldest;
    let numbered = owner.publish(20, Update::new().render(post("e", "x")).render(post("f", "x"))).unwrap().unwrap();
    let removed: Vec<_> = numbered
        .changes
        .iter()
        .filter(|change| matches!(change, Change::Removal { .. }))
        .map(|change| change.id().as_str())
        .collect();
    assert_eq!(removed, ["a", "b"]);
    assert_eq!(owner.ids(), ["f", "e", "d", "c"]);
}

#[test]
fn seeding_a_whole_page_again_sends_only_what_differs() {
    let mut owner = Owner::seeded(&["a", "b", "c"]);
    assert_eq!(owner.publish(20, Update::replace(["a", "b", "c"].map(|name| post(name, name)))), Ok(None));
    let numbered =
        owner.publish(21, Update::replace([post("a", "a"), post("b", "edited"), post("d", "d")])).unwrap().unwrap();
    assert!(!numbered.reset);
    let touched: Vec<_> = numbered.changes.iter().map(|change| change.id().as_str()).collect();
    assert_eq!(touched, ["b", "d", "c"]);
}

#[test]
fn a_seed_that_was_read_before_a_newer_publish_is_refused() {
    let mut owner = Owner::new();
    let head = owner.page.cursor();
    owner.publish(20, Update::new().render(post("a", "newer"))).unwrap();
    let seed = Update::replace([post("a", "older")]).if_head_is(head);
    assert!(matches!(owner.publish(21, seed), Err(NumberError::HeadMoved { .. })));
}

#[test]
fn a_default_place_is_not_sent_while_the_page_is_not_whole() {
    let mut owner = Owner::new();
    let start = owner.page.cursor();
    owner.publish(20, Update::new().render(post("a", "x")).render(post("b", "x").sort(Sort::new(7).unwrap()))).unwrap();
    let sent = frame(owner.view().since(start, 1));
    assert!(sent["renders"]["a"].get("sort").is_none());
    assert_eq!(sent["renders"]["b"]["sort"], 7);
}

#[test]
fn removals_beyond_the_limit_move_the_horizon() {
    let mut owner = Owner { page: Page::new(epoch(1), 1), limits: LIMITS };
    owner.publish(10, Update::replace(["a", "b"].map(|name| post(name, name)))).unwrap();
    let seeded = owner.page.cursor();
    owner.publish(20, Update::new().remove(id("a"))).unwrap();
    assert_eq!(owner.page.standing(seeded), Standing::At(seeded.version));
    owner.publish(30, Update::new().remove(id("b"))).unwrap();
    assert_eq!(owner.page.standing(seeded), Standing::Dead);
    assert_eq!(owner.page.horizon().number(), 20);
}

#[test]
fn a_reader_without_a_cursor_gets_the_last_minute() {
    let second = 1_000_000;
    let mut owner = Owner::new();
    owner.publish(100 * second, Update::new().render(post("old", "x"))).unwrap();
    owner.publish(200 * second, Update::new().render(post("new", "x"))).unwrap();
    let mut view = owner.view();
    assert_eq!(rendered(&frame(view.start(Start::Recent, 230 * second))), ["new"]);
    assert!(matches!(view.start(Start::Recent, 261 * second), Answer::UpToDate));
    assert_eq!(rendered(&frame(view.start(Start::Everything, 0))).len(), 2);
}

#[test]
fn a_reader_without_a_cursor_gets_every_recent_post_though_removals_are_forgotten() {
    let mut owner = Owner { page: Page::new(epoch(1), 1), limits: LIMITS };
    owner.publish(100, Update::new().render(post("kept", "x"))).unwrap();
    for name in ["b", "c"] {
        owner.publish(110, Update::new().remove(id(name))).unwrap();
    }
    assert!(owner.page.horizon().number() > 100);
    assert_eq!(rendered(&frame(owner.view().start(Start::Recent, 60_000_050))), ["kept"]);
}

#[test]
fn a_crowd_of_slow_readers_with_different_cursors_shares_few_frames() {
    let mut owner = Owner::seeded(&["a", "b"]);
    let cursors: Vec<_> = (0..1_000u64)
        .map(|number| {
            owner.publish(1_000 + number * 7, Update::new().render(post("a", &number.to_string()))).unwrap();
            owner.page.cursor()
        })
        .collect();
    let mut view = owner.view();
    let frames: BTreeMap<usize, ()> = cursors
        .iter()
        .filter_map(|cursor| match view.since(*cursor, 1) {
            Answer::Frame(frame) => Some((std::sync::Arc::as_ptr(&frame) as usize, ())),
            _ => None,
        })
        .collect();
    assert!(frames.len() <= 40, "{} frames", frames.len());
}
