//! What publishers write: posts and updates as lines of JSON.

use live_core::{PostId, Render, Sort, Update};
use serde::{Deserialize, de::IgnoredAny};

use super::text;

/// What a line asks to publish.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    /// One post.
    Post(Render),
    /// An update in the wire's own JSON.
    Update(Update),
}

impl Entry {
    /// Reads one line: `{"id": …, "text": …}`, with `html` or `hidden` in place of `text` and perhaps `speaker`, `sort` and `rev`;
    /// or an update as the publish route takes it, with `renders`, `removals` or `reset`. Other fields are ignored, but for `at`, the
    /// seconds at which it happened, which is returned beside it.
    ///
    /// # Errors
    /// The line is neither; the text says why, without the number of the line.
    pub(crate) fn parse(line: &str) -> Result<(Self, Option<f64>), String> {
        // serde_json counts lines and there is only one here, so its place would mislead.
        let parsed: Result<Form, _> = serde_json::from_str(line);
        let form = parsed.map_err(|error| without_place(&error))?;
        let at = form.at.filter(|at| at.is_finite());
        if form.at.is_some() && at.is_none() {
            return Err("\"at\" is a number of seconds".to_owned());
        }
        if form.renders.is_some() || form.removals.is_some() || form.reset.is_some() {
            let update: Update = serde_json::from_str(line).map_err(|error| without_place(&error))?;
            return Ok((Self::Update(update), at));
        }
        form.into_render().map(|render| (Self::Post(render), at))
    }

    /// As an update of its own.
    pub(crate) fn into_update(self) -> Update {
        match self {
            Self::Post(render) => Update::new().render(render),
            Self::Update(update) => update,
        }
    }
}

/// A line before it is known what it is.
#[derive(Deserialize)]
#[serde(expecting = "a JSON object")]
struct Form {
    renders: Option<IgnoredAny>,
    removals: Option<IgnoredAny>,
    reset: Option<IgnoredAny>,
    at: Option<f64>,
    id: Option<PostId>,
    html: Option<String>,
    text: Option<String>,
    speaker: Option<String>,
    #[serde(default)]
    hidden: bool,
    sort: Option<Sort>,
    rev: Option<u64>,
}

impl Form {
    fn into_render(self) -> Result<Render, String> {
        let id = self.id.ok_or("it has neither \"id\" nor \"renders\" nor \"removals\"")?;
        let content = match (self.html, self.text, self.hidden) {
            (Some(_), Some(_), _) => return Err(format!("post {id:?} has both \"html\" and \"text\"")),
            (_, _, true) => Content::Hidden,
            (Some(html), None, false) => Content::Html(html),
            (None, Some(text), false) => Content::Text { text, speaker: self.speaker },
            (None, None, false) => return Err(format!("post {id:?} has neither \"html\" nor \"text\" nor \"hidden\"")),
        };
        let render = content.into_render(id);
        let render = self.sort.into_iter().fold(render, Render::sort);
        Ok(self.rev.into_iter().fold(render, Render::rev))
    }
}

/// What a post shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// HTML, with or without the element that readers find a post by.
    Html(String),
    /// Plain text, and who said it.
    Text { text: String, speaker: Option<String> },
    /// Nothing.
    Hidden,
}

impl Content {
    /// The post.
    pub(crate) fn into_render(self, id: PostId) -> Render {
        match self {
            Self::Hidden => Render::hidden(id),
            // HTML that brings its own element stays as it is.
            Self::Html(html) => Render::raw(id.clone(), &html).unwrap_or_else(|_| Render::new(id, html)),
            Self::Text { text, speaker: None } => Render::new(id, text::to_html(&text)),
            Self::Text { text, speaker: Some(speaker) } => {
                let speaker = text::escape(&speaker);
                Render::new(id, format!("<p><b>{speaker}</b></p>{}", text::to_html(&text)))
            }
        }
    }
}

fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((cause, _)) if error.is_syntax() || error.is_eof() => {
            format!("not JSON: {cause}, column {}", error.column())
        }
        Some((cause, _)) => cause.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(line: &str) -> Render {
        match Entry::parse(line) {
            Ok((Entry::Post(render), _)) => render,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_post_is_text_or_html_or_hidden() {
        let text = render(r#"{"id": 7, "text": "1 < 2", "at": 4, "vehicle": "EAGLE"}"#);
        assert_eq!(text.html(), Some("<div data-post-id=\"7\"><p>1 &lt; 2</p></div>"));
        let spoken = render(r#"{"id": "a", "speaker": "C&C", "text": "Roger."}"#);
        assert_eq!(spoken.html(), Some("<div data-post-id=\"a\"><p><b>C&amp;C</b></p><p>Roger.</p></div>"));
        assert_eq!(render(r#"{"id": "a", "html": "<b>x</b>"}"#).html(), Some("<div data-post-id=\"a\"><b>x</b></div>"));
        let own = "<article data-post-id='a'>x</article>";
        assert_eq!(render(&format!(r#"{{"id": "a", "html": "{own}"}}"#)).html(), Some(own));
        assert_eq!(render(r#"{"id": "a", "hidden": true, "text": "secret"}"#).html(), None);
        let id = PostId::new("a").unwrap();
        let placed = Render::hidden(id).sort(Sort::new(5).unwrap()).rev(9);
        assert_eq!(render(r#"{"id": "a", "hidden": true, "sort": 5, "rev": 9}"#), placed);
    }

    #[test]
    fn the_wires_own_json_is_an_update_and_so_is_a_frame_that_watch_printed() {
        let line = r#"{"renders": {"7": {"show": true, "content": "x", "sort": 5}}, "removals": ["3"], "cursor": "c", "prev": "p"}"#;
        let (entry, at) = Entry::parse(line).unwrap();
        assert_eq!((entry.into_update().len(), at), (2, None));
        let (entry, at) = Entry::parse(r#"{"removals": ["3"], "at": 1.5}"#).unwrap();
        assert_eq!((entry.into_update().len(), at), (1, Some(1.5)));
        assert!(Entry::parse(r#"{"reset": true}"#).unwrap().0.into_update().is_replace());
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        for (line, cause) in [
            ("hello", "not JSON: expected value, column 1"),
            ("{\"id\": 1", "not JSON: EOF"),
            ("5", "expected a JSON object"),
            ("{}", "neither \"id\" nor"),
            (r#"{"id": "a"}"#, "neither \"html\" nor \"text\""),
            (r#"{"id": "a", "html": "x", "text": "x"}"#, "both \"html\" and \"text\""),
            (r#"{"id": "<", "text": "x"}"#, "not allowed"),
            (r#"{"id": "a", "text": 5}"#, "expected a string"),
            (r#"{"id": "a", "text": "x", "sort": -1}"#, "sort must be"),
            (r#"{"renders": {"a": {}}}"#, "post \"a\" has no content"),
        ] {
            let error = Entry::parse(line).expect_err(line);
            assert!(error.contains(cause) && !error.contains("at line"), "{line}: {error}");
        }
    }
}
