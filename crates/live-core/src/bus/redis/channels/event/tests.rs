//! What the real channels_redis has written, read and written again.

use super::*;
use crate::{id::PostId, update::Render};

/// How they were made is in `capture.py` beside them.
const RECORDINGS: [&str; 2] = [
    include_str!("../../../../../tests/core/redis/channels/wire/channels_redis-3.4.1.txt"),
    include_str!("../../../../../tests/core/redis/channels/wire/channels_redis-4.3.0.txt"),
];
const MAX: usize = 1 << 20;
const POST: &str = "d943e339-4f68-4bb8-8f25-b85f423f136b";
const HTML: &str = "\n\n<div class=\"live-post\" data-post-id=\"d943e339-4f68-4bb8-8f25-b85f423f136b\">\n    <div class=\"post-block\">Ün <b>&quot;1&quot;</b></div>\n</div>";
const CHANNEL: &str = "specific.0123456789abcdef0123456789abcdef!fedcba9876543210fedcba9876543210";

fn recorded() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    RECORDINGS.iter().flat_map(|recording| recording.lines()).map(|line| {
        let (name, hex) = line.split_once(' ').unwrap();
        let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
        (name, bytes.collect())
    })
}

fn codec(name: &str) -> Codec {
    let format = if name.contains("json") { Format::Json } else { Format::MessagePack };
    let keys = ["not this one".to_owned(), "the first key".to_owned()];
    let keys = if name.contains("encrypted") { Keys::new(&keys) } else { None };
    Codec { format, keys, max_seconds: None, clock: Clock::default() }
}

fn prefix(name: &str) -> usize {
    match name {
        name if name.contains("pubsub") => 0,
        name if name.contains("short") => 4,
        _ => 12,
    }
}

fn id(id: &str) -> PostId {
    PostId::new(id).unwrap()
}

#[test]
fn what_channels_redis_writes_is_read() {
    let mut read = 0;
    for (name, message) in recorded() {
        let codec = codec(name);
        let event = codec.open(&message[prefix(name)..], MAX).unwrap();
        let update = codec.decode(&event).unwrap();
        let renders: Vec<_> = update.renders().map(|render| (render.id().as_str(), render.html())).collect();
        let removals: Vec<_> = update.removals().map(PostId::as_str).collect();
        match name.ends_with("post") {
            true => assert_eq!((renders, removals), (vec![(POST, Some(HTML))], vec![]), "{name}"),
            false => assert_eq!((renders, removals), (vec![], vec![POST]), "{name}"),
        }
        match name.contains("core") {
            true => assert_eq!(codec.channels(&event).unwrap(), [CHANNEL], "{name}"),
            false => assert_eq!(codec.channels(&event), Err(MessageError::NotAnEvent), "{name}"),
        }
        read += 1;
    }
    assert_eq!(read, 20);
}

#[test]
fn what_live_writes_is_what_channels_redis_would_write() {
    for (name, message) in recorded().filter(|(name, _)| !name.contains("encrypted") && !name.contains("json")) {
        let codec = codec(name);
        let update = match name.ends_with("post") {
            true => Update::new().render(Render::raw(id(POST), HTML).unwrap()),
            false => Update::new().remove(id(POST)),
        };
        let mut event = codec.encode(&update);
        if name.contains("core") {
            event = codec.address(&event, &[CHANNEL]);
        }
        assert_eq!(event, message[prefix(name)..], "{name}");
    }
}

#[test]
fn live_reads_back_everything_that_it_wrote() {
    let updates = [
        Update::new()
            .render(Render::new(id("b"), "<b>\"Ü\"</b>").sort(crate::update::Sort::pinned(2)).rev(9))
            .render(Render::hidden(id("a")))
            .remove(id("c"))
            .remove_rev(id("d"), 4),
        Update::replace([Render::new(id("a"), "x".repeat(70_000)), Render::new(id("b"), "y")]),
        Update::new(),
    ];
    for name in ["", "json", "encrypted", "json encrypted"] {
        for update in &updates {
            let codec = codec(name);
            let event = codec.address(&codec.encode(update), &["first", "second"]);
            let sealed = codec.seal(event).unwrap();
            let opened = codec.open(&sealed, MAX).unwrap();
            assert_eq!(codec.decode(&opened).as_ref(), Ok(update), "{name}");
            assert_eq!(codec.channels(&opened).unwrap(), ["first", "second"]);
        }
    }
}

#[test]
fn what_is_no_event_is_told_apart_without_a_word_of_what_is_in_it() {
    let deep = [vec![0x91; 100_000], vec![0xc0]].concat();
    let (codec, json) = (codec(""), codec("json"));
    let other = rmp_serde::to_vec_named(&serde_json::json!({"type": "secret", "renders": {}, "removals": []})).unwrap();
    let shown = serde_json::json!({"type": "update", "renders": {"secret": {"show": "secret"}}, "removals": []});
    let good = codec.encode(&Update::new().remove(id("secret")));
    let none: [(&[u8], MessageError); 11] = [
        (b"", MessageError::NotMessagePack),
        (b"\xc1secret", MessageError::NotAnEvent),
        (&good[..good.len() - 1], MessageError::NotMessagePack),
        (&[&good[..], b"\xc0"].concat(), MessageError::NotMessagePack),
        (&deep, MessageError::NotAnEvent),
        // A map of four milliards.
        (b"\xdf\xff\xff\xff\xff\xa4type", MessageError::NotMessagePack),
        (b"\xa6secret", MessageError::NotAnEvent),
        (b"\x93\xa6update\x80\x90", MessageError::NotAnEvent),
        (&other, MessageError::NotAnEvent),
        (&rmp_serde::to_vec_named(&shown).unwrap(), MessageError::NotAnEvent),
        (b"{\"type\": \"update\"}", MessageError::NotAnEvent),
    ];
    for (event, expected) in none {
        let error = codec.decode(event).unwrap_err();
        assert_eq!(error, expected, "{:?}", &event[..event.len().min(20)]);
        assert!(!error.to_string().contains("secret"));
    }
    for (event, expected) in [(&b"{\"type\""[..], MessageError::NotJson), (&good, MessageError::NotJson)] {
        assert_eq!(json.decode(event), Err(expected));
    }
    assert_eq!(json.decode(b"{\"type\": 5}"), Err(MessageError::NotAnEvent));
    // Nesting that is not looked at is no danger either.
    let nested = [b"\x82\xa4type\xa6update\xa1x".to_vec(), vec![0x91; 100_000], vec![0xc0]].concat();
    assert!(codec.decode(&nested).is_err());
}

#[test]
fn a_large_message_is_skipped_before_it_is_decrypted() {
    for name in ["", "encrypted"] {
        let codec = codec(name);
        let large = codec.seal(vec![7; MAX + 2 * BESIDE]).unwrap();
        assert!(matches!(codec.open(&large, MAX), Err(MessageError::TooLarge { max: MAX, .. })), "{name}");
        let allowed = codec.seal(vec![7; MAX]).unwrap();
        assert!(codec.open(&allowed, MAX).is_ok(), "{name}");
    }
    assert_eq!(codec("encrypted").open(b"secret", MAX), Err(MessageError::NotDecrypted));
}
