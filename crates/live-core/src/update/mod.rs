//! What changes a page: renders and removals, parsed once.

mod json;

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Serialize;

use crate::{
    cursor::Cursor,
    html,
    id::{IdError, PostId},
};

/// A change of a page: posts added or edited (*renders*) and posts gone (*removals*). No post is in both, none twice.
///
/// ```
/// use live_core::{PostId, Render, Update};
/// let update = Update::new()
///     .render(Render::new(PostId::new("7")?, "<p>Kick-off!</p>"))
///     .remove(PostId::new("3")?);
/// # Ok::<(), live_core::IdError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    items: IndexMap<PostId, Item>,
    replace: Option<Replace>,
}

/// One entry of an [`Update`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    Render(Render),
    Removal { rev: Option<u64> },
}

/// When an update that replaces the whole page may do so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replace {
    Always,
    /// Only if the page's head is still this one: what was read from a database must not undo a newer publish.
    IfHeadIs(Cursor),
}

impl Update {
    /// An update that changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The seed of a page: it becomes exactly these posts, and is *whole* from then on.
    ///
    /// Only a whole page can bring a reader who was away for too long up to date by itself.
    pub fn replace(posts: impl IntoIterator<Item = Render>) -> Self {
        let update = posts.into_iter().fold(Self::new(), Self::render);
        Self { replace: Some(Replace::Always), ..update }
    }

    /// The seed again, refused with [`HeadMoved`](crate::page::NumberError::HeadMoved) unless the page's head is still this one:
    /// what was read from a database must not undo a newer publish. The JSON of an update does not say so, because it holds only on
    /// the bus that the head is of.
    #[must_use]
    pub fn if_head_is(self, head: Cursor) -> Self {
        Self { replace: Some(Replace::IfHeadIs(head)), ..self }
    }

    /// The head that [`if_head_is`](Self::if_head_is) asks for: what a bus has to carry beside the JSON.
    pub fn expected_head(&self) -> Option<Cursor> {
        match self.replace {
            Some(Replace::IfHeadIs(head)) => Some(head),
            Some(Replace::Always) | None => None,
        }
    }

    /// Adds or edits a post. What this update said of the post before is forgotten.
    #[must_use]
    pub fn render(self, render: Render) -> Self {
        self.with(render.id.clone(), Item::Render(render))
    }

    /// Removes a post. What this update said of the post before is forgotten.
    #[must_use]
    pub fn remove(self, id: PostId) -> Self {
        self.with(id, Item::Removal { rev: None })
    }

    /// Removes a post, unless a newer revision of it (see [`Render::rev`]) has been published.
    #[must_use]
    pub fn remove_rev(self, id: PostId, rev: u64) -> Self {
        self.with(id, Item::Removal { rev: Some(rev) })
    }

    fn with(mut self, id: PostId, item: Item) -> Self {
        self.items.shift_remove(&id);
        self.items.insert(id, item);
        self
    }

    /// The posts that it adds or edits, oldest first.
    pub fn renders(&self) -> impl Iterator<Item = &Render> {
        self.items.values().filter_map(|item| match item {
            Item::Render(render) => Some(render),
            Item::Removal { .. } => None,
        })
    }

    /// The ids of the posts that it removes.
    pub fn removals(&self) -> impl Iterator<Item = &PostId> {
        self.items.iter().filter(|(_, item)| matches!(item, Item::Removal { .. })).map(|(id, _)| id)
    }

    /// Whether it replaces the whole page.
    pub fn is_replace(&self) -> bool {
        self.replace.is_some()
    }

    /// Renders and removals together.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it has neither renders nor removals.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn replace_mode(&self) -> Option<Replace> {
        self.replace
    }

    #[cfg(feature = "redis")]
    pub(crate) fn items(&self) -> &IndexMap<PostId, Item> {
        &self.items
    }

    pub(crate) fn into_items(self) -> IndexMap<PostId, Item> {
        self.items
    }

    /// Changes the HTML of every shown post, as the sanitiser does.
    pub(crate) fn map_html(mut self, change: impl Fn(&str) -> String) -> Self {
        for item in self.items.values_mut() {
            if let Item::Render(Render { html: Some(html), .. }) = item {
                *html = change(html).into();
            }
        }
        self
    }

    /// Parses the wire's JSON: what Wagtail Live's own Python puts on its bus, and what the publish route takes.
    ///
    /// The content of hidden posts is dropped here, so that it is never stored.
    ///
    /// # Errors
    /// The text is not such JSON; the message names the place and the cause.
    pub fn from_json(json: &[u8]) -> Result<Self, UpdateError> {
        // The whole text, not only what is read of it.
        let json = std::str::from_utf8(json).map_err(UpdateError::NotUtf8)?;
        serde_json::from_str(json).map_err(UpdateError::Json)
    }
}

