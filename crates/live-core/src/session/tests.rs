//! The session, at moments that the tests choose.

use proptest::{bool::weighted, collection::vec, prelude::*, sample::Index};

use super::*;

fn session() -> Session {
    Session::new(&Config::default(), 0)
}

/// A frame from a reader, masked with zeros.
fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0x80 | opcode, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

#[test]
fn a_ping_is_answered_even_byte_by_byte() {
    let mut session = session();
    for byte in masked(0x9, b"hi") {
        session.handle_bytes(&[byte], 0);
    }
    assert_eq!(session.poll_control().unwrap(), &[0x8a, 2, b'h', b'i'][..]);
    assert!(session.poll_control().is_none());
    assert!(session.is_open());
}

#[test]
fn only_half_a_message_is_remembered() {
    let mut session = session();
    let ping = masked(0x9, b"hi");
    session.handle_bytes(&[&ping[..], &masked(0x1, b"hello"), &ping].concat(), 0);
    assert!(session.context.is_none());
    assert_eq!(session.poll_control().unwrap(), &[0x8a, 2, b'h', b'i'].repeat(2)[..]);
    for half in [&ping[..1], &ping[..7], &[0x01, 0x80, 0, 0, 0, 0], &[&ping[..], &ping[..3]].concat()] {
        let mut session = Session::new(&Config::default(), 0);
        session.handle_bytes(half, 0);
        assert!(session.context.is_some(), "{half:?}");
    }
}

#[test]
fn a_reader_that_leaves_its_pongs_unread_is_not_listened_to() {
    let mut session = session();
    while session.wants_bytes() {
        session.handle_bytes(&masked(0x9, &[0; 125]), 0);
    }
    assert!(session.poll_control().unwrap().len() < MAX_CONTROL_BYTES + 128);
    assert!(session.wants_bytes());
}

#[test]
fn the_readers_close_is_answered_with_its_own_code() {
    let mut session = session();
    session.handle_bytes(&masked(0x8, &1000u16.to_be_bytes()), 0);
    assert_eq!(session.poll_control().unwrap(), &[0x88, 2, 3, 0xe8][..]);
    assert!(session.is_closed());
}

#[test]
fn our_close_ends_with_the_readers_answer_or_after_a_while() {
    let mut session = session();
    session.close(Close::AdmissionEnded, 0);
    assert_eq!(session.poll_control().unwrap()[2..4], 4100u16.to_be_bytes());
    assert!(!session.is_open() && !session.is_closed());
    assert_eq!(session.poll_due(1_999), Due::At(2_000));
    assert_eq!(session.poll_due(2_000), Due::Close(Close::Silent));
    session.handle_bytes(&masked(0x8, &4100u16.to_be_bytes()), 5);
    assert!(session.is_closed());
    assert!(session.poll_control().is_none());
}

#[test]
fn a_reader_that_breaks_the_protocol_is_told_how() {
    let long = u64::MAX.to_be_bytes();
    for (bytes, code) in [
        (vec![0x81, 0x01, b'x'], 1002u16),
        (masked(0x3, b""), 1002),
        (vec![0xc1, 0x80, 0, 0, 0, 0], 1002),
        (masked(0x1, b"\xff"), 1007),
        ([&[0x82, 0xfe, 0x10, 0x01, 0, 0, 0, 0][..], &[0; 8]].concat(), 1009),
        ([&[0x82, 0xff][..], &long, &[0; 4]].concat(), 1009),
    ] {
        let mut session = session();
        session.handle_bytes(&bytes, 0);
        let sent = session.poll_control().unwrap();
        assert_eq!(u16::from_be_bytes([sent[2], sent[3]]), code, "{bytes:x?}");
        assert!(sent.len() <= 127 && session.is_closed());
    }
}

#[test]
fn a_reader_that_failed_has_closed_with_the_close_frame_at_the_end_of_what_it_still_sends() {
    for (late, has_failed) in [
        (vec![0; 1_000], true),
        ([vec![7; 1_000], masked(0x8, b"")].concat(), false),
        (masked(0x8, b"\x03\xeagoodbye"), false),
        (masked(0x8, &[0; 125]), false),
        ([masked(0x8, b""), vec![7]].concat(), true),
    ] {
        let mut session = session();
        session.handle_bytes(&[0x81, 0x01, b'x'], 0);
        assert!(session.has_failed());
        session.handle_bytes(&late, 0);
        assert_eq!((session.has_failed(), session.is_closed()), (has_failed, true), "{late:x?}");
    }
}

