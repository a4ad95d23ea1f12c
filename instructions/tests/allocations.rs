//! What a reader and an update take from the heap, once everything has its place: counted, so that no clock decides.

use dhat::{Alloc, HeapStats, Profiler};
use http::{Method, StatusCode};
use live_core::{Cursor, Update};
use live_instructions::{Readers, an_update, answer, request};

#[global_allocator]
static ALLOCATOR: Alloc = Alloc;

/// How often the heap was asked for memory meanwhile.
fn allocations(work: impl FnOnce()) -> u64 {
    let before = HeapStats::get().total_blocks;
    work();
    HeapStats::get().total_blocks - before
}

// One test: the counts are the whole process's, and a second test would run beside it.
#[test]
fn a_delivery_allocates_nothing_and_a_poll_and_an_update_a_handful() {
    let _profiler = Profiler::builder().testing().build();
    let per_update = [1, 400].map(|count| {
        let mut readers = Readers::new(count).unwrap();
        let mut most = 0;
        // The first updates fill what keeps its size from then on.
        for round in 0..20 {
            let update = an_update().unwrap();
            let publish = allocations(|| {
                readers.publish(update).unwrap();
            });
            let delivery = allocations(|| readers.deliver().unwrap());
            if round >= 4 {
                assert_eq!(delivery, 0, "allocations for {count} deliveries");
                most = most.max(publish);
            }
        }
        most
    });
    println!("allocations of an update: {} with 1 reader, {} with 400", per_update[0], per_update[1]);
    assert!(per_update.into_iter().all(|allocations| allocations <= HANDFUL), "{per_update:?}");
    polls().unwrap();
}

fn polls() -> anyhow::Result<()> {
    let mut readers = Readers::new(1)?;
    let (mut before, mut head) = Default::default();
    for update in [Update::replace([]), an_update()?, an_update()?] {
        (before, head) = (head, Some(readers.publish(update)?));
        readers.deliver()?;
    }
    let at =
        |cursor: Option<Cursor>| format!("/updates/blog/?cursor={}", cursor.map_or(String::new(), |at| at.to_string()));
    for (method, path, expected, most) in [
        (Method::GET, at(head), StatusCode::NO_CONTENT, 3),
        (Method::GET, at(before), StatusCode::OK, 3),
        (Method::HEAD, "/get-updates/blog/".to_owned(), StatusCode::OK, 8),
    ] {
        // The first makes the frame, if there is one to make.
        for round in 0..4 {
            let (request, mut status) = (request(&method, &path, &[])?, None);
            let polls = allocations(|| status = answer(&readers, request));
            assert_eq!(status, Some(expected), "{method} {path}");
            println!("allocations of {method} {path}: {polls}");
            assert!(round == 0 || polls <= most, "{polls} allocations for {method} {path}");
        }
    }
    Ok(())
}

/// From the call of `publish` until the last reader is woken: numbering, the pages of bus and replica, the announcement and the frame.
/// The list of those to wake doubles as it fills, so 400 readers cost four more than one.
const HANDFUL: u64 = 20;
