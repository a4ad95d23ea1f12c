//! What the tests share.

use std::{env, fs, path::PathBuf};

use bytes::Bytes;
use clap::Parser;
use http::{HeaderMap, Method, StatusCode, header::AUTHORIZATION};
use live_core::{ChannelId, Config, Hub, PostId, bus};
use serde_json::{Value, json};

use crate::{
    Answer, Options, Page,
    blog::{Blog, Readers},
    post::Draft,
    store::Store,
};

/// A folder of the test's own, gone when it ends.
pub(crate) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    pub(crate) fn new() -> Self {
        let path = env::temp_dir().join(format!("live-example-page-{:016x}", getrandom::u64().unwrap()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A hub whose pages are gone with the test.
pub(crate) fn hub() -> Hub {
    let config = Config::default();
    Hub::new(bus::from_url("memory:", &config).unwrap(), config).unwrap()
}

pub(crate) fn draft(id: &str, text: &str) -> Draft {
    Draft { id: Some(PostId::new(id).unwrap()), text: text.to_owned(), author: None, vehicle: None, elapsed: None }
}

/// A blog in a folder of its own.
pub(crate) struct Newsroom {
    pub(crate) folder: TemporaryFolder,
    pub(crate) hub: Hub,
    pub(crate) blog: Blog,
}

impl Newsroom {
    pub(crate) async fn open() -> Self {
        let (folder, hub) = (TemporaryFolder::new(), hub());
        let blog = open(&folder, &hub).await;
        Self { folder, hub, blog }
    }

    /// What Live shows: ids, top first, each with its HTML.
    pub(crate) async fn page(&self) -> Vec<(String, String)> {
        page(&self.hub).await
    }

    pub(crate) async fn ids(&self) -> Vec<String> {
        self.page().await.into_iter().map(|(id, _)| id).collect()
    }
}

/// Opens the blog in the folder, as each start of the server does.
pub(crate) async fn open(folder: &TemporaryFolder, hub: &Hub) -> Blog {
    let store = Store::open(&folder.path("blog.db")).unwrap();
    Blog::open(store, hub.clone(), channel(), Readers::Here).await.unwrap()
}

pub(crate) fn channel() -> ChannelId {
    ChannelId::new("blog").unwrap()
}

/// What Live shows: ids, top first, each with its HTML.
pub(crate) async fn page(hub: &Hub) -> Vec<(String, String)> {
    let page = hub.page(&channel()).await.unwrap();
    assert!(page.is_whole());
    let mut posts: Vec<_> =
        page.posts().filter_map(|post| Some((post.sort(), post.id.to_string(), post.html()?.to_owned()))).collect();
    posts.sort();
    posts.reverse();
    posts.into_iter().map(|(_, id, html)| (id, html)).collect()
}

/// A page in a folder of its own, and the requests that tests make to it.
pub(crate) struct Site {
    pub(crate) page: Page,
    _folder: TemporaryFolder,
}

impl Site {
    pub(crate) async fn open() -> Self {
        Self::with_readers(None).await
    }

    /// A page with its readers' server at this URL.
    pub(crate) async fn with_readers(readers: Option<&str>) -> Self {
        let folder = TemporaryFolder::new();
        let db = folder.path("blog.db");
        let options = Options::parse_from([
            "example",
            "--publish-token",
            "t",
            "--title",
            "A <live> blog",
            "--db",
            db.to_str().unwrap(),
        ]);
        let options = Options { readers: readers.map(str::to_owned), ..options };
        let config = options.config();
        let hub = Hub::new(bus::from_url("memory:", &config).unwrap(), config).unwrap();
        Self { page: Page::open(options, hub).await.unwrap(), _folder: folder }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        self.page.respond(&Method::GET, path, query, &HeaderMap::new(), Bytes::new()).await
    }

    pub(crate) async fn html(&self, path: &str) -> String {
        String::from_utf8(self.get(path).await.into_body().to_vec()).unwrap()
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: &str) -> (StatusCode, Value) {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, "Bearer t".parse().unwrap())]);
        let answer = self.page.respond(&method, path, None, &headers, Bytes::from(body.to_owned())).await;
        (answer.status(), serde_json::from_slice(answer.body()).unwrap())
    }

    pub(crate) async fn post(&self, text: &str, id: &str) {
        let (status, answer) =
            self.call(Method::POST, "/api/posts", &json!({ "text": text, "id": id }).to_string()).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }
}
