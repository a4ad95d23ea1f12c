//! Text for HTML, HTML as text, and text for a terminal.

use std::cell::{Cell, RefCell};

use html5ever::{
    buffer_queue::BufferQueue,
    tendril::StrTendril,
    tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts},
};

/// Plain text as HTML: nothing in it is markup, a blank line begins a new paragraph, a line break stays one.
pub(crate) fn to_html(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 7);
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim).chain([""]) {
        if !line.is_empty() {
            lines.push(escape(line));
        } else if !lines.is_empty() {
            html.push_str(&format!("<p>{}</p>", lines.join("<br>")));
            lines.clear();
        }
    }
    html
}

/// Escapes text for HTML, in content and in quoted attributes alike.
pub(crate) fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

/// The text that a browser would show, in one line.
pub(crate) fn from_html(html: &str) -> String {
    let sink = Shown::default();
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(html));
    let _ = tokenizer.feed(&queue);
    tokenizer.end();
    plain(&tokenizer.sink.text.into_inner())
}

/// One line that a terminal shows and does not obey: control characters and those that turn the direction of writing become spaces.
pub(crate) fn plain(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let text: String = text.chars().map(|c| if c.is_control() || turns(c) { ' ' } else { c }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Default)]
struct Shown {
    text: RefCell<String>,
    /// Inside of an element whose text is not shown.
    silent: Cell<bool>,
}

impl TokenSink for Shown {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::CharacterTokens(text) if !self.silent.get() => self.text.borrow_mut().push_str(&text),
            Token::TagToken(tag) => self.tag(&tag),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Shown {
    fn tag(&self, tag: &Tag) {
        if matches!(&*tag.name, "script" | "style" | "template") {
            self.silent.set(tag.kind == TagKind::StartTag);
        }
        let mut text = self.text.borrow_mut();
        if !INLINE.contains(&&*tag.name) {
            text.push(' ');
        }
        let is_image = tag.kind == TagKind::StartTag && &*tag.name == "img";
        if let Some(alt) = tag.attrs.iter().find(|attribute| is_image && &*attribute.name.local == "alt") {
            text.push_str(&alt.value);
        }
    }
}

/// Elements that do not part words.
const INLINE: [&str; 20] = [
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "kbd", "mark", "q", "s", "small", "span",
    "strong", "sub", "sup", "u",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_paragraphs_and_never_markup() {
        assert_eq!(to_html("<b> & \"so\" 'on'"), "<p>&lt;b&gt; &amp; &quot;so&quot; &#39;on&#39;</p>");
        assert_eq!(to_html("one\r\ntwo\n\n \nthree\n"), "<p>one<br>two</p><p>three</p>");
        assert_eq!(to_html(" \n"), "");
    }

    #[test]
    fn html_becomes_what_a_browser_shows() {
        for (html, text) in [
            ("<div data-post-id=\"7\"><p><b>CDR</b> Roger.</p><p>Cl<i>o</i>ck.</p></div>", "CDR Roger. Clock."),
            ("one<br>two &amp; <script>alert(1)</script>three&#39;s", "one two & three's"),
            ("<img src=x alt=\"A goal\"> <ul><li>1<li>2</ul>", "A goal 1 2"),
            ("<style>p { color: red }</style>x<!-- no -->", "x"),
            ("a < b <", "a < b <"),
        ] {
            assert_eq!(from_html(html), text, "{html}");
        }
    }

    #[test]
    fn a_terminal_gets_no_orders() {
        assert_eq!(plain("a\x1b[2Jb\u{9b}c\u{202e}d\r\ne\u{7f}"), "a [2Jb c d e");
        assert_eq!(from_html("&#27;[31mred"), "[31mred");
    }
}
