//! As much of RFC 6455 as a reader needs of a server that it trusts.

use anyhow::{Result, bail};

use super::transport::Message;

/// RFC 6455 §5.3: a client masks. With nothing in it, any mask will do.
const PONG: &[u8] = &[0x8a, 0x80, 0, 0, 0, 0];

/// What a reader over Socket.IO says: that it wants to get events (`40`), and that it is there (`3`).
pub(super) const CONNECT: &[u8] = &[0x81, 0x82, 0, 0, 0, 0, b'4', b'0'];
pub(super) const HEARTBEAT: &[u8] = &[0x81, 0x81, 0, 0, 0, 0, b'3'];

/// The first frame and what follows it; nothing if its end has not come.
pub(super) fn message(bytes: &[u8]) -> Result<Option<(Message<'_>, &[u8])>> {
    let Some((opcode, payload, rest)) = frame(bytes) else { return Ok(None) };
    let message = match opcode {
        1 => Message::Text(payload),
        8 => bail!("the server closed with {payload:?}"),
        9 => Message::Answer(PONG),
        _ => Message::Other,
    };
    Ok(Some((message, rest)))
}

fn frame(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    // RFC 6455 §5.2: the length is here, or in the next two bytes, or in the next eight.
    let (header, length) = match second {
        126 => (4, usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?)).ok()?),
        length => (2, usize::from(length)),
    };
    let (payload, rest) = bytes.get(header..)?.split_at_checked(length)?;
    Some((first & 0x0f, payload, rest))
}
