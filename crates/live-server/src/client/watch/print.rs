//! What is printed: a line for each change, or the frames as they came.

use std::{
    fmt,
    io::{self, BufWriter, Stdout, Write, stdout},
};

use live_core::Cursor;

use super::{
    super::text::{from_html, plain},
    frame::Frame,
    page::{Change, Page},
};

/// What is printed of a frame.
#[derive(Debug)]
pub(crate) enum Form {
    /// A line for each change, told by what the reader has seen before.
    Lines(Page),
    /// The frame's JSON on one line.
    Json,
}

/// Prints to standard output, all of a frame at once.
pub(crate) struct Printer {
    form: Form,
    out: BufWriter<Stdout>,
}

impl Printer {
    pub(crate) fn new(form: Form) -> Self {
        Self { form, out: BufWriter::new(stdout()) }
    }

    /// # Errors
    /// Standard output takes no more; [`io::ErrorKind::BrokenPipe`] where nobody reads it any longer.
    pub(crate) fn print(&mut self, text: &str, frame: &Frame) -> io::Result<()> {
        match &mut self.form {
            Form::Json => writeln!(self.out, "{}", OneLine(text))?,
            Form::Lines(page) => {
                let mut result = Ok(());
                page.apply(frame, |change| {
                    if result.is_ok() {
                        result = writeln!(self.out, "{}", Line(change));
                    }
                });
                result?;
            }
        }
        self.out.flush()
    }
}

/// What a frame says of itself, for people.
pub(crate) fn notice(frame: &Frame, own: Option<Cursor>) -> Option<String> {
    if frame.reload {
        let what = "updates were missed, and the server does not hold the whole page; what follows is complete";
        return Some(what.to_owned());
    }
    if frame.stale {
        return Some("the server cannot confirm at the moment that this is the newest".to_owned());
    }
    // The answer to `*` is one, and news to nobody.
    let is_news = frame.reset && own.is_some();
    is_news.then(|| format!("the page begins anew, with {} posts", frame.renders.len()))
}

struct Line<'a>(Change<'a>);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, id, text) = match self.0 {
            Change::Added(id, html) => ('+', id, from_html(html)),
            Change::Edited(id, html) => ('~', id, from_html(html)),
            Change::Hidden(id) => ('-', id, "(hidden)".to_owned()),
            Change::Removed(id) => ('-', id, "(removed)".to_owned()),
        };
        write!(f, "{sign} {}  {text}", plain(id))
    }
}

/// JSON on one line, which is the same JSON: line breaks stand only between its parts, and what could move a terminal within a text has
/// another spelling (RFC 8259 §7).
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(|c: char| c.is_control()) {
            let Some(last) = part.chars().next_back().filter(|c| c.is_control()) else {
                f.write_str(part)?;
                continue;
            };
            f.write_str(&part[..part.len() - last.len_utf8()])?;
            if last.is_ascii_whitespace() {
                f.write_str(" ")?;
            } else {
                write!(f, "\\u{:04x}", u32::from(last))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_one_line() {
        let html = "<div data-post-id=\"7\"><p><b>CDR</b></p><p>Roger.\n\x1b[2JClock.</p></div>";
        assert_eq!(Line(Change::Added("7", html)).to_string(), "+ 7  CDR Roger. [2JClock.");
        assert_eq!(Line(Change::Edited("a\nb", "x")).to_string(), "~ a b  x");
        assert_eq!(Line(Change::Removed("7")).to_string(), "- 7  (removed)");
    }

    #[test]
    fn json_stays_the_same_json_on_one_line() {
        let text = "{\"a\":\r\n\t\"\u{9b}2J\u{7f}\", \"b\": \"ü\"}";
        let line = OneLine(text).to_string();
        assert_eq!(line, "{\"a\":   \"\\u009b2J\\u007f\", \"b\": \"ü\"}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&line), value(text));
        assert_eq!(OneLine("{\"renders\":{}}").to_string(), "{\"renders\":{}}");
    }

    #[test]
    fn what_a_frame_says_of_itself_is_told_to_those_it_is_news_to() {
        let frame = |more: &str| Frame::parse(&format!(r#"{{"renders": {{}}, {more}}}"#)).unwrap();
        let own = "00000000000000aa-1".parse().ok();
        assert_eq!(notice(&frame("\"reset\": true"), None), None);
        assert!(notice(&frame("\"reset\": true"), own).unwrap().contains("begins anew"));
        assert!(notice(&frame("\"reload\": true"), own).unwrap().contains("missed"));
        assert!(notice(&frame("\"stale\": true"), own).unwrap().contains("confirm"));
        assert_eq!(notice(&frame("\"removals\": []"), own), None);
    }
}
