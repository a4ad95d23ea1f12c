//! Makes a page whole out of the site's own database, while its pump goes on following the bus.

use std::{
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
    time::Duration,
};

use super::{Hub, Inner, LivePage};
use crate::{
    bus::{BusError, Published},
    page::NumberError,
    update::Update,
};

/// A load that is under way, or waits for its turn. Dropping it ends it.
pub(super) struct Seeding {
    outcome: Pin<Box<dyn Future<Output = Result<Option<Published>, SeedError>> + Send>>,
    failures: u32,
}

/// Why a page was not made whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum SeedError {
    /// The bus is lost, and with it the subscription.
    #[error("bus lost while the page was loaded")]
    BusLost,
    /// Another load may succeed.
    #[error("{0}")]
    Source(String),
}

impl Seeding {
    pub(super) fn new(inner: &Weak<Inner>, page: &Arc<LivePage>) -> Self {
        Self::after(Duration::ZERO, inner, page, 0)
    }

    /// The next attempt, after a while.
    pub(super) fn again(&self, inner: &Weak<Inner>, page: &Arc<LivePage>) -> Self {
        let delay = FIRST_RETRY * 2u32.saturating_pow(self.failures.min(16));
        Self::after(delay.min(LAST_RETRY), inner, page, self.failures.saturating_add(1))
    }

    fn after(delay: Duration, inner: &Weak<Inner>, page: &Arc<LivePage>, failures: u32) -> Self {
        Self { outcome: Box::pin(seed(delay, Weak::clone(inner), Arc::clone(page))), failures }
    }

    /// Whether the page was shown without it, because an attempt has failed.
    pub(super) fn is_repeated(&self) -> bool {
        self.failures > 0
    }

    /// What the page comes to: the seed that makes it whole, or `None` if there is nothing to wait for.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Published>, SeedError>> {
        self.outcome.as_mut().poll(cx)
    }
}

async fn seed(delay: Duration, inner: Weak<Inner>, page: Arc<LivePage>) -> Result<Option<Published>, SeedError> {
    tokio::time::sleep(delay).await;
    for _ in 0..MAX_SEEDS {
        let Some(loads) = inner.upgrade().map(|inner| Arc::clone(&inner.loads)) else { return Ok(None) };
        // Waiting for its turn keeps no hub alive.
        let turn = loads.acquire_owned().await;
        let Some(hub) = inner.upgrade().map(|inner| Hub { inner }) else { return Ok(None) };
        let Some(seed) = load(&hub, &page).await? else { return Ok(None) };
        drop(turn);
        match hub.inner.bus.seed(&page.channel, seed).await {
            Ok(published) => return Ok(Some(published)),
            // A publish in between means that the load may be older: load again.
            Err(BusError::Refused(NumberError::HeadMoved { .. })) => {}
            Err(BusError::Unavailable | BusError::Down { .. } | BusError::Unfit { .. }) => {
                return Err(SeedError::BusLost);
            }
            Err(error) => return Err(SeedError::Source(error.to_string())),
        }
    }
    Err(SeedError::Source("the page changes faster than it loads".to_owned()))
}

/// `None` if the site has no such page.
async fn load(hub: &Hub, page: &LivePage) -> Result<Option<Update>, SeedError> {
    let Some(source) = &hub.inner.source else { return Ok(None) };
    let head = hub.cursor(&page.channel).await.map_err(|_| SeedError::BusLost)?;
    match tokio::time::timeout(hub.inner.config.bus_deadline, source.load(&page.channel)).await {
        Ok(Ok(posts)) => Ok(posts.map(|posts| Update::replace(posts).if_head_is(head))),
        Ok(Err(error)) => Err(SeedError::Source(error.to_string())),
        Err(_) => Err(SeedError::Source("it did not answer in time".to_owned())),
    }
}

const MAX_SEEDS: usize = 3;
/// A load is retried for as long as the page is open, from this delay up to that one: a database that is away has enough to do.
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(30);
