//! Events out of bytes (HTML Living Standard §9.2.6).

/// Takes bytes in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct EventParser {
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// The last byte was a CR, so that an LF belongs to it.
    after_cr: bool,
    data: String,
    name: String,
}

/// What a stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// An event; without a name it is a message.
    Event { name: String, data: String },
    /// What keeps the connection.
    Comment,
}

/// A line or an event is longer than it may be, or not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoEvent;

impl EventParser {
    /// Takes the next bytes, of which `max` may wait for their event to end.
    pub(super) fn push(&mut self, mut bytes: &[u8], max: usize, items: &mut impl Extend<Item>) -> Result<(), NoEvent> {
        // By the piece and not by the byte: a whole page may come as one line.
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            let after_cr = std::mem::replace(&mut self.after_cr, bytes[end] == b'\r');
            let belongs_to_cr = after_cr && end == 0 && bytes[0] == b'\n';
            if !belongs_to_cr {
                self.keep(&bytes[..end], max)?;
                let line = String::from_utf8(std::mem::take(&mut self.line)).map_err(|_| NoEvent)?;
                items.extend(self.take_line(&line));
            }
            bytes = &bytes[end + 1..];
        }
        if !bytes.is_empty() {
            self.after_cr = false;
        }
        self.keep(bytes, max)
    }

    fn keep(&mut self, bytes: &[u8], max: usize) -> Result<(), NoEvent> {
        if self.line.len() + self.data.len() + bytes.len() > max {
            return Err(NoEvent);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn take_line(&mut self, line: &str) -> Option<Item> {
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => return Some(Item::Comment),
            "event" => self.name = value.to_owned(),
            "data" => self.data.extend([value, "\n"]),
            // A frame carries its cursor, and a close its delay: `id` and `retry` say nothing more.
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Item> {
        let name = std::mem::take(&mut self.name);
        let mut data = std::mem::take(&mut self.data);
        // Each line of data added one; the last is not part of it. Without data there is no event.
        data.pop()?;
        Some(Item::Event { name, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b"\r\n: hello\r\rid: 1\ndata: {\"a\":\ndata:\"\xc3\xbc\"}\n\r\nevent: close\ndata: x\ndata\nretry: 5\n\nevent: lost\n\n";

    fn items(pieces: usize) -> Vec<Item> {
        let mut parser = EventParser::default();
        let mut items = Vec::new();
        for piece in STREAM.chunks(pieces) {
            parser.push(piece, 100, &mut items).unwrap();
        }
        items
    }

    #[test]
    fn a_stream_is_the_same_in_pieces_of_any_size() {
        let event = |name: &str, data: &str| Item::Event { name: name.to_owned(), data: data.to_owned() };
        let whole = [Item::Comment, event("", "{\"a\":\n\"ü\"}"), event("close", "x\n")];
        for pieces in 1..=STREAM.len() {
            assert_eq!(items(pieces), whole, "{pieces}");
        }
    }

    #[test]
    fn an_event_that_does_not_end_is_refused_before_it_fills_the_memory() {
        let mut parser = EventParser::default();
        let mut items = Vec::new();
        assert_eq!(parser.push(&[b'x'; 90], 100, &mut items), Ok(()));
        assert_eq!(parser.push(&[b'x'; 11], 100, &mut items), Err(NoEvent));
        let mut parser = EventParser::default();
        let line = b"data: 0123456789\n".repeat(12);
        assert_eq!(parser.push(&line, 100, &mut items), Err(NoEvent));
        assert_eq!(EventParser::default().push(b"\xff\n", 100, &mut items), Err(NoEvent));
        assert_eq!(items, []);
    }
}
