//! What speaks to the server: sockets and parsers that share nothing with it.

mod events;
mod http;
mod join;
pub(crate) mod token;
mod websocket;
mod wire;

use std::time::Duration;

pub(crate) use self::{
    events::{EventStream, Item},
    http::{Request, Response},
    join::Join,
    websocket::{Message, WebSocket, masked, raw},
    wire::Wire,
};

/// How long anything may take: generous, because a machine that runs all tests at once is slow.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// The outcome, or a failure that says what did not come.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("not within {DEADLINE:?}: {what}"),
    }
}

/// Waits for what the server does by itself, such as noticing that a reader has left.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    within(what, async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}
