//! What stands for a message library with a log. The bus knows no more of it than a client library would tell.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use crate::lock;

/// A log of entries, each at its offset: 0, 1, 2 and so on. What it has acknowledged it never loses.
#[derive(Default)]
pub struct Broker {
    entries: Mutex<Vec<Arc<str>>>,
    end: watch::Sender<Position>,
    /// Whether nobody is answered.
    is_away: watch::Sender<bool>,
}

/// A place in a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// Which log it is: a broker that was set up again has another.
    pub(crate) log: u64,
    /// The next entry.
    pub(crate) offset: usize,
}

impl Broker {
    /// A broker with an empty log.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Answers nobody, or everybody again.
    pub fn set_away(&self, is_away: bool) {
        self.is_away.send_replace(is_away);
    }

    /// Begins another log, as if somebody had set the broker up again.
    pub fn wipe(&self) {
        let mut entries = lock(&self.entries);
        entries.clear();
        self.end.send_modify(|end| *end = Position { log: end.log + 1, offset: 0 });
    }

    /// Adds an entry and returns once it is stored.
    pub(crate) async fn append(&self, entry: String) {
        self.answers().await;
        let mut entries = lock(&self.entries);
        entries.push(entry.into());
        self.end.send_modify(|end| end.offset = entries.len());
    }

    /// Where the next entry will be.
    pub(crate) async fn end(&self) -> Position {
        self.answers().await;
        *self.end.borrow()
    }

    /// What there is from a position on, and where that begins; it waits for the first entry, or for another log.
    pub(crate) async fn read(&self, from: Position) -> (Position, Vec<Arc<str>>) {
        // It never ends while there is a broker.
        let _ = self.end.subscribe().wait_for(|end| *end != from).await;
        self.answers().await;
        let (entries, log) = (lock(&self.entries), self.end.borrow().log);
        let offset = if log == from.log { from.offset } else { 0 };
        (Position { log, offset }, entries[offset..].to_vec())
    }

    async fn answers(&self) {
        let _ = self.is_away.subscribe().wait_for(|is_away| !is_away).await;
    }
}
