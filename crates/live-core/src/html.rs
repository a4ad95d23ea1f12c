//! HTML of posts: sanitised where it comes over HTTP, and checked for the element that readers find a post by.

use std::cell::{Cell, RefCell};

use html5ever::{
    buffer_queue::BufferQueue,
    tendril::StrTendril,
    tokenizer::{TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts},
};

use crate::id::PostId;

/// What happens to HTML that arrives over HTTP. In-process publishers and buses are the site's own: theirs passes unchanged.
pub enum Html {
    /// Keep what this allowlist allows.
    Sanitize(Box<ammonia::Builder<'static>>),
    /// Keep everything: whoever holds the publish token may run scripts in the readers' browsers where the site's
    /// `Content-Security-Policy` lets them.
    Trust,
}

impl Html {
    /// ammonia's allowlist and, so that posts keep their look: `class`, `data-*`, `hidden`, `lang`, `dir`, `figure`, `video`, `audio` and `source`.
    pub fn sanitize() -> Self {
        let mut builder = ammonia::Builder::default();
        builder
            .add_generic_attributes(["class", "hidden", "lang", "dir", "title", "role", "aria-label"])
            .add_generic_attribute_prefixes(["data-"])
            .add_tags([
                "figure",
                "figcaption",
                "picture",
                "video",
                "audio",
                "source",
                "section",
                "article",
                "header",
                "footer",
            ])
            .add_tag_attributes("img", ["loading", "srcset", "sizes"])
            .add_tag_attributes("video", ["src", "controls", "poster", "width", "height", "preload"])
            .add_tag_attributes("audio", ["src", "controls", "preload"])
            .add_tag_attributes("source", ["src", "type", "srcset", "media"])
            .add_tag_attributes("time", ["datetime"]);
        Self::Sanitize(Box::new(builder))
    }

    pub(crate) fn clean(&self, html: &str) -> String {
        match self {
            Self::Sanitize(builder) => builder.clean(html).to_string(),
            Self::Trust => html.to_owned(),
        }
    }
}

impl std::fmt::Debug for Html {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sanitize(_) => "Sanitize",
            Self::Trust => "Trust",
        })
    }
}

/// Whether the HTML is one element with `data-post-id="<id>"` at its top level, besides white space and comments.
pub(crate) fn is_post_element(html: &str, id: &PostId) -> bool {
    let found = TopLevel::of(html, Some(id));
    found.elements.get() == 1 && !found.wrong.get() && !found.is_too_deep()
}

/// Whether elements nest deeper than [`MAX_DEPTH`]: the time of a parser that makes a tree grows with the square of the depth.
pub(crate) fn is_too_deep(html: &str) -> bool {
    TopLevel::of(html, None).is_too_deep()
}

/// Twice what browsers follow.
pub(crate) const MAX_DEPTH: usize = 1_024;

/// Whether an HTML parser would make far more nodes of it than it has tags: formatting elements that are left open are made anew in
/// every block that follows (HTML Living Standard §13.2.4.3).
pub(crate) fn is_explosive(html: &str) -> bool {
    let sink = Formatting { open: Cell::new(0), remade: Cell::new(0) };
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(html));
    let _ = tokenizer.feed(&queue);
    tokenizer.sink.remade.get() > MAX_REMADE
}

/// More than any post has; an eighth of a second's work.
const MAX_REMADE: usize = 100_000;

struct Formatting {
    open: Cell<usize>,
    /// An upper bound of the elements that a parser makes anew.
    remade: Cell<usize>,
}

impl TokenSink for Formatting {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let Token::TagToken(tag) = token else { return TokenSinkResult::Continue };
        let open = self.open.get();
        match (tag.kind, FORMATTING_ELEMENTS.contains(&&*tag.name)) {
            (TagKind::StartTag, true) => self.open.set(open + 1),
            (TagKind::EndTag, true) => self.open.set(open.saturating_sub(1)),
            _ => self.remade.set(self.remade.get() + open),
        }
        TokenSinkResult::Continue
    }
}

/// HTML Living Standard §13.2.4.2.
const FORMATTING_ELEMENTS: [&str; 14] =
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];

/// Follows the nesting of tags; a tree would tell no more.
struct TopLevel<'a> {
    id: Option<&'a PostId>,
    /// Above the limit it stays where it is.
    depth: Cell<usize>,
    elements: Cell<usize>,
    wrong: Cell<bool>,
    open: RefCell<Vec<html5ever::LocalName>>,
}

