//! What is counted. Each scenario does one thing many times, and prepares each time outside of what is counted.

use anyhow::{Result, ensure};
use http::StatusCode;
use live_core::{
    Cursor, Update,
    page::{Answer, View},
};

use crate::{
    counted::counted,
    page::{Log, POST_BYTES, render},
    readers::{Readers, an_update},
    requests,
    shared::SharedReaders,
};

/// One thing that Live does, over and over.
pub struct Scenario {
    /// Its name in `expected.json`.
    pub name: &'static str,
    /// Does it, and says how often.
    pub run: fn() -> Result<u32>,
}

/// All of them; `docs/instructions.md` says what each is.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "number", run: number },
    Scenario { name: "apply", run: apply },
    Scenario { name: "encode", run: encode },
    Scenario { name: "since-near", run: since_near },
    Scenario { name: "since-far", run: since_far },
    Scenario { name: "conflate", run: conflate },
    Scenario { name: "publish", run: publish },
    Scenario { name: "delivery", run: delivery },
    Scenario { name: "shared", run: shared },
    Scenario { name: "poll-200", run: poll_news },
    Scenario { name: "poll-204", run: poll_nothing },
    Scenario { name: "poll-head", run: poll_time },
    Scenario { name: "handshake", run: handshake },
];

const TIMES: u32 = 1_000;

const POSTS: usize = 1_000;

/// Steps through the posts in no order that an index could like.
const STRIDE: usize = 379;

/// An edit of one post of a long page is numbered.
fn number() -> Result<u32> {
    let log = Log::new(POSTS)?;
    for time in 0..TIMES as usize {
        let update = Update::new().render(render(time * STRIDE % POSTS, POST_BYTES + 1)?);
        counted(|| log.number(update));
    }
    Ok(TIMES)
}

/// An edit of one post becomes part of a long page, without a frame for readers.
fn apply() -> Result<u32> {
    let mut log = Log::new(POSTS)?;
    let mut copy = log.page.clone();
    for time in 0..TIMES as usize {
        let numbered = log.edit(time * STRIDE % POSTS, POST_BYTES + 1)?;
        counted(|| copy.apply(&numbered));
        ensure!(copy.cursor() == log.page.cursor(), "the copy did not take the update");
    }
    Ok(TIMES)
}

/// A large post becomes part of an empty page, and a frame in the encodings of WebSocket and SSE.
fn encode() -> Result<u32> {
    let mut log = Log::new(0)?;
    let mut view = log.view();
    for time in 0..TIMES {
        let numbered = log.edit(0, 4_000 + time as usize)?;
        counted(|| {
            view.apply(&numbered).ok()?;
            view.newest().map(|frame| (frame.websocket(), frame.event()))
        });
        ensure!(view.newest().is_some_and(|frame| frame.cursor() == numbered.cursor), "there is no frame");
    }
    Ok(TIMES)
}

/// A reader a few frames behind gets the next one as it was sent.
fn since_near() -> Result<u32> {
    let (mut view, cursors) = edited(8)?;
    ask(&mut view, cursors[4], usize::MAX, cursors[5])
}

/// A reader far behind gets a conflated frame that others have got before.
fn since_far() -> Result<u32> {
    let (mut view, cursors) = edited(200)?;
    ask(&mut view, cursors[0], usize::MAX, cursors[199])
}

fn ask(view: &mut View, cursor: Cursor, few: usize, expected: Cursor) -> Result<u32> {
    let mut found = None;
    for _ in 0..TIMES {
        // By reference, so that the answer is dropped outside: what is left is the look.
        counted(|| found = Some(view.since(cursor, few)));
        ensure!(
            matches!(&found, Some(Answer::Frame(frame)) if frame.cursor() == expected),
            "not that frame: {found:?}"
        );
    }
    Ok(TIMES)
}

/// The first reader who is a hundred updates behind has a conflated frame made.
fn conflate() -> Result<u32> {
    const BEHIND: usize = 100;
    let (mut log, mut cursors) = (Log::new(POSTS)?, Vec::new());
    let mut view = log.view();
    for time in 0..2 * BEHIND {
        let numbered = log.edit(time * STRIDE % POSTS, POST_BYTES + 1)?;
        view.apply(&numbered)?;
        cursors.push(numbered.cursor);
        if time >= BEHIND {
            counted(|| view.since(cursors[time - BEHIND], 1));
        }
    }
    Ok(BEHIND as u32)
}

/// A page after so many edits of different posts, and the cursor after each.
fn edited(edits: usize) -> Result<(View, Vec<Cursor>)> {
    let (mut log, mut cursors) = (Log::new(POSTS)?, Vec::new());
    let mut view = log.view();
    for time in 0..edits {
        let numbered = log.edit(time * STRIDE % POSTS, POST_BYTES + 1)?;
        view.apply(&numbered)?;
        cursors.push(numbered.cursor);
    }
    Ok((view, cursors))
}

const READERS: usize = 100;

/// A publish to a page with a hundred readers, until all of them are woken.
fn publish() -> Result<u32> {
    let mut readers = Readers::new(READERS)?;
    for _ in 0..TIMES / 10 {
        let update = an_update()?;
        let mut published = None;
        counted(|| published = Some(readers.publish(update)));
        ensure!(matches!(published, Some(Ok(_))), "not published: {published:?}");
        readers.deliver()?;
    }
    Ok(TIMES / 10)
}

/// A reader at the head is woken, looks, and writes the frame to its socket.
fn delivery() -> Result<u32> {
    let mut readers = Readers::new(READERS)?;
    for _ in 0..TIMES / 10 {
        readers.publish(an_update()?)?;
        let mut delivered = Ok(());
        counted(|| delivered = readers.deliver());
        delivered?;
    }
    Ok(TIMES / 10 * READERS as u32)
}

/// An update to readers who share a task, from the call that publishes to the last write.
fn shared() -> Result<u32> {
    let mut readers = SharedReaders::new(READERS)?;
    for _ in 0..TIMES / 10 {
        let update = an_update()?;
        let mut delivered = Ok(());
        counted(|| delivered = readers.publish(update));
        delivered?;
        readers.read()?;
    }
    Ok(TIMES / 10 * READERS as u32)
}

/// An interval poll that finds an update.
fn poll_news() -> Result<u32> {
    let mut readers = Readers::new(1)?;
    let cursor = readers.publish(an_update()?)?;
    readers.deliver()?;
    readers.publish(an_update()?)?;
    requests::poll(&readers, cursor, StatusCode::OK, TIMES)?;
    Ok(TIMES)
}

/// An interval poll that finds nothing new.
fn poll_nothing() -> Result<u32> {
    let mut readers = Readers::new(1)?;
    let cursor = readers.publish(an_update()?)?;
    requests::poll(&readers, cursor, StatusCode::NO_CONTENT, TIMES)?;
    Ok(TIMES)
}

/// A poll of Wagtail Live's page, for the time of the last update.
fn poll_time() -> Result<u32> {
    let mut readers = Readers::new(1)?;
    // A page that is not whole has no such time.
    readers.publish(Update::replace([render(0, POST_BYTES)?]))?;
    requests::probe(&readers, TIMES)?;
    Ok(TIMES)
}

/// A reader connects by a WebSocket.
fn handshake() -> Result<u32> {
    let mut readers = Readers::new(1)?;
    let cursor = readers.publish(an_update()?)?;
    requests::handshake(&readers, cursor, TIMES)?;
    Ok(TIMES)
}
