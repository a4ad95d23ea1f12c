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
    let sink =
        TopLevel { id, depth: Cell::new(0), elements: Cell::new(0), wrong: Cell::new(false), open: RefCell::default() };
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(html));
    let _ = tokenizer.feed(&queue);
    tokenizer.end();
    let sink = &tokenizer.sink;
    sink.elements.get() == 1 && !sink.wrong.get()
}

/// Follows the nesting of tags; a tree would tell no more.
struct TopLevel<'a> {
    id: &'a PostId,
    depth: Cell<usize>,
    elements: Cell<usize>,
    wrong: Cell<bool>,
    open: RefCell<Vec<html5ever::LocalName>>,
}

impl TokenSink for TopLevel<'_> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => self.start(&tag),
            Token::TagToken(tag) => self.end(&tag.name),
            Token::CharacterTokens(text) if self.depth.get() == 0 && !text.trim().is_empty() => self.wrong.set(true),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl TopLevel<'_> {
    fn start(&self, tag: &html5ever::tokenizer::Tag) {
        if self.depth.get() == 0 {
            self.elements.set(self.elements.get() + 1);
            let named =
                tag.attrs.iter().any(|attr| &*attr.name.local == "data-post-id" && *attr.value == *self.id.as_str());
            self.wrong.set(self.wrong.get() || !named);
        }
        // In HTML `<br/>` is void by its name; the slash alone closes nothing.
        if !VOID_ELEMENTS.contains(&&*tag.name) {
            self.open.borrow_mut().push(tag.name.clone());
            self.depth.set(self.depth.get() + 1);
        }
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
    fn the_sanitiser_keeps_the_post_element_and_drops_scripts() {
        let clean = Html::sanitize().clean("<div data-post-id=\"7\" class=\"post\" onclick=\"x()\"><script>alert(1)</script><a href=\"javascript:x\">a</a></div>");
        assert!(check(&clean), "{clean}");
        for evil in ["script", "onclick", "javascript"] {
            assert!(!clean.contains(evil), "{clean}");
        }
    }
}
