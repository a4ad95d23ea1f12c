//! The buses on Redis, each store a redis-server of its own.

use std::sync::{Arc, Mutex};

use live_conformance::{
    BusClass, BusFault, BusHabit, BusStore, BusUnderTest,
    redis_server::{Frozen, RedisServer},
};
use live_core::{
    Config, EventBus,
    bus::{self, BusFuture},
};

/// A bus on Redis by its URL.
pub(crate) struct Redis {
    /// The beginning of the URL, `redis+pubsub` for example.
    scheme: &'static str,
    /// More options of the redis-server.
    options: &'static [&'static str],
    class: BusClass,
    faults: &'static [BusFault],
    habits: &'static [BusHabit],
}

/// `redis:`, on a Redis that keeps what it has acknowledged.
pub(crate) const LOGGED: Redis = Redis {
    scheme: "redis",
    options: &["--appendonly", "yes", "--appendfsync", "always"],
    class: BusClass::Logged,
    faults: &[BusFault::Cut, BusFault::Hang, BusFault::Kill, BusFault::Wipe],
    habits: &[BusHabit::OwnClock],
};

/// `redis+pubsub:`. What is not stored cannot survive, so a Redis that is killed comes back empty.
pub(crate) const PUBSUB: Redis = Redis {
    scheme: "redis+pubsub",
    options: &[],
    class: BusClass::Relayed,
    faults: &[BusFault::Cut, BusFault::Hang, BusFault::Wipe],
    habits: &[],
};

/// `redis+channels:`, over the core layer of Django Channels.
pub(crate) const CHANNELS: Redis = Redis { scheme: "redis+channels", ..PUBSUB };

impl BusUnderTest for Redis {
    fn start(&self) -> Box<dyn BusStore> {
        let server = RedisServer::start_with(self.options);
        Box::new(Server { scheme: self.scheme, server: Mutex::new(server), fault: Mutex::default() })
    }

    fn class(&self) -> BusClass {
        self.class
    }

    fn faults(&self) -> &'static [BusFault] {
        self.faults
    }

    fn habits(&self) -> &'static [BusHabit] {
        self.habits
    }
}

struct Server {
    scheme: &'static str,
    server: Mutex<RedisServer>,
    fault: Mutex<Option<Fault>>,
}

enum Fault {
    /// It goes on when the value is dropped.
    Hanging(#[allow(dead_code, reason = "it is dropped")] Frozen),
    Killed,
}

impl BusStore for Server {
    fn node<'a>(&'a self, config: &'a Config) -> BusFuture<'a, Arc<dyn EventBus>> {
        let url = format!("{}://127.0.0.1:{}/1", self.scheme, self.server.lock().unwrap().port());
        Box::pin(async move { bus::from_url(&url, config) })
    }

    fn begin(&self, fault: BusFault) {
        let mut server = self.server.lock().unwrap();
        let begun = match fault {
            BusFault::Cut => {
                server.kill_connections();
                return;
            }
            BusFault::Hang => Fault::Hanging(server.freeze()),
            BusFault::Kill => {
                server.kill();
                Fault::Killed
            }
            BusFault::Wipe => {
                server.wipe();
                Fault::Killed
            }
        };
        *self.fault.lock().unwrap() = Some(begun);
    }

    fn end(&self) {
        let ended = self.fault.lock().unwrap().take();
        if let Some(Fault::Killed) = ended {
            self.server.lock().unwrap().restart();
        }
    }
}
