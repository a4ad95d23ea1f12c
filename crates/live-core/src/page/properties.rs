//! Any interleaving of publishing, following, reading, hopping between replicas, restarting and forking.
//!
//! One page with its log, two replicas that follow it at their own pace, and readers that apply what they are sent by the
//! protocol's rules. Whatever happens, each reader shows the page as it was at one version, and in the end as it is.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use indexmap::IndexMap;
use proptest::prelude::*;
use serde_json::Value;

use super::{
    tests::{LIMITS, id, post},
    *,
};
use crate::{
    cursor::Start,
    frame::Frame,
    update::{Render, Sort, Update},
};

/// What a page shows: content and place by id.
type Shown = BTreeMap<String, (String, Option<u64>)>;

#[derive(Debug, Clone)]
enum Step {
    Publish(Vec<Item>),
    Seed(Vec<u8>),
    /// The log is opened by a server that has lost its last update (if any since the last fork), or nothing.
    Reopen {
        lossy: bool,
    },
    Follow {
        replica: bool,
        updates: u8,
    },
    Resubscribe {
        replica: bool,
    },
    Connect {
        reader: u8,
        replica: bool,
        everything: bool,
    },
    Read {
        reader: u8,
    },
    /// The same frame again, as after a retry.
    Repeat {
        reader: u8,
    },
}

#[derive(Debug, Clone)]
enum Item {
    Post { name: u8, html: u8, hidden: bool, sort: Option<u8>, rev: Option<u8> },
    Remove { name: u8, rev: Option<u8> },
}

fn items() -> impl Strategy<Value = Item> {
    let post = (
        0..5u8,
        any::<u8>(),
        any::<bool>(),
        proptest::option::weighted(0.2, any::<u8>()),
        proptest::option::weighted(0.2, 0..6u8),
    );
    prop_oneof![
        3 => post.prop_map(|(name, html, hidden, sort, rev)| Item::Post { name, html, hidden, sort, rev }),
        1 => (0..5u8, proptest::option::weighted(0.2, 0..6u8)).prop_map(|(name, rev)| Item::Remove { name, rev }),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => proptest::collection::vec(items(), 1..4).prop_map(Step::Publish),
        1 => proptest::collection::vec(0..5u8, 0..4).prop_map(Step::Seed),
        1 => any::<bool>().prop_map(|lossy| Step::Reopen { lossy }),
        6 => (any::<bool>(), 1..4u8).prop_map(|(replica, updates)| Step::Follow { replica, updates }),
        1 => any::<bool>().prop_map(|replica| Step::Resubscribe { replica }),
        3 => (0..3u8, any::<bool>(), proptest::bool::weighted(0.1)).prop_map(|(reader, replica, everything)| Step::Connect { reader, replica, everything }),
        8 => (0..3u8).prop_map(|reader| Step::Read { reader }),
        2 => (0..3u8).prop_map(|reader| Step::Repeat { reader }),
    ]
}

struct Replica {
    view: View,
    tail: VecDeque<Arc<Numbered>>,
}

#[derive(Default)]
struct Reader {
    shown: Shown,
    cursor: Option<Cursor>,
    replica: usize,
    start: Option<Start>,
    last: Option<Arc<Frame>>,
}

struct World {
    page: Page,
    before_last: Page,
    replicas: [Replica; 2],
    readers: [Reader; 3],
    /// What the page showed at each version that was ever stored, by epoch.
    history: BTreeMap<String, Shown>,
    now: u64,
    epochs: u64,
}

fn shown(page: &Page) -> Shown {
    page.posts().map(|post| (post.id.to_string(), (post.content().into_owned(), Some(post.sort().number())))).collect()
}

impl World {
    fn new() -> Self {
        let limits =
            ViewLimits { ring_frames: 3, ring_bytes: 10_000, conflated_bytes: 10_000, conflate_after: 2, grace: 5 };
        let mut page = Page::new(Epoch::from_bits(1), 2);
        // Whole from its first update on, so that its readers can be compared at every version.
        let seed = page.number(Update::replace([]), 1, Epoch::from_bits(2), &LIMITS).unwrap().unwrap();
        page.apply(&seed).unwrap();
        let replica = || Replica { view: View::new(page.clone(), limits), tail: VecDeque::new() };
        let mut world = Self {
            replicas: [replica(), replica()],
            before_last: page.clone(),
            page,
            readers: Default::default(),
            history: BTreeMap::new(),
            now: 1,
            epochs: 2,
        };
        world.remember();
        world
    }

    fn remember(&mut self) {
        self.history.insert(self.page.cursor().to_string(), shown(&self.page));
    }

