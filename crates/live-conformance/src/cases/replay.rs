//! A busy day as fast as it goes, into a crowd on all transports: each of them ends with exactly the page.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use live_core::{Config, Update};
use tokio::sync::watch;

use crate::{
    adapter::Adapter,
    case::Case,
    client::within,
    crowd::{Goal, Habits, Transport, follow},
    model::{Reader, Shown},
    random::Random,
    server::{is_long, post_id, quick, render},
};

const WORDS: [&str; 24] = [
    "kick-off",
    "goal",
    "corner",
    "a",
    "the",
    "for",
    "of",
    "minute",
    "save",
    "crowd",
    "referee",
    "offside",
    "penalty",
    "left",
    "right",
    "wing",
    "pass",
    "tackle",
    "free",
    "kick",
    "löwe",
    "naïve",
    "<b>bold</b>",
    "🏉",
];

/// A message as people write them: mostly a line, now and then a paragraph.
fn message(random: &mut Random) -> String {
    let most = if random.once_in(10) { 120 } else { 25 };
    let words: Vec<_> = (0..3 + random.below(most)).map(|_| *random.pick(&WORDS)).collect();
    format!("<p>{}</p>", words.join(" "))
}

/// Mostly a new message; now and then one is edited, or taken back.
fn event(random: &mut Random, number: usize) -> Update {
    let earlier = |random: &mut Random| format!("m{}", random.below(number + 1));
    match random.below(20) {
        0 => Update::new().remove(post_id(&earlier(random))),
        1 | 2 => Update::new().render(render(&earlier(random), &message(random))),
        _ => Update::new().render(render(&format!("m{number}"), &message(random))),
    }
}

fn habits(number: usize) -> Habits {
    let transport = Some(Transport::ALL[number % 4]);
    let steady = Habits { transport, stays: 1_000_000, rests: Duration::ZERO, buffer: None };
    match number / 4 % 10 {
        0 => Habits { rests: Duration::from_millis(100), buffer: Some(4 << 10), ..steady },
        1 => Habits { rests: Duration::from_millis(20), ..steady },
        2 | 3 => Habits { stays: 20, ..steady },
        4 => Habits { transport: None, stays: 20, ..steady },
        _ => steady,
    }
}

/// What the process holds in memory.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4096
}

const READERS: usize = 200;

/// Two hundred models of a whole page come to half a gigabyte: of several adapters in one process, one after the other.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn a_day_as_fast_as_it_goes_reaches_every_reader_of_a_crowd(adapter: Adapter) {
    let messages = if is_long() { 8_415 } else { 1_000 };
    let _alone = ALONE.lock().await;
    let server = adapter.start(Config { linger: Duration::from_secs(5), ..quick() }).await;
    let cursor = server.seed("blog", &[]).await;
    let html = Reader::of_html(&cursor, Shown::default());
    let mut random = Random::new(8_415);
    let (tell, end) = watch::channel(None);
    let servers = Arc::new(Mutex::new(vec![server.clone()]));
    let readers: Vec<_> = (0..READERS)
        .map(|number| tokio::spawn(follow(servers.clone(), html.clone(), habits(number), random.fork(), end.clone())))
        .collect();
    within("a crowd", async {
        while server.readers() < READERS / 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let (before, began) = (resident_bytes(), Instant::now());
    for number in 0..messages {
        server.publish("blog", event(&mut random, number)).await;
        // As fast as it goes at first; then so that those who keep up get each by itself.
        if number > messages / 2 && number % 4 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let published = began.elapsed();
    let head = server.cursor("blog").await;
    tell.send_replace(Some(Goal::At(head)));
    let page = Shown::by(&server, "blog").await;
    for reader in readers {
        let reader =
            tokio::time::timeout(Duration::from_secs(120), reader).await.expect("a reader at the end").unwrap();
        assert_eq!((&reader.shown, reader.resets, reader.wants_reload), (&page, 0, false));
    }
    let grown = resident_bytes().saturating_sub(before) >> 20;
    println!(
        "{messages} messages published in {published:?}, with {READERS} readers in {:?}, {grown} MiB more",
        began.elapsed()
    );
    // Two hundred models of the page are in it, and whatever the tests beside this one hold.
    assert!(grown < 1_024, "{grown} MiB");
    drop(servers);
    server.has_readers(0).await;
}

/// All cases of this module.
pub(crate) const CASES: &[Case] = cases![a_day_as_fast_as_it_goes_reaches_every_reader_of_a_crowd + threaded,];