impl TokenSink for TopLevel<'_> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            _ if self.is_too_deep() => {}
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => self.start(&tag),
            Token::TagToken(tag) => self.end(&tag.name),
            Token::CharacterTokens(text) if self.depth.get() == 0 && !text.trim().is_empty() => self.wrong.set(true),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl<'a> TopLevel<'a> {
    fn of(html: &str, id: Option<&'a PostId>) -> Self {
        let (depth, elements, wrong) = (Cell::new(0), Cell::new(0), Cell::new(false));
        let sink = Self { id, depth, elements, wrong, open: RefCell::default() };
        let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
        let queue = BufferQueue::default();
        queue.push_back(StrTendril::from(html));
        let _ = tokenizer.feed(&queue);
        tokenizer.end();
        tokenizer.sink
    }

    fn is_too_deep(&self) -> bool {
        self.depth.get() > MAX_DEPTH
    }

    fn start(&self, tag: &html5ever::tokenizer::Tag) {
        if self.depth.get() == 0 {
            self.elements.set(self.elements.get() + 1);
            let wanted = self.id.map_or("", PostId::as_str);
            let named = tag.attrs.iter().any(|attr| &*attr.name.local == "data-post-id" && *attr.value == *wanted);
            self.wrong.set(self.wrong.get() || !named);
        }
        // In HTML `<br/>` is void by its name; the slash alone closes nothing.
        if VOID_ELEMENTS.contains(&&*tag.name) {
            return;
        }
        let mut open = self.open.borrow_mut();
        if OPTIONAL_ENDS.contains(&&*tag.name) && open.last() == Some(&tag.name) {
            open.pop();
        }
        open.push(tag.name.clone());
        self.depth.set(open.len());
    }

    /// Closes the nearest open element of that name; elements like `<p>` and `<li>` that were left open inside end with it.
    fn end(&self, name: &html5ever::LocalName) {
        let mut open = self.open.borrow_mut();
        if let Some(index) = open.iter().rposition(|candidate| candidate == name) {
            open.truncate(index);
            self.depth.set(index);
        }
    }
}

/// HTML Living Standard §13.1.2.
const VOID_ELEMENTS: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

/// A start tag ends the open element of the same name (HTML Living Standard §13.1.2.4).
const OPTIONAL_ENDS: [&str; 10] = ["p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th", "tbody"];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str) -> bool {
        is_post_element(html, &PostId::new("7").unwrap())
    }

    #[test]
    fn a_post_is_one_element_with_its_id() {
        for good in [
            "<div data-post-id=\"7\">x</div>",
            "\n\n<div class=\"live-post\" data-post-id='7'><p>a<p>b<br><img src=x></div>\n<!-- end -->",
            "<article data-post-id=7><div data-post-id=\"8\"></div></article>",
        ] {
            assert!(check(good), "{good}");
        }
        for bad in [
            "",
            "text",
            "<div>x</div>",
            "<div data-post-id=\"8\">x</div>",
            "<div><b data-post-id=\"7\"></b></div>",
            "<div data-post-id=\"7\"></div><p>more</p>",
            "before <div data-post-id=\"7\"></div>",
            "<!-- data-post-id=\"7\" -->",
        ] {
            assert!(!check(bad), "{bad}");
        }
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |depth: usize| format!("<div data-post-id=\"7\">{}</div>", "<div>".repeat(depth - 1));
        assert!(!is_too_deep(&nested(MAX_DEPTH)) && check(&nested(MAX_DEPTH)));
        assert!(is_too_deep(&nested(MAX_DEPTH + 1)) && !check(&nested(MAX_DEPTH + 1)));
        assert!(!is_too_deep(&format!("<div><ul>{}</ul></div>", "<li>x<br>".repeat(10_000))));
        assert!(is_too_deep(&format!("{}{}", "<a>".repeat(1 << 20), "</b>".repeat(1 << 20))));
    }

    #[test]
    fn open_formatting_elements_are_counted_before_a_parser_multiplies_them() {
        let open: String = (0..1_000).map(|number| format!("<b class=x{number}>")).collect();
        assert!(is_explosive(&format!("{open}{}", "<p>x".repeat(1_000))));
        assert!(!is_explosive(&"<p><b>x</b> <i>y</i></p>".repeat(10_000)));
    }

    #[test]
    fn the_sanitiser_keeps_the_post_element_and_drops_scripts() {
        let clean = Html::sanitize().clean("<div data-post-id=\"7\" class=\"post\" onclick=\"x()\"><script>alert(1)</script><a href=\"javascript:x\">a</a></div>");
        assert!(check(&clean), "{clean}");
        for evil in ["script", "onclick", "javascript"] {
            assert!(!clean.contains(evil), "{clean}");
        }
    }
}
