//! What stands for a message library without a log. The bus knows no more of it than a client library would tell.

use std::sync::Arc;

use live_core::{ChannelId, Epoch};
use tokio::sync::{broadcast, watch};

/// Hands each message to whoever is connected at that moment, and keeps none.
pub struct Relay {
    /// `None` while it is away. Replacing it cuts all connections.
    connections: watch::Sender<Option<broadcast::Sender<Message>>>,
}

/// A message.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) channel: ChannelId,
    /// Random, so that a node knows its own.
    pub(crate) name: Epoch,
    /// The JSON of the update.
    pub(crate) payload: Arc<str>,
}

/// Messages that a connection may be behind.
const BEHIND: usize = 1_024;

impl Relay {
    /// A relay that runs.
    pub fn new() -> Arc<Self> {
        let relay = Self { connections: watch::Sender::new(None) };
        relay.start();
        Arc::new(relay)
    }

    /// Accepts connections, if it does not.
    pub fn start(&self) {
        if self.connections.borrow().is_none() {
            self.cut();
        }
    }

    /// Cuts all connections and accepts others.
    pub fn cut(&self) {
        self.connections.send_replace(Some(broadcast::Sender::new(BEHIND)));
    }

    /// Cuts all connections and accepts none.
    pub fn kill(&self) {
        self.connections.send_replace(None);
    }

    /// Connects, as soon as the relay is there.
    pub(crate) async fn connect(&self) -> broadcast::Receiver<Message> {
        let mut connections = self.connections.subscribe();
        loop {
            if let Some(connection) = &*connections.borrow_and_update() {
                return connection.subscribe();
            }
            // It never ends while there is a relay.
            let _ = connections.changed().await;
        }
    }

    /// Sends a message; `false` if nobody is there to take it.
    pub(crate) fn send(&self, message: Message) -> bool {
        self.connections.borrow().as_ref().is_some_and(|connection| connection.send(message).is_ok())
    }
}
