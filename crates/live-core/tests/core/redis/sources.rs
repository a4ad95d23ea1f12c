//! Pages that are whole because the site loads them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use live_core::{ChannelId, PageSource, SourceFuture};
use tokio::sync::Semaphore;

use super::{Node, RedisServer, brisk, eventually, original, render};

/// The site's own posts, as the channel `a` shows them.
struct Database {
    posts: Mutex<Vec<&'static str>>,
    loads: AtomicUsize,
    /// It answers while this has a permit.
    answers: Semaphore,
}

impl Database {
    fn new(posts: &[&'static str]) -> Arc<Self> {
        let (posts, answers) = (Mutex::new(posts.to_vec()), Semaphore::new(1));
        Arc::new(Self { posts, loads: AtomicUsize::new(0), answers })
    }
}

impl PageSource for Database {
    fn load<'a>(&'a self, channel: &'a ChannelId) -> SourceFuture<'a> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            drop(self.answers.acquire().await?);
            let posts = self.posts.lock().unwrap().iter().map(|id| render(id, id)).collect();
            Ok((channel.as_str() == "a").then_some(posts))
        })
    }
}

fn ids(frame: &serde_json::Value) -> Vec<&str> {
    frame["renders"].as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_page_is_seeded_on_its_node_alone_and_nothing_of_it_is_published() {
    let redis = RedisServer::start();
    let database = Database::new(&["1", "2"]);
    let node = Node::with_source(&redis, database.clone(), brisk());
    let mut subscriber = redis.client();
    subscriber.subscribe("group_a");
    let mut reader = node.reader("a", Some("*")).await;
    let frame = reader.frame().await;
    assert_eq!((&frame["reset"], ids(&frame)), (&true.into(), vec!["1", "2"]), "{frame}");
    redis.publish("group_a", &original("3", "three"));
    reader.shows("3", "three").await;
    assert_eq!(subscriber.next_message(), original("3", "three"));
    assert_eq!(database.loads.load(Ordering::SeqCst), 1);
    // A page that the site does not have is live all the same.
    assert_eq!(node.reader("b", Some("garbage")).await.frame().await["reload"], true);
}

#[tokio::test]
async fn after_a_loss_its_readers_get_the_page_as_it_is_now_and_need_not_fetch_it() {
    let mut redis = RedisServer::start();
    let database = Database::new(&["1", "2"]);
    let node = Node::with_source(&redis, database.clone(), brisk());
    let mut reader = node.reader("a", None).await;
    reader.frame().await;
    redis.kill();
    reader.frame_where(|frame| frame.get("stale").is_some()).await;
    *database.posts.lock().unwrap() = vec!["2", "3"];
    let busy = database.answers.acquire().await.unwrap();
    redis.restart();
    eventually("a load", async || (database.loads.load(Ordering::SeqCst) == 2).then_some(())).await;
    // Until it is there they are told nothing else.
    for _ in 0..3 {
        assert_eq!(reader.frame().await["stale"], true);
    }
    drop(busy);
    let frame = reader.news().await;
    assert_eq!((&frame["reset"], ids(&frame)), (&true.into(), vec!["2", "3"]), "{frame}");
    redis.publish("group_a", &original("4", "four"));
    assert_eq!(reader.shows("4", "four").await["prev"], frame["cursor"]);
    assert_eq!(database.loads.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_reader_from_another_node_is_brought_up_to_date() {
    let redis = RedisServer::start();
    let database = Database::new(&["1"]);
    let nodes = [(); 2].map(|()| Node::with_source(&redis, database.clone(), brisk()));
    let cursor = nodes[0].reader("a", Some("*")).await.frame().await["cursor"].as_str().unwrap().to_owned();
    let frame = nodes[1].reader("a", Some(&cursor)).await.frame().await;
    assert_eq!((&frame["reset"], ids(&frame)), (&true.into(), vec!["1"]), "{frame}");
}
