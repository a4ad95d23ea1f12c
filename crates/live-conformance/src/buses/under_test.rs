//! What the suite asks of a bus.

use std::sync::Arc;

use live_core::{Config, EventBus, bus::BusFuture};

/// A bus under test: how its stores are started, and what it promises.
pub trait BusUnderTest: Send + Sync + 'static {
    /// Starts an empty store for one case, inside a tokio runtime with threads, so that it may block. Dropping the store ends it.
    fn start(&self) -> Box<dyn BusStore>;

    /// What the bus keeps.
    fn class(&self) -> BusClass {
        BusClass::Logged
    }

    /// Who may use a store.
    fn sharing(&self) -> BusSharing {
        BusSharing::Together
    }

    /// What its stores can be made to suffer.
    fn faults(&self) -> &'static [BusFault] {
        &[]
    }

    /// Where it differs from others within its promises. The suite expects exactly that then.
    fn habits(&self) -> &'static [BusHabit] {
        &[]
    }
}

/// A store that runs: a server, a file, or whatever the nodes of a site meet in.
pub trait BusStore: Send + Sync {
    /// One more node on the store, as a process of its own would have it. It ends when it is dropped.
    fn node<'a>(&'a self, config: &'a Config) -> BusFuture<'a, Arc<dyn EventBus>>;

    /// Begins one of the [faults](BusUnderTest::faults) that the bus has named. There is one at a time, and [`end`](Self::end) is
    /// called after each, also after a cut, which is over at once.
    fn begin(&self, fault: BusFault) {
        panic!("a store that cannot suffer {fault:?}")
    }

    /// Ends the fault: when this returns, the store answers again.
    fn end(&self) {}
}

/// What a bus keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusClass {
    /// Every page with its log.
    Logged,
    /// Nothing: each node numbers what it hears.
    Relayed,
}

/// Who may use a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusSharing {
    /// One node, and what it has ends with it (`memory:`).
    Alone,
    /// One node at a time (`sqlite:`).
    InTurn,
    /// Any number of nodes at a time.
    Together,
}

/// What a store can be made to suffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusFault {
    /// All connections are cut, once; new ones are accepted at once.
    Cut,
    /// Connections stay and nobody is answered (SIGSTOP).
    Hang,
    /// It is killed, and comes back with its data.
    Kill,
    /// It is killed, and comes back empty.
    Wipe,
}

/// How a bus may differ from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusHabit {
    /// It numbers by the time of its store, and not by [`Config::clock`].
    OwnClock,
    /// What it has acknowledged cannot be lost, so that it needs no new epoch after a restart.
    NeverForks,
}
