//! The bus `sqlite:FILE`: across restarts, across kills, and against other processes.

mod child;
mod files;
mod lives;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use live_core::{
    ChannelId, Config, EventBus, PostId, Published, Render, Update,
    bus::{SqliteBus, Subscription},
    page::Page,
};
use live_sync::Event;

/// A folder in the system's temporary one, removed with this value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("live-core-{:016x}", getrandom::u64().unwrap()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("live.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// No wait of these tests is longer.
const DEADLINE: Duration = Duration::from_secs(60);

fn config() -> Config {
    Config { bus_deadline: DEADLINE, ..Config::default() }
}

fn open(file: &Path) -> SqliteBus {
    SqliteBus::open(file, &config()).unwrap()
}

fn channel(name: &str) -> ChannelId {
    ChannelId::new(name).unwrap()
}

fn post(id: &str, html: &str) -> Update {
    Update::new().render(Render::new(PostId::new(id).unwrap(), html))
}

async fn publish(bus: &dyn EventBus, name: &str, update: Update) -> Published {
    bus.publish(&channel(name), update, None).await.unwrap()
}

/// The next event, `None` once the bus is gone.
async fn next(subscription: &mut Subscription) -> Option<Event<Page, std::sync::Arc<live_core::page::Numbered>>> {
    tokio::time::timeout(DEADLINE, std::future::poll_fn(|cx| subscription.poll_next(cx))).await.unwrap()
}

async fn page(bus: &dyn EventBus, name: &str) -> Page {
    match next(&mut bus.subscribe(&channel(name)).await.unwrap()).await {
        Some(Event::Snapshot(page)) => page,
        other => panic!("{other:?}"),
    }
}

fn ids(page: &Page) -> Vec<String> {
    page.posts().map(|post| post.id.to_string()).collect()
}
