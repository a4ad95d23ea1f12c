//! What the suite asks of an adapter.

use std::{io, net::TcpListener, pin::Pin};

use live_core::Hub;

/// An adapter under test: how its servers are started.
pub trait Serve: Send + Sync + 'static {
    /// Serves the [site](crate::site) with Live's routes under [`Serve::prefix`], by the adapter's own `serve`, until the hub
    /// drains. Dropping the future closes the listener and whatever connections it serves itself, if not at once; WebSockets that have become tasks of
    /// their own (under axum, warp and tungstenite) live on until their hub drains. The listener does not block.
    fn serve(&self, listener: TcpListener, hub: Hub) -> Serving;

    /// The same with Live's routes at the root, by the framework's own server and not by the adapter's, if there is such a
    /// difference; it ends when the hub drains.
    fn serve_by_the_framework(&self, listener: TcpListener, hub: Hub) -> Option<Serving> {
        drop((listener, hub));
        None
    }

    /// Which of Live's routes it has.
    fn routes(&self) -> Routes {
        Routes::All
    }

    /// Where Live's routes are.
    fn prefix(&self) -> &'static str {
        "/live"
    }

    /// What the framework does by itself, before the adapter is asked. The suite expects exactly that then.
    fn habits(&self) -> &'static [Habit] {
        &[]
    }
}

/// What some frameworks do with requests before anybody is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// `100 Continue` is sent to whoever asks for it, also where the request is refused.
    ContinuesUnasked,
    /// A connection that says nothing is answered 408.
    AnswersSilence,
    /// A request whose header is not complete when the server stops is dropped.
    DropsHalfRequests,
}

/// A server, until it has ended.
pub type Serving = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// The routes of an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routes {
    /// All of them, beside the site's own.
    All,
    /// `/ws/channel/{channel}/` and `/v3/{channel}` alone, on a port of its own without a site.
    WebSocket,
}

/// The adapter that a case runs on.
#[derive(Clone, Copy)]
pub(crate) struct Adapter(pub(crate) &'static dyn Serve);

impl Adapter {
    pub(crate) fn has(self, habit: Habit) -> bool {
        self.0.habits().contains(&habit)
    }
}
