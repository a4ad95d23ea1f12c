//! The connections of a bus, as far as they are there.

use std::sync::Arc;

use crate::bus::{BusError, redis::keeper::Access};

/// The connections, in the order of the hosts.
#[derive(Debug)]
pub(crate) struct Links<C>(Arc<[Access<C>]>);

impl<C> Clone for Links<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> Links<C> {
    pub(super) fn new(links: Vec<Access<C>>) -> Self {
        Self(links.into())
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) async fn connection(&self, place: usize) -> Result<Arc<C>, BusError> {
        self.0.get(place).ok_or(BusError::Unavailable)?.connection().await
    }

    /// What Redis answers over a connection that is not given up meanwhile.
    pub(crate) async fn answer<T>(
        &self,
        place: usize,
        connection: &Arc<C>,
        answer: impl Future<Output = Result<T, BusError>>,
    ) -> Result<T, BusError> {
        let access = self.0.get(place).ok_or(BusError::Unavailable)?;
        tokio::select! {
            biased;
            answer = answer => answer,
            () = access.over(connection) => Err(BusError::Unavailable),
        }
    }

    /// Those that there are at the moment.
    pub(crate) fn present(&self) -> Vec<Arc<C>> {
        self.0.iter().filter_map(Access::present).collect()
    }
}
