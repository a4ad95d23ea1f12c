//! For suites that test the protocol: the session sends each message back to whom it came from. Nothing but the feature `echo`
//! compiles it.

use tungstenite::{
    Message,
    protocol::frame::{
        FrameHeader,
        coding::{Data, OpCode},
    },
};

/// Puts the message behind the pongs, as one frame: while it waits to be sent the reader is not listened to, so that at most what
/// one read completes piles up.
pub(super) fn push(message: &Message, control: &mut Vec<u8>) {
    let (kind, payload) = match message {
        Message::Text(text) => (Data::Text, text.as_bytes()),
        Message::Binary(bytes) => (Data::Binary, &bytes[..]),
        _ => return,
    };
    let header = FrameHeader { opcode: OpCode::Data(kind), ..FrameHeader::default() };
    // Writing to a Vec cannot fail.
    header.format(payload.len() as u64, control).unwrap_or_default();
    control.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use crate::{Session, close::Close, config::Config};

    const TEXT: u8 = 0x81;
    const BINARY: u8 = 0x82;
    const PING: u8 = 0x89;
    const PONG: u8 = 0x8a;

    fn session() -> Session {
        Session::new(&Config { echo: true, max_incoming_bytes: 1 << 20, ..Config::default() }, 0)
    }

    /// A frame as it is sent: masked with zeros by a reader, unmasked by the session.
    fn frame(first: u8, mask: &[u8], payload: &[u8]) -> Vec<u8> {
        let masked = if mask.is_empty() { 0 } else { 0x80 };
        let length = payload.len();
        let header = match length {
            0..=125 => vec![first, masked | length as u8],
            126..=65_535 => [&[first, masked | 126][..], &(length as u16).to_be_bytes()].concat(),
            _ => [&[first, masked | 127][..], &(length as u64).to_be_bytes()].concat(),
        };
        [&header, mask, payload].concat()
    }

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        frame(first, &[0; 4], payload)
    }

    fn sent(session: &mut Session) -> Vec<u8> {
        session.poll_control().map(Vec::from).unwrap_or_default()
    }

    #[test]
    fn text_and_binary_come_back_as_they_were_sent() {
        for (first, length) in
            [(TEXT, 0), (TEXT, 125), (BINARY, 126), (BINARY, 65_535), (TEXT, 65_536), (BINARY, 1 << 20)]
        {
            let mut session = session();
            let payload = vec![b'x'; length];
            session.handle_bytes(&masked(first, &payload), 0);
            assert!(sent(&mut session) == frame(first, &[], &payload), "{first:x} {length}");
            assert!(session.is_open());
        }
    }

    #[test]
    fn a_message_in_fragments_comes_back_in_one_frame_behind_the_pong_that_came_between() {
        let mut session = session();
        for (first, payload) in [(0x01, "gr"), (PING, "are you there?"), (0x00, "ü"), (0x80, "ße")] {
            session.handle_bytes(&masked(first, payload.as_bytes()), 0);
        }
        let expected = [frame(PONG, &[], b"are you there?"), frame(TEXT, &[], "grüße".as_bytes())].concat();
        assert_eq!(sent(&mut session), expected);
    }

    #[test]
    fn a_reader_that_leaves_its_echo_unread_is_not_listened_to() {
        let mut session = session();
        let message = vec![b'x'; 1 << 20];
        for piece in masked(BINARY, &message).chunks(1_000) {
            assert!(session.wants_bytes());
            session.handle_bytes(piece, 0);
        }
        assert!(!session.wants_bytes());
        assert!(sent(&mut session) == frame(BINARY, &[], &message));
        assert!(session.wants_bytes());
    }

    #[test]
    fn a_message_above_the_limit_is_refused_as_ever() {
        let mut session = session();
        session.handle_bytes(&masked(BINARY, &vec![0; (1 << 20) + 1]), 0);
        assert_eq!(sent(&mut session)[2..4], 1009u16.to_be_bytes());
        assert!(session.is_closed());
    }

    #[test]
    fn nothing_comes_back_after_our_close() {
        let mut session = session();
        session.close(Close::AdmissionEnded, 0);
        assert_eq!(sent(&mut session)[0], 0x88);
        session.handle_bytes(&masked(TEXT, b"too late"), 0);
        assert!(session.poll_control().is_none());
    }

    #[test]
    fn nothing_comes_back_unless_it_is_asked_for() {
        let mut session = Session::new(&Config::default(), 0);
        session.handle_bytes(&masked(TEXT, b"hello"), 0);
        assert!(session.poll_control().is_none());
    }
}
