//! Live's own buses do what every bus does.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

#[cfg(unix)]
mod redis;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use live_conformance::{BusSharing, BusStore, BusUnderTest, Suite};
use live_core::{
    Config, EventBus,
    bus::{BusFuture, MemoryBus, SqliteBus},
};

/// `memory:`.
struct Memory;

impl BusUnderTest for Memory {
    fn start(&self) -> Box<dyn BusStore> {
        Box::new(Memory)
    }

    fn sharing(&self) -> BusSharing {
        BusSharing::Alone
    }
}

impl BusStore for Memory {
    fn node<'a>(&'a self, config: &'a Config) -> BusFuture<'a, Arc<dyn EventBus>> {
        Box::pin(async move { Ok(Arc::new(MemoryBus::new(config)?) as Arc<dyn EventBus>) })
    }
}

/// `sqlite:`, each store a file in a folder of its own.
struct Sqlite;

struct Folder(PathBuf);

impl BusUnderTest for Sqlite {
    fn start(&self) -> Box<dyn BusStore> {
        let name = format!("live-buses-{:016x}", getrandom::u64().unwrap());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Box::new(Folder(path))
    }

    fn sharing(&self) -> BusSharing {
        BusSharing::InTurn
    }
}

impl BusStore for Folder {
    fn node<'a>(&'a self, config: &'a Config) -> BusFuture<'a, Arc<dyn EventBus>> {
        let file = self.0.join("live.db");
        Box::pin(async move { Ok(Arc::new(SqliteBus::open(file, config)?) as Arc<dyn EventBus>) })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn main() -> ExitCode {
    let suite = Suite::new().bus("memory", &Memory).bus("sqlite", &Sqlite);
    #[cfg(unix)]
    let suite =
        suite.bus("redis", &redis::LOGGED).bus("redis_pubsub", &redis::PUBSUB).bus("redis_channels", &redis::CHANNELS);
    suite.run()
}
