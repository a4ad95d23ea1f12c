//! Bad input: the files of `corpus/`, each one case for every adapter that has its route.
//!
//! `corpus/README.md` says how a file is written. Whatever a file does, the server has to live on, other readers are not to notice, and
//! whoever sent it is no longer counted as a reader.

mod bytes;
mod channel;
mod cursor;
mod exchange;
mod file;
mod frames;
mod page;
mod post;
mod settings;
mod tables;
pub(crate) mod tokens;
mod witnesses;

use std::{fs, io, path::Path};

use libtest_mimic::Trial;

use self::{
    exchange::Outcome,
    file::{Action, File},
    page::State,
    tables::Route,
    witnesses::Witnesses,
};
use crate::adapter::{Adapter, Routes, Serve};

/// The tests of one adapter: those whose route it has, and every file that cannot be read.
pub(crate) fn trials(adapter_name: &str, adapter: &'static dyn Serve) -> Vec<Trial> {
    let entries = entries().unwrap_or_else(|error| panic!("{}: {error}", folder().display()));
    let suits = |route: Route| adapter.routes() == Routes::All || matches!(route, Route::WebSocket | Route::Any);
    entries
        .into_iter()
        .filter(|entry| entry.case.as_ref().map_or(true, |(file, _)| suits(file.route)))
        .map(|Entry { name, case }| {
            Trial::test(format!("{adapter_name}::corpus::{name}"), move || {
                let (file, action) = case?;
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(run(Adapter(adapter), &file, &action));
                runtime.shutdown_background();
                Ok(())
            })
        })
        .collect()
}

async fn run(adapter: Adapter, file: &File, action: &Action) {
    let routes = adapter.0.routes();
    let (config, clock) = cursor::with_clock(file.config.config(), action);
    let server = adapter.start_alone(config).await;
    server.seed("blog", &["first", "kept"]).await;
    let mut witnesses = Witnesses::open(&server, routes).await;
    let before = State::of(&server).await;
    let held = exchange::hold(&server, &file.held).await;
    let outcome = match action {
        Action::Request(request, answer, frames) => exchange::request(&server, request, answer, frames.as_ref()).await,
        Action::Publish(publish, answer) => exchange::publish(&server, publish, answer).await,
        Action::Frames(frames) => Outcome { open: frames::run(&server, frames).await, status: None },
        Action::Channel(channel) => channel::run(&server, routes, channel).await,
        Action::Cursor(cursor) => cursor::run(&server, routes, cursor, &clock).await,
        Action::Post(post) => post::run(&server, routes, post).await,
    };
    before.has_become(&server, &file.page, outcome.status).await;
    drop(held);
    witnesses.add(outcome.open);
    witnesses.are_unaffected(&server).await;
}

/// One file.
struct Entry {
    /// Of its set and its own: `h::017-missing-key`.
    name: String,
    case: Result<(File, Action), String>,
}

/// Read where the crate's sources are, so that a file that was just added is run.
fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus"))
}

fn entries() -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for set in SETS {
        for file in fs::read_dir(folder().join(set))? {
            let path = file?.path();
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let case = File::parse(&fs::read_to_string(&path)?).map_err(|error| format!("{}: {error}", path.display()));
            entries.push(Entry { name: format!("{set}::{stem}"), case });
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Handshakes, frames, paths, cursors, bodies of a publish, headers, and HTML in Server-Sent Events.
const SETS: [&str; 7] = ["h", "j", "o", "p", "q", "s", "w"];

#[cfg(test)]
mod tests {
    use super::*;

    /// How many cases each set has at least.
    const CASES: [(&str, usize); 7] = [("h", 91), ("j", 179), ("o", 110), ("p", 90), ("q", 107), ("s", 35), ("w", 80)];

    #[test]
    fn every_file_can_be_read_and_no_set_is_smaller_than_it_was() {
        let entries = entries().unwrap();
        for entry in &entries {
            assert!(entry.case.is_ok(), "{:?}", entry.case.as_ref().err());
        }
        for (set, least) in CASES {
            let count = entries.iter().filter(|entry| entry.name.starts_with(set)).count();
            assert!(count >= least, "{set}: {count} cases, not {least}");
        }
    }

    #[test]
    fn the_files_of_a_set_are_numbered_one_after_the_other() {
        let entries = entries().unwrap();
        for set in SETS {
            let names = entries.iter().filter_map(|entry| entry.name.strip_prefix(&format!("{set}::")));
            for (index, name) in names.enumerate() {
                assert!(name.starts_with(&format!("{:03}-", index + 1)), "{set}: {name} is number {}", index + 1);
            }
        }
    }
}