#[test]
fn the_time_that_bytes_are_on_their_way_is_no_silence() {
    let mut session = session();
    session.handle_held(10_000, 50_000);
    assert_eq!(session.poll_due(50_000), Due::At(65_000));
    assert_eq!(session.poll_due(65_000), Due::Heartbeat);
    assert_eq!(session.poll_due(90_000), Due::Heartbeat);
    assert_eq!(session.poll_due(100_000), Due::Close(Close::Silent));
    session.handle_bytes(&masked(0xa, b""), 110_000);
    session.handle_held(100_000, 110_000);
    assert_eq!(session.poll_due(110_000), Due::At(135_000));
    assert_eq!(session.poll_due(135_000), Due::Heartbeat);
    assert_eq!(session.poll_due(160_000), Due::Heartbeat);
    assert_eq!(session.poll_due(169_999), Due::Heartbeat);
    assert_eq!(session.poll_due(170_000), Due::Close(Close::Silent));
}

#[test]
fn silence_is_answered_by_heartbeats_and_then_by_the_end() {
    let mut session = session();
    assert_eq!(session.poll_due(24_999), Due::At(25_000));
    assert_eq!(session.poll_due(25_000), Due::Heartbeat);
    session.handle_written(25_000);
    assert_eq!(session.poll_due(25_000), Due::At(50_000));
    assert_eq!(session.poll_due(50_000), Due::Heartbeat);
    session.handle_written(50_000);
    assert_eq!(session.poll_due(60_000), Due::Close(Close::Silent));
    session.handle_bytes(&masked(0xa, b""), 59_000);
    assert_eq!(session.poll_due(60_000), Due::At(75_000));
}

#[test]
fn a_server_that_was_late_to_ask_waits_for_the_answer_all_the_same() {
    let mut session = session();
    // Stopped, or with too much to do, since before the first ping was due.
    assert_eq!(session.poll_due(70_000), Due::Heartbeat);
    session.handle_written(70_000);
    assert_eq!(session.poll_due(95_000), Due::Heartbeat);
    session.handle_written(95_000);
    assert_eq!(session.poll_due(104_999), Due::At(105_000));
    assert_eq!(session.poll_due(105_000), Due::Close(Close::Silent));
    session.handle_bytes(&masked(0xa, b""), 105_000);
    assert_eq!(session.poll_due(119_999), Due::At(120_000));
}

#[test]
fn an_answer_that_a_stopped_server_has_not_read_is_no_silence() {
    let mut session = session();
    assert_eq!(session.poll_due(25_000), Due::Heartbeat);
    session.handle_written(25_000);
    assert_eq!(session.poll_due(25_000), Due::At(50_000));
    // The answer lies in the kernel, and nobody looks before this.
    assert_eq!(session.poll_due(90_000), Due::Heartbeat);
    session.handle_bytes(&masked(0xa, b""), 90_010);
    session.handle_written(90_010);
    assert_eq!(session.poll_due(90_010), Due::At(115_010));
}

#[test]
fn a_reader_that_only_listens_is_pinged_and_a_slow_one_is_heard_by_what_it_takes() {
    let mut session = session();
    session.handle_written(20_000);
    assert_eq!(session.poll_due(20_000), Due::At(25_000));
    assert_eq!(session.poll_due(25_000), Due::Heartbeat);
    session.handle_written(25_000);
    session.handle_bytes(&masked(0xa, b""), 26_000);
    assert_eq!(session.poll_due(26_000), Due::At(50_000));
    assert!(matches!(session.handle_blocked(50_000), Due::At(_)));
    session.handle_written(79_000);
    assert_eq!(session.poll_due(100_000), Due::At(104_000));
}

#[test]
fn a_socket_that_takes_nothing_ends_at_the_write_deadline() {
    let mut session = session();
    assert_eq!(session.handle_blocked(100), Due::At(30_100));
    assert_eq!(session.handle_blocked(30_099), Due::At(30_100));
    session.handle_written(30_099);
    assert_eq!(session.handle_blocked(30_100), Due::At(60_100));
    assert_eq!(session.handle_blocked(60_100), Due::Close(Close::TooSlow));
}

/// What readers send: frames whole and in fragments, of kinds that there are and that there are not.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop_oneof![8 => 0..=2u8, 4 => 9..=10u8, 1 => 8..=8u8, 1 => 0..16u8];
    let payload = prop_oneof![vec(any::<u8>(), 0..6), "[a-zß]{0,4}".prop_map(String::into_bytes)];
    let frame = (opcode, weighted(0.8), payload).prop_map(|(opcode, is_final, payload)| {
        let mut frame = masked(opcode, &payload);
        frame[0] &= if is_final { 0xff } else { 0x7f };
        frame
    });
    vec(frame, 0..12).prop_map(|frames| frames.concat())
}

proptest! {
    #[test]
    fn it_is_the_same_in_whatever_pieces_it_comes(bytes in frames(), cuts in vec(any::<Index>(), 0..8)) {
        let (mut in_pieces, mut by_bytes) = (session(), session());
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        for piece in cuts.windows(2) {
            in_pieces.handle_bytes(&bytes[piece[0]..piece[1]], 0);
        }
        bytes.iter().for_each(|byte| by_bytes.handle_bytes(&[*byte], 0));
        prop_assert_eq!(in_pieces.poll_control(), by_bytes.poll_control());
        prop_assert_eq!(in_pieces.is_closed(), by_bytes.is_closed());
    }
}
