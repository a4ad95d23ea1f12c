//! Input, line by line.

use std::io::{BufRead, Read};

use anyhow::Context;

use super::failure::Failure;

/// The lines of an input that are not blank, with their numbers.
pub(crate) struct Lines<R> {
    input: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, number: 0 }
    }

    /// The number of the last line, from 1, as editors count.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// The input cannot be read, or [`Failure::Input`]: the line is too long, or not UTF-8.
    pub(crate) fn next(&mut self) -> anyhow::Result<Option<String>> {
        loop {
            let mut line = Vec::new();
            self.input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line).context("cannot read the input")?;
            self.number += 1;
            if line.is_empty() {
                return Ok(None);
            }
            if line.len() as u64 == MAX_LINE_BYTES {
                let reason = format!("line {}: longer than {MAX_LINE_BYTES} bytes", self.number);
                return Err(Failure::Input(reason).into());
            }
            let not_text = |_| Failure::Input(format!("line {}: not UTF-8", self.number));
            let line = String::from_utf8(line).map_err(not_text)?;
            if !line.trim().is_empty() {
                return Ok(Some(line));
            }
        }
    }
}

/// More than a server takes in one update by default (16 MiB).
pub(crate) const MAX_LINE_BYTES: u64 = 32 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_as_an_editor_does_and_blank_ones_are_passed_over() {
        let mut lines = Lines::new(&b"one\n\n \r\ntwo\nthree"[..]);
        let mut read = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            read.push((lines.number(), line.trim_end().to_owned()));
        }
        assert_eq!(read, [(1, "one".to_owned()), (4, "two".to_owned()), (5, "three".to_owned())]);
    }

    #[test]
    fn a_line_that_is_not_text_or_has_no_end_is_refused() {
        let mut bad = Lines::new(&b"one\n\xff\n"[..]);
        bad.next().unwrap();
        assert!(bad.next().unwrap_err().to_string().contains("line 2: not UTF-8"));
        let mut endless = Lines::new(std::io::BufReader::new(std::io::repeat(b'x')));
        assert!(endless.next().unwrap_err().to_string().contains("line 1: longer than"));
    }
}