    fn publish(&mut self, update: Update) {
        self.now += 1;
        let Ok(Some(numbered)) = self.page.number(update, self.now, Epoch::from_bits(0), &LIMITS) else { return };
        self.before_last = self.page.clone();
        self.page.apply(&numbered).unwrap();
        self.remember();
        let numbered = Arc::new(numbered);
        self.replicas.iter_mut().for_each(|replica| replica.tail.push_back(Arc::clone(&numbered)));
    }

    fn reopen(&mut self, lossy: bool) {
        if lossy {
            self.page = self.before_last.clone();
        }
        self.epochs += 1;
        self.page.fork(Epoch::from_bits(self.epochs));
        self.before_last = self.page.clone();
        self.remember();
        // The tails end with the server; their hubs subscribe anew in their own time.
        self.replicas.iter_mut().for_each(|replica| replica.tail.clear());
    }

    fn follow(&mut self, replica: usize, updates: u8) {
        for _ in 0..updates {
            let Replica { view, tail } = &mut self.replicas[replica];
            let Some(update) = tail.pop_front() else { return };
            if let Err(ApplyError::Gap { .. }) = view.apply(&update) {
                return self.resubscribe(replica);
            }
        }
    }

    fn resubscribe(&mut self, replica: usize) {
        self.replicas[replica].tail.clear();
        self.replicas[replica].view.replace_page(self.page.clone());
    }

    fn read(&mut self, index: usize) {
        let reader = &mut self.readers[index];
        let view = &mut self.replicas[reader.replica].view;
        let answer = match (reader.start.take(), reader.cursor) {
            (Some(start), _) => (view.start(start, self.now), Some(start)),
            (None, Some(cursor)) => (view.since(cursor, 9), None),
            (None, None) => return,
        };
        match answer {
            (Answer::Frame(frame), _) => self.take(index, &frame),
            (Answer::UpToDate, Some(Start::Recent)) => {
                let hello = view.heartbeat(false);
                self.take(index, &hello);
            }
            (Answer::UpToDate, _) => {}
            (Answer::Unknown(cursor), start) => self.ask(index, cursor, start),
        }
    }

    /// Only the log declares a cursor dead; until the replica has caught up with the log the reader gets nothing.
    fn ask(&mut self, index: usize, cursor: Cursor, start: Option<Start>) {
        let is_alive = matches!(self.page.standing(cursor), Standing::At(_));
        let reader = &mut self.readers[index];
        let has_caught_up = self.replicas[reader.replica].view.has_reached(self.page.cursor());
        if is_alive || !has_caught_up {
            reader.start = start;
            return;
        }
        let frame = self.replicas[reader.replica].view.give_up();
        self.take(index, &frame);
    }

    fn take(&mut self, index: usize, frame: &Arc<Frame>) {
        let reader = &mut self.readers[index];
        reader.last = Some(Arc::clone(frame));
        let before = reader.cursor;
        reader.apply(frame);
        let cursor = reader.cursor.unwrap();
        let expected = self.history.get(&cursor.to_string()).unwrap_or_else(|| panic!("{cursor} was never stored"));
        assert_eq!(&reader.shown, expected, "reader {index} at {cursor}");
        if let Some(before) = before.filter(|before| before.epoch == cursor.epoch) {
            assert!(cursor.version >= before.version, "reader {index} fell from {before} to {cursor}");
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Publish(items) => self.publish(update(&items)),
            Step::Seed(names) => {
                self.publish(Update::replace(names.iter().map(|name| post(&name.to_string(), "seed"))))
            }
            Step::Reopen { lossy } => self.reopen(lossy),
            Step::Follow { replica, updates } => self.follow(usize::from(replica), updates),
            Step::Resubscribe { replica } => self.resubscribe(usize::from(replica)),
            Step::Connect { reader, replica, everything } => {
                let reader = &mut self.readers[usize::from(reader)];
                reader.replica = usize::from(replica);
                reader.start = Some(match reader.cursor {
                    Some(cursor) if !everything => Start::At(cursor),
                    _ => Start::Everything,
                });
                if everything {
                    *reader = Reader { replica: reader.replica, start: reader.start, ..Reader::default() };
                }
            }
            Step::Read { reader } => self.read(usize::from(reader)),
            Step::Repeat { reader } => {
                let reader = &mut self.readers[usize::from(reader)];
                let shown = reader.shown.clone();
                if let Some(frame) = reader.last.clone() {
                    reader.apply(&frame);
                }
                assert_eq!(reader.shown, shown, "applying twice is applying once");
            }
        }
    }

