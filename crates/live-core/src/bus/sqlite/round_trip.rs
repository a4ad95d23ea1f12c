//! A page in memory and the same page loaded from the file are one, whatever was published.

use proptest::{collection::vec, option, prelude::*, test_runner::TestRunner};

use super::testing::{Folder, Time, channel, request};
use crate::{
    bus::sqlite::writer::Writer,
    config::Config,
    cursor::{Cursor, Epoch, Start, Version},
    id::PostId,
    page::{Answer, Page, Standing, View},
    update::{Render, Sort, Update},
};

#[derive(Debug, Clone)]
enum Step {
    Publish(Update),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![9 => update().prop_map(Step::Publish), 1 => Just(Step::Restart)]
}

fn update() -> impl Strategy<Value = Update> {
    let id = || (0..8u8).prop_map(post_id);
    let rev = || option::of(prop::sample::select(&REVS[..]));
    let render = (id(), option::of("[a-z<&ü]{0,9}"), option::of(0..5u64), rev()).prop_map(|(id, html, sort, rev)| {
        let render = html.map_or_else(|| Render::hidden(id.clone()), |html| Render::new(id.clone(), html));
        let render = sort.into_iter().fold(render, |render, sort| render.sort(Sort::new(sort).unwrap()));
        rev.into_iter().fold(render, Render::rev)
    });
    let removal = (id(), rev());
    (vec(render, 0..4), vec(removal, 0..4), prop::bool::weighted(0.1)).prop_map(|(renders, removals, replace)| {
        if replace {
            return Update::replace(renders);
        }
        let update = renders.into_iter().fold(Update::new(), Update::render);
        removals.into_iter().fold(update, |update, (id, rev)| match rev {
            Some(rev) => update.remove_rev(id, rev),
            None => update.remove(id),
        })
    })
}

/// Everything that can be seen of a page.
fn seen(page: &Page, config: &Config) -> impl PartialEq + std::fmt::Debug {
    let posts: Vec<_> = page
        .posts()
        .map(|post| (post.id.clone(), post.html().map(str::to_owned), post.sort(), post.version(), post.rev()))
        .collect();
    let removed: Vec<_> = page.removed().cloned().collect();
    let forks: Vec<_> = page.forks().copied().collect();
    // Which places were chosen shows in what readers get, and the revisions of removals in which publishers are late.
    let frame = match View::new(page.clone(), config.view_limits()).start(Start::Everything, 0) {
        Answer::Frame(frame) => frame.json(),
        other => panic!("{other:?}"),
    };
    let late: Vec<_> = (0..8).flat_map(|id| REVS.map(|rev| is_late(page, config, id, rev))).collect();
    (page.cursor(), page.horizon(), page.is_whole(), (posts, removed, forks), frame, late)
}

const REVS: [u64; 6] = [0, 1, 2, 3, 1 << 63, u64::MAX];

fn is_late(page: &Page, config: &Config, id: u8, rev: u64) -> bool {
    let update = Update::new().render(Render::new(post_id(id), "late").rev(rev));
    page.number(update, 0, Epoch::from_bits(0), &config.page).unwrap().is_none()
}

fn post_id(id: u8) -> PostId {
    PostId::new(id.to_string()).unwrap()
}

fn cached(writer: &mut Writer) -> Option<Page> {
    writer.cache.get(&channel("a")).map(|cached| cached.log.page.clone())
}

/// A case waits for the disk with every step: a sixteenth of the cases that others have, but no fewer than 64.
fn cases() -> ProptestConfig {
    let all = ProptestConfig::default();
    ProptestConfig { cases: (all.cases / 16).max(all.cases.min(64)), failure_persistence: None, ..all }
}

#[test]
fn what_is_loaded_is_what_was_in_memory() {
    // Without the macro, which would take the number from the environment again.
    TestRunner::new(cases()).run(&vec(step(), 1..24), run).unwrap();
}

fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (folder, time) = (Folder::new(), Time::new());
    let config = Config { max_tombstones: 3, ..time.config() };
    let mut writer = Writer::open(&folder.file(), &config).unwrap();
    let mut cursors: Vec<Cursor> = Vec::new();
    for step in steps {
        time.pass(std::time::Duration::from_micros(1));
        match step {
            Step::Publish(update) => {
                let results = writer.burst(vec![request("a", update)]);
                cursors.push(results[0].as_ref().unwrap().cursor);
            }
            Step::Restart => {
                writer.close();
                writer = Writer::open(&folder.file(), &config).unwrap();
            }
        }
        let Some(memory) = cached(&mut writer) else { continue };
        writer.cache.remove(&channel("a"));
        writer.subscribe_now("a").unwrap();
        let loaded = cached(&mut writer).unwrap();
        prop_assert_eq!(seen(&memory, &config), seen(&loaded, &config));
        for cursor in &cursors {
            prop_assert_eq!(writer.standing("a", *cursor), memory.standing(*cursor));
            if cursor.version >= memory.horizon() && cursor.version > Version::ZERO {
                prop_assert_eq!(memory.standing(*cursor), Standing::At(cursor.version));
            }
        }
    }
    Ok(())
}
