//! Wagtail Live's own polling client: its unmodified browser code, retold from what it does on the wire.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Shown, frame::in_order};
use crate::{
    client::{Request, Response, Wire},
    server::TestServer,
};

/// An open page of a Wagtail Live site.
#[derive(Debug, Clone, Default)]
pub(crate) struct WagtailReader {
    /// The posts that the page shows, with their content.
    pub(crate) shown: BTreeMap<String, String>,
    /// The posts that it believes to be on the page.
    pub(crate) live_posts: Vec<String>,
    pub(crate) last_update: f64,
}

/// The answer to GET.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Updates {
    #[serde(deserialize_with = "in_order")]
    pub(crate) updates: Vec<(String, Render)>,
    pub(crate) current_posts: Vec<String>,
    pub(crate) last_update_timestamp: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Render {
    pub(crate) show: bool,
    pub(crate) content: String,
}

impl WagtailReader {
    /// A page whose HTML shows this.
    pub(crate) fn of_html(shown: &Shown) -> Self {
        let contents = shown.contents().into_iter().map(|(id, content)| (id.to_owned(), content.to_owned()));
        Self { shown: contents.collect(), ..Self::default() }
    }

    /// POST: the page has loaded.
    pub(crate) async fn handshake(&mut self, wire: &mut Wire, server: &TestServer) {
        let request = Request::new("POST", "/get-updates/blog/").header("X-CSRFToken", "x").body("");
        let answer = wire.ask(request.under(server.prefix)).await.json();
        self.live_posts = serde_json::from_value(answer["livePosts"].clone()).unwrap();
        self.last_update = answer["lastUpdateTimestamp"].as_f64().unwrap();
    }

    /// HEAD, and whether it says that there is something newer.
    pub(crate) async fn is_behind(&self, wire: &mut Wire, server: &TestServer) -> bool {
        let response = wire.ask(Request::new("HEAD", "/get-updates/blog/").under(server.prefix)).await;
        self.last_update < response.header("last-update-at").unwrap().parse().unwrap()
    }

    /// The request for what is newer; a browser writes a number in its shortest form, as Rust does.
    pub(crate) fn request(&self) -> Request {
        Request::new("GET", &format!("/get-updates/blog/?last_update_ts={}", self.last_update))
    }

    /// Takes the answer; `false` if it says that nothing was newer in time.
    pub(crate) fn apply(&mut self, response: &Response) -> bool {
        assert_eq!((response.status, response.header("content-type")), (200, Some("application/json")), "{response:?}");
        if response.text() == r#"{"timeOutReached": "Timeout duration reached."}"# {
            return false;
        }
        let answer: Updates = serde_json::from_slice(&response.body).unwrap();
        for (id, render) in answer.updates {
            assert!(render.show || render.content == format!("<div data-post-id=\"{id}\" hidden></div>"), "{render:?}");
            self.shown.insert(id, render.content);
        }
        for id in self.live_posts.iter().filter(|id| !answer.current_posts.contains(id)) {
            self.shown.remove(id);
        }
        self.live_posts = answer.current_posts;
        self.last_update = answer.last_update_timestamp;
        true
    }
}
