//! Where messages begin and end.

use std::io::Cursor;

use tungstenite::protocol::frame::FrameHeader;

/// Whether these bytes, from the beginning of a message on, are whole messages of one frame each (RFC 6455 §5.2): whoever reads them has
/// nothing to remember.
pub(super) fn is_whole(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let mut cursor = Cursor::new(bytes);
        let Ok(Some((header, length))) = FrameHeader::parse(&mut cursor) else { return false };
        if !header.is_final {
            return false;
        }
        let end = usize::try_from(cursor.position().saturating_add(length)).unwrap_or(usize::MAX);
        match bytes.get(end..) {
            Some(rest) => bytes = rest,
            None => return false,
        }
    }
    true
}