    /// The faults end: both replicas follow, and the readers read.
    fn settle(&mut self) {
        (0..2).for_each(|replica| self.resubscribe(replica));
        for index in 0..self.readers.len() {
            let start = self.readers[index].cursor.map_or(Start::Everything, Start::At);
            self.readers[index].start = Some(start);
            (0..20).for_each(|_| self.read(index));
            assert_eq!(self.readers[index].shown, shown(&self.page), "reader {index} in the end");
            assert_eq!(self.readers[index].cursor.map(|cursor| cursor.version), Some(self.page.cursor().version));
        }
    }
}

fn update(items: &[Item]) -> Update {
    items.iter().fold(Update::new(), |update, item| match item {
        Item::Post { name, html, hidden, sort, rev } => {
            let name = name.to_string();
            let mut render =
                if *hidden && *html < 64 { Render::hidden(id(&name)) } else { post(&name, &html.to_string()) };
            if let Some(sort) = sort {
                render = render.sort(if *sort > 200 {
                    Sort::pinned(u32::from(*sort))
                } else {
                    Sort::new(u64::from(*sort)).unwrap()
                });
            }
            update.render(match rev {
                Some(rev) => render.rev(u64::from(*rev)),
                None => render,
            })
        }
        Item::Remove { name, rev: Some(rev) } => update.remove_rev(id(&name.to_string()), u64::from(*rev)),
        Item::Remove { name, rev: None } => update.remove(id(&name.to_string())),
    })
}

/// A frame as a reader parses it, its renders in the order that they came in.
#[derive(serde::Deserialize)]
struct Sent {
    renders: IndexMap<String, Value>,
    removals: Vec<String>,
    cursor: Cursor,
    prev: Cursor,
    #[serde(default)]
    reset: bool,
}

impl Reader {
    /// `docs/protocol.md`, "Which frames to apply".
    fn apply(&mut self, frame: &Frame) {
        let json: Sent = serde_json::from_slice(&frame.json()).unwrap();
        let (prev, next, is_reset) = (json.prev, json.cursor, json.reset);
        let applies = self.cursor.is_none_or(|own| {
            is_reset
                || prev == own
                || (prev.epoch == own.epoch
                    && prev.version <= own.version
                    && (next.epoch != own.epoch || own.version < next.version))
        });
        if !applies {
            let own = self.cursor.unwrap();
            assert!(
                next.epoch == own.epoch && next.version <= own.version,
                "a frame from {prev} to {next} came to a reader at {own}"
            );
            return;
        }
        if is_reset {
            self.shown.clear();
        }
        let mut previous = None;
        for (id, render) in &json.renders {
            let sort = render["sort"].as_u64();
            assert!(previous <= sort, "ascending by sort");
            previous = sort;
            self.shown.insert(id.clone(), (render["content"].as_str().unwrap().to_owned(), sort));
        }
        for id in &json.removals {
            assert!(!json.renders.contains_key(id), "no id is in both");
            self.shown.remove(id);
        }
        self.cursor = Some(next);
    }
}

proptest! {
    #[test]
    fn every_reader_shows_the_page_as_it_was_and_in_the_end_as_it_is(steps in proptest::collection::vec(steps(), 0..60)) {
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.step(step));
        world.settle();
    }

    #[test]
    fn a_page_put_together_from_its_parts_answers_as_before(items in proptest::collection::vec(items(), 0..12)) {
        let mut world = World::new();
        items.chunks(2).for_each(|items| world.publish(update(items)));
        let stored = stored(&world.page);
        let copy = Page::from_stored(stored, 2);
        prop_assert_eq!(shown(&copy), shown(&world.page));
        prop_assert_eq!(copy.cursor(), world.page.cursor());
        prop_assert_eq!(copy.removed().collect::<Vec<_>>(), world.page.removed().collect::<Vec<_>>());
        prop_assert_eq!(copy.posts.bytes(), world.page.posts.bytes());
    }
}

fn stored(page: &Page) -> StoredPage {
    let posts = page.posts().map(|post| StoredPost {
        id: post.id.clone(),
        html: post.html().map(Arc::from),
        sort: post.sort(),
        placed: post.state.placed,
        rev: post.rev(),
        version: post.version(),
        index: post.state.moment.index,
    });
    let removals = page.removed().zip(0..).map(|(id, index)| StoredRemoval {
        id: id.clone(),
        rev: None,
        version: page.head,
        index,
    });
    StoredPage {
        origin: page.origin,
        epoch: page.epoch,
        head: page.head,
        horizon: page.horizon,
        whole: page.whole,
        forks: page.forks.iter().copied().collect(),
        posts: posts.collect(),
        removals: removals.collect(),
    }
}
