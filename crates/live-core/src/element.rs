//! The HTML that connects a page: the element around its posts, and the script.

use std::fmt;

use crate::{config::Config, cursor::Cursor, id::ChannelId, publisher::Transport};

/// The `<live-page>` element of a page, and the script that brings it to life; escaped, ready for any template.
///
/// ```
/// # use live_core::{ChannelId, Config, Element};
/// # let (channel, config) = (ChannelId::new("blog")?, Config::default());
/// let element = Element::new(channel, None, &config);
/// let posts = "<article data-post-id=\"1\">Hello!</article>";
/// let html = format!("{}{posts}{}{}", element.start(), element.end(), element.script());
/// assert!(html.starts_with("<live-page channel=\"blog\" base=\"/live\""));
/// # Ok::<(), live_core::IdError>(())
/// ```
#[derive(Clone)]
pub struct Element {
    channel: ChannelId,
    cursor: Option<Cursor>,
    base: String,
    transports: String,
    poll_interval: u128,
    token: Option<String>,
}

impl Element {
    /// The element of this page as the configuration says. Take the cursor before the first read of what the HTML is rendered from.
    pub fn new(channel: ChannelId, cursor: Option<Cursor>, config: &Config) -> Self {
        Self {
            channel,
            cursor,
            base: config.public_url.trim_end_matches('/').to_owned(),
            transports: names(&config.transports),
            poll_interval: config.poll_interval.as_millis(),
            token: None,
        }
    }

    /// Lets the reader into a private channel with this token. Whoever sees the page's HTML can use it, so no cache may keep that.
    #[must_use]
    pub fn token(self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self }
    }

    /// Connects with these transports instead, in this order: what [`Publishers`](crate::Publishers) chose, for example.
    #[must_use]
    pub fn transports(self, transports: &[Transport]) -> Self {
        Self { transports: names(transports), ..self }
    }

    /// The opening tag. The posts follow, each with `data-post-id` and `data-live-sort`.
    pub fn start(&self) -> String {
        let cursor = self.cursor.map(|cursor| format!(" data-live-cursor=\"{cursor}\"")).unwrap_or_default();
        let token = self.token.as_deref().map(|token| format!(" token=\"{}\"", escape(token))).unwrap_or_default();
        format!(
            "<live-page channel=\"{}\" base=\"{}\" transports=\"{}\" poll-interval=\"{}\"{cursor}{token}>",
            escape(self.channel.as_str()),
            escape(&self.base),
            self.transports,
            self.poll_interval
        )
    }

    /// The closing tag.
    pub fn end(&self) -> &'static str {
        "</live-page>"
    }

    /// The script tag; once per page, anywhere.
    pub fn script(&self) -> String {
        format!("<script type=\"module\" src=\"{}/live.js\"></script>", escape(&self.base))
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the token.
        f.debug_struct("Element").field("channel", &self.channel).field("base", &self.base).finish_non_exhaustive()
    }
}

/// An element without posts, with its script: for pages that Live holds whole.
impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.start(), self.end(), self.script())
    }
}

fn names(transports: &[Transport]) -> String {
    transports.iter().map(|transport| transport.name()).collect::<Vec<_>>().join(" ")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursor::{Epoch, Version};

    #[test]
    fn a_channel_cannot_leave_its_attribute() {
        let channel = ChannelId::new("\"><script>&amp;").unwrap();
        let cursor = Cursor::new(Epoch::from_bits(1), Version::ZERO);
        let html = Element::new(channel, Some(cursor), &Config::default()).to_string();
        assert!(html.contains("channel=\"&quot;&gt;&lt;script&gt;&amp;amp;\""), "{html}");
        assert!(html.contains(" data-live-cursor=\"0000000000000001-0\">"), "{html}");
    }

    #[test]
    fn the_transports_may_be_chosen_for_one_page() {
        let element = Element::new(ChannelId::new("a").unwrap(), None, &Config::default());
        let element = element.transports(&[Transport::Sse, Transport::LongPolling]);
        assert!(element.start().contains(" transports=\"sse long-polling\" "));
    }

    #[test]
    fn a_token_is_for_the_page_and_not_for_logs() {
        let element = Element::new(ChannelId::new("private-a").unwrap(), None, &Config::default()).token("a.\"b");
        assert!(element.start().ends_with(" token=\"a.&quot;b\">"), "{}", element.start());
        assert!(!format!("{element:?}").contains("a."));
    }

    #[test]
    fn the_readers_server_may_be_another_one() {
        let config = Config { public_url: "https://live.example:8765/".to_owned(), ..Config::default() };
        let element = Element::new(ChannelId::new("a").unwrap(), None, &config);
        assert!(element.start().contains("base=\"https://live.example:8765\""));
        assert!(element.script().contains("src=\"https://live.example:8765/live.js\""));
    }
}
