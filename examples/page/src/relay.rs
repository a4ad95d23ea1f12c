//! Takes updates from the outbox to Live, in the order of the commits, until Live has stored each.

use std::{sync::Arc, time::Duration};

use live_core::{
    ChannelId, Hub, Update,
    bus::{BusError, IdempotencyKey},
};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::store::{Outgoing, Store};

/// One task per blog, so that updates leave in order and a request that is given up leaves nothing behind.
pub(crate) struct Relay {
    /// Ends with the relay.
    _task: JoinSet<()>,
    wake: Arc<Notify>,
    /// The id of the last row that was published or refused.
    sent: watch::Receiver<i64>,
}

impl Relay {
    /// Starts with what an earlier run left in the outbox.
    pub(crate) fn start(store: Store, hub: Hub, channel: ChannelId) -> Self {
        let wake = Arc::new(Notify::new());
        let (report, sent) = watch::channel(0);
        let worker = Worker { store, hub, channel, wake: wake.clone(), report };
        Self { _task: JoinSet::from_iter([worker.run()]), wake, sent }
    }

    /// Waits until the row is published or refused; `false` if that takes too long.
    pub(crate) async fn sent(&self, id: i64, deadline: Duration) -> bool {
        self.wake.notify_one();
        let mut sent = self.sent.clone();
        timeout(deadline, sent.wait_for(|sent| *sent >= id)).await.is_ok_and(|sent| sent.is_ok())
    }
}

struct Worker {
    store: Store,
    hub: Hub,
    channel: ChannelId,
    wake: Arc<Notify>,
    report: watch::Sender<i64>,
}

impl Worker {
    async fn run(self) {
        loop {
            match self.send_next().await {
                Ok(true) => {}
                Ok(false) => self.wake.notified().await,
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), "the outbox waits");
                    sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    /// Sends the oldest row; `false` if there is none.
    async fn send_next(&self) -> anyhow::Result<bool> {
        let Some(Outgoing { id, body, idempotency_key }) = self.store.next_outgoing().await? else {
            return Ok(false);
        };
        let update = Update::from_json(body.as_bytes())?;
        let key = IdempotencyKey::new(idempotency_key)?;
        match self.hub.publish(&self.channel, update, Some(&key)).await {
            // A crash between these two lines sends the row again at the next start; its key makes that harmless.
            Ok(_) => self.store.published(id).await?,
            Err(error @ (BusError::Refused(_) | BusError::KeyReused)) => {
                tracing::error!(%error, id, "the live page refuses an update");
                self.store.refused(id, error.to_string()).await?;
            }
            // Nothing was stored, or perhaps it was: the same row again is right in both cases.
            Err(error) => return Err(error.into()),
        }
        self.report.send_replace(id);
        Ok(true)
    }
}

/// Short: readers are waiting. Not none: the bus that does not answer should not be asked in a loop.
const RETRY_AFTER: Duration = Duration::from_secs(1);
