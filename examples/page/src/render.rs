//! Posts and pages as HTML.

use askama::Template;
use jiff::Timestamp;
use live_core::{Element, Render, Update};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    post::Post,
    text::{escape, paragraphs},
};

/// Adds to an update what Live is to be told of a post: a function of its row alone, so that every path says the same.
pub(crate) fn update(update: Update, post: &Post) -> anyhow::Result<Update> {
    if post.deleted {
        return Ok(update.remove_rev(post.id.clone(), post.revision));
    }
    Ok(update.render(render(post)?))
}

/// A post that is not deleted, for Live.
///
/// The place is always sent: an unpin puts the post back exactly where it was.
pub(crate) fn render(post: &Post) -> anyhow::Result<Render> {
    let id = post.id.clone();
    let render = if post.hidden { Render::hidden(id) } else { Render::raw(id, article(post))? };
    Ok(render.sort(post.place()?).rev(post.revision))
}

/// A post as readers get it over the wire.
pub(crate) fn article(post: &Post) -> String {
    article_with(post, "")
}

/// A post as the first paint has it: with its place, by which the browser's part of Live puts others above and below it.
pub(crate) fn placed_article(post: &Post) -> anyhow::Result<String> {
    Ok(article_with(post, &format!(" data-live-sort=\"{}\"", post.place()?.number())))
}

// Written here and not as a template: it is the one piece of HTML that must be the same bytes in the page and on the wire.
fn article_with(post: &Post, attributes: &str) -> String {
    let mut facts = vec![format!("<a class=\"permalink\" href=\"{}\">{}</a>", permalink(post), time(post.created))];
    let mut fact = |class: &str, html: String| facts.push(format!("<span class=\"{class}\">{html}</span>"));
    if let Some(seconds) = post.elapsed {
        fact("elapsed", format!("T+{}", clock(seconds)));
    }
    if let Some(author) = &post.author {
        fact("author", escape(author));
    }
    if let Some(vehicle) = &post.vehicle {
        fact("vehicle", escape(vehicle));
    }
    if post.pinned.is_some() {
        fact("mark pinned-mark", "Pinned".to_owned());
    }
    if let Some(edited) = post.edited {
        fact("mark edited-mark", format!("Edited {}", time(edited)));
    }
    format!(
        "<article class=\"post{pinned}\" data-post-id=\"{id}\"{attributes}><header>{facts}</header><div class=\"text\">{text}</div></article>",
        pinned = if post.pinned.is_some() { " pinned" } else { "" },
        id = post.id,
        // With a space between them, for those who have the page read to them.
        facts = facts.join(" "),
        text = paragraphs(&post.text),
    )
}

/// Always with the day and in UTC: the same bytes whenever and for whomever they are made. The reader's browser makes it local.
fn time(millis: i64) -> String {
    let at = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
    format!("<time datetime=\"{}\">{}</time>", at.strftime("%Y-%m-%dT%H:%M:%SZ"), at.strftime("%-d %b %Y, %H:%M UTC"))
}

/// Hours may exceed a day: mission control counts them so.
pub(crate) fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// A number as people read it: 8,415.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// The page of one post alone.
pub(crate) fn permalink(post: &Post) -> String {
    format!("/posts/{}", utf8_percent_encode(post.id.as_str(), PATH_SEGMENT))
}

/// RFC 3986 §2.3: what needs no encoding anywhere.
const PATH_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The page that readers open.
#[derive(Template)]
#[template(path = "reader.html")]
pub(crate) struct ReaderPage<'a> {
    pub(crate) title: &'a str,
    /// The `<live-page>` around the posts.
    pub(crate) live: &'a Element,
    /// The path of the script that brings it to life.
    pub(crate) script: &'a str,
    /// Each made by [`placed_article`].
    pub(crate) posts: &'a [String],
    /// How many posts the page has, if that is more than are shown here.
    pub(crate) total: Option<&'a str>,
}

/// One post alone, for links to it.
#[derive(Template)]
#[template(path = "post.html")]
pub(crate) struct PostPage<'a> {
    pub(crate) title: &'a str,
    /// The beginning of the text.
    pub(crate) summary: &'a str,
    pub(crate) post: &'a str,
}

/// The page that reporters write on.
#[derive(Template)]
#[template(path = "compose.html")]
pub(crate) struct ComposePage<'a> {
    pub(crate) title: &'a str,
    /// A `<live-page>` that shows nothing: it tells the list when somebody else has changed the page.
    pub(crate) live: &'a Element,
    /// The path of the script that brings it to life.
    pub(crate) script: &'a str,
}

#[cfg(test)]
mod tests {
    use live_core::PostId;
    use serde_json::{Value, json};

    use super::*;

    fn post() -> Post {
        Post {
            id: PostId::new("a b/ü").unwrap(),
            text: "<i>text</i>".to_owned(),
            author: Some("A & B".to_owned()),
            vehicle: None,
            elapsed: Some(100 * 3600 + 61),
            created: 1_795_321_191_581,
            edited: None,
            pinned: None,
            hidden: false,
            deleted: false,
            revision: 9,
            sort: 7,
        }
    }

    fn told(post: &Post) -> Value {
        serde_json::to_value(update(Update::new(), post).unwrap()).unwrap()
    }

    #[test]
    fn every_update_says_the_revision_and_every_render_the_place() {
        let shown = told(&post());
        assert_eq!(shown["renders"]["a b/ü"]["sort"], json!(7));
        assert_eq!(shown["renders"]["a b/ü"]["rev"], json!(9));
        let pinned = told(&Post { pinned: Some(3), ..post() });
        assert_eq!(pinned["renders"]["a b/ü"]["sort"], json!((1_u64 << 52) + 3));
        let hidden = told(&Post { hidden: true, ..post() });
        assert_eq!(hidden["renders"]["a b/ü"], json!({"show": false, "sort": 7, "rev": 9}));
        let deleted = told(&Post { deleted: true, hidden: true, ..post() });
        assert_eq!(deleted, json!({"renders": {}, "removals": [{"id": "a b/ü", "rev": 9}]}));
    }

    #[test]
    fn a_post_is_the_same_html_on_the_page_and_on_the_wire_but_for_its_place() {
        let html = article(&post());
        assert_eq!(placed_article(&post()).unwrap().replacen(" data-live-sort=\"7\"", "", 1), html);
        for part in [
            "href=\"/posts/a%20b%2F%C3%BC\"",
            "<time datetime=\"2026-11-22T04:19:51Z\">22 Nov 2026, 04:19 UTC</time>",
            "<span class=\"author\">A &amp; B</span>",
            "T+100:01:01",
            "<p>&lt;i&gt;text&lt;/i&gt;</p>",
        ] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        assert!(!html.contains("Pinned") && !html.contains("Edited"));
        let marked = article(&Post { pinned: Some(1), edited: Some(0), ..post() });
        assert!(marked.contains("Pinned") && marked.contains("Edited <time datetime=\"1970-01-01T00:00:00Z\">"));
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1_000, 8_415, 1_234_567].map(grouped), ["0", "999", "1,000", "8,415", "1,234,567"]);
    }
}