/// One post as it is to be shown from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Render {
    pub(crate) id: PostId,
    /// `None` for a hidden post, whose HTML is not kept anywhere.
    pub(crate) html: Option<Arc<str>>,
    pub(crate) sort: Option<Sort>,
    pub(crate) rev: Option<u64>,
}

impl Render {
    /// A post whose HTML is wrapped in `<div data-post-id="…">`, the element that readers find it by.
    pub fn new(id: PostId, html: impl AsRef<str>) -> Self {
        // A post id has no character that is special in an attribute.
        let content = format!("<div data-post-id=\"{id}\">{}</div>", html.as_ref());
        Self::with_html(id, Some(content.into()))
    }

    /// A post whose HTML brings its own element: at the top level exactly one, with `data-post-id="<id>"`.
    ///
    /// # Errors
    /// [`UpdateError::NoPostElement`] if it does not; use [`Render::new`], or write the attribute.
    pub fn raw(id: PostId, html: impl AsRef<str>) -> Result<Self, UpdateError> {
        let html = html.as_ref();
        if !html::is_post_element(html, &id) {
            return Err(UpdateError::NoPostElement { id });
        }
        Ok(Self::with_html(id, Some(html.into())))
    }

    /// A post that keeps its place and is not shown.
    pub fn hidden(id: PostId) -> Self {
        Self::with_html(id, None)
    }

    fn with_html(id: PostId, html: Option<Arc<str>>) -> Self {
        Self { id, html, sort: None, rev: None }
    }

    /// Places the post. Without it a new post goes on top and an edited one keeps its place.
    #[must_use]
    pub fn sort(self, sort: Sort) -> Self {
        Self { sort: Some(sort), ..self }
    }

    /// The publisher's revision of the post (a row version or a time): an item with a lower one than the page has is
    /// acknowledged and ignored, so that a late publisher neither undoes an edit nor resurrects a removal.
    #[must_use]
    pub fn rev(self, rev: u64) -> Self {
        Self { rev: Some(rev), ..self }
    }

    /// The post.
    pub fn id(&self) -> &PostId {
        &self.id
    }

    /// The HTML, or `None` for a hidden post.
    pub fn html(&self) -> Option<&str> {
        self.html.as_deref()
    }
}

/// The place of a post on its page: posts stand in descending order of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Sort(u64);

impl Sort {
    /// The least value of a pin. The versions that place new posts stay below it until the year 2112.
    pub const FIRST_PIN: Self = Self(1 << 52);

    /// A place.
    ///
    /// # Errors
    /// [`UpdateError::Sort`] from 2^53 on, where a JavaScript number is no longer exact.
    pub fn new(sort: u64) -> Result<Self, UpdateError> {
        if sort >= 1 << 53 { Err(UpdateError::Sort) } else { Ok(Self(sort)) }
    }

    /// Pins a post above all that are not pinned; the greatest rank is on top.
    pub fn pinned(rank: u32) -> Self {
        Self(Self::FIRST_PIN.0 + u64::from(rank))
    }

    /// The number.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// Why an update is not valid.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// The text is not the JSON of an update.
    #[error("update is not valid: {0}")]
    Json(#[source] serde_json::Error),
    /// The text is not UTF-8, as JSON has to be (RFC 8259 §8.1).
    #[error("update is not UTF-8: {0}")]
    NotUtf8(#[source] std::str::Utf8Error),
    /// An id in it is not valid.
    #[error(transparent)]
    Id(#[from] IdError),
    /// Readers could not find the post again.
    #[error("content of post {id:?} must be one element with data-post-id=\"{id}\" at its top level")]
    NoPostElement {
        /// The post.
        id: PostId,
    },
    /// A parser would make more of the HTML than memory holds. Close the formatting elements that it opens.
    #[error("content of post {id:?} leaves too many formatting elements open")]
    Explosive {
        /// The post.
        id: PostId,
    },
    /// Elements nest deeper than browsers follow. Close what is open.
    #[error("content of post {id:?} nests elements too deep (limit: {max})", max = html::MAX_DEPTH)]
    TooDeep {
        /// The post.
        id: PostId,
    },
    /// `sort` is too great.
    #[error("sort must be a whole number from 0 to 9007199254740991")]
    Sort,
}
