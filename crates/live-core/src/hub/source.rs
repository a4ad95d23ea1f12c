//! Where a hub gets a page that its bus does not hold whole.

use std::pin::Pin;

use crate::{id::ChannelId, update::Render};

/// Loads a page from the site's own database, so that it is whole: any reader can then be brought up to date by Live alone.
///
/// Called once each time that a page is opened, and again when the bus has lost it or this has failed, with `Config::bus_deadline` to
/// answer and for `Config::max_page_loads` pages at a time. Give the posts as they are in the database now: what is published while
/// they load is not undone.
pub trait PageSource: Send + Sync + 'static {
    /// All posts of the page, oldest first, or `None` if the site has no such page.
    ///
    /// An error is logged; the page is then served without being whole until a later call succeeds.
    fn load<'a>(&'a self, channel: &'a ChannelId) -> SourceFuture<'a>;
}

/// What a [`PageSource`] returns.
pub type SourceFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Option<Vec<Render>>, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>>;
