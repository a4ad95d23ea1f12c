//! Everything that the page answers, whatever framework carries it.

use std::{
    io::{Write, stdout},
    net::SocketAddr,
    sync::Arc,
};

use anyhow::Context;
use askama::Template;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use live_core::{ChannelId, Hub};
use tokio::{sync::Notify, task::JoinSet};

use crate::{
    answer::{self, Answer},
    api,
    blog::{Blog, Readers},
    options::Options,
    post::Which,
    render::{ComposePage, PostPage, ReaderPage, article, grouped, placed_article},
    replay::Replay,
    store::Store,
    text,
    token::Token,
};

/// The live blog over HTTP. A clone is the same page.
#[derive(Clone)]
pub struct Page {
    inner: Arc<Inner>,
}

struct Inner {
    blog: Arc<Blog>,
    token: Token,
    options: Options,
    /// The path of the browser's part of Live.
    script: String,
    /// What the pages may load.
    policy: HeaderValue,
    begun: Arc<Notify>,
    /// The replay; it ends with the page.
    _tasks: JoinSet<()>,
}

impl Page {
    /// Opens the database, brings the live page up to date with it, and reads the file to replay, if there is one.
    ///
    /// # Errors
    /// The database, the token's file or the file to replay cannot be read, or the bus does not answer.
    pub async fn open(options: Options, hub: Hub) -> anyhow::Result<Self> {
        let replay = options.replay.as_deref().map(Replay::load).transpose()?;
        let store =
            Store::open(&options.db).with_context(|| format!("cannot open the database {}", options.db.display()))?;
        let token = Token::given_or_kept(options.publish_token.as_deref(), &options.beside("token"))?;
        let readers = if options.readers.is_some() { Readers::Elsewhere } else { Readers::Here };
        let blog = Arc::new(Blog::open(store, hub, ChannelId::new(CHANNEL)?, readers).await?);
        // The site's own, wherever its readers are.
        let script = format!("{}/live.js", options.prefix);
        let policy = answer::policy(options.readers.as_deref()).context("the address of the readers' server")?;
        let mut tasks = JoinSet::new();
        let begun = Arc::new(Notify::new());
        if let Some(replay) = replay {
            let (blog, begun, speed) = (blog.clone(), begun.clone(), options.speed);
            tasks.spawn(async move {
                begun.notified().await;
                replay.play(blog, speed).await;
            });
        }
        Ok(Self { inner: Arc::new(Inner { blog, token, options, script, policy, begun, _tasks: tasks }) })
    }

    /// Prints where everything is, and lets the replay begin. To be called once the server listens.
    pub fn begin(&self, listening: SocketAddr) {
        let Options { db, prefix, publish_token, .. } = &self.inner.options;
        let (db, token) = (db.display(), self.inner.token.as_str());
        let kept = if publish_token.is_none() { format!(", the token in {db}.token") } else { String::new() };
        let (follow, log) = match &self.inner.options.readers {
            Some(readers) => (format!("the readers' server, {readers}"), String::new()),
            None => {
                (format!("curl -N http://{listening}{prefix}/events/{CHANNEL}/"), format!(", Live's log in {db}.live"))
            }
        };
        let lines = format!(
            "The live blog is on http://{listening}/\n  \
             write   http://{listening}/compose#token={token}\n  \
             or      curl -H 'Authorization: Bearer {token}' -d '{{\"text\": \"Hello\"}}' http://{listening}/api/posts\n  \
             follow  {follow}\n  \
             files   posts in {db}{log}{kept}\n"
        );
        // Nobody has to read it.
        let _ = stdout().write_all(lines.as_bytes());
        self.inner.begun.notify_one();
    }

    /// Answers a request that is not one of Live's own.
    pub async fn respond(
        &self,
        method: &Method,
        path: &str,
        query: Option<&str>,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Answer {
        let Inner { blog, token, .. } = &*self.inner;
        let path = path.strip_suffix('/').unwrap_or(path);
        if let Some(rest) = path.strip_prefix("/api/") {
            return api::respond(blog, token, api::Request { method, path: rest, query, headers, body }).await;
        }
        if !answer::reads(method) {
            return answer::method_not_allowed("GET, HEAD");
        }
        let page = match path {
            "" => self.reader(asks_for_all(query)).await,
            "/compose" => self.composer().await,
            _ => match path.strip_prefix("/posts/") {
                Some(id) => self.post(id).await,
                None => return answer::asset(path, headers),
            },
        };
        page.unwrap_or_else(|error| {
            tracing::error!(error = format!("{error:#}"), path, "a page could not be made");
            answer::text(
                StatusCode::SERVICE_UNAVAILABLE,
                "The blog cannot be read at the moment. Try again in a few seconds.",
            )
        })
    }

    /// The page that readers open: the newest posts, or all.
    async fn reader(&self, all: bool) -> anyhow::Result<Answer> {
        let blog = &self.inner.blog;
        // The cursor before the first read: what the HTML lacks is then newer, and comes with the first connect.
        let live = blog.element().await;
        let (posts, total) = blog.list(Which::Shown, (!all).then_some(FIRST_PAINT)).await?;
        let posts = posts.iter().map(placed_article).collect::<Result<Vec<_>, _>>()?;
        let total = (total > posts.len() as u64).then(|| grouped(total));
        let Inner { options, script, policy, .. } = &*self.inner;
        let page = ReaderPage { title: &options.title, live: &live, script, posts: &posts, total: total.as_deref() };
        Ok(answer::html(StatusCode::OK, page.render()?, policy))
    }

    /// One post alone, for links to it.
    async fn post(&self, id: &str) -> anyhow::Result<Answer> {
        let Some(id) = answer::decoded(id) else {
            return Ok(answer::not_found());
        };
        let Some(post) = self.inner.blog.get(&id).await?.filter(|post| post.is_shown()) else {
            return Ok(answer::not_found());
        };
        let page =
            PostPage { title: &self.inner.options.title, summary: &text::summary(&post.text), post: &article(&post) };
        Ok(answer::html(StatusCode::OK, page.render()?, &self.inner.policy))
    }

    /// The page that reporters write on. It holds nothing secret: its script asks for the posts with the token.
    async fn composer(&self) -> anyhow::Result<Answer> {
        let live = self.inner.blog.element().await;
        let page = ComposePage { title: &self.inner.options.title, live: &live, script: &self.inner.script };
        Ok(answer::html(StatusCode::OK, page.render()?, &self.inner.policy))
    }
}

fn asks_for_all(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|pair| pair == "all" || pair.starts_with("all=")))
}

/// The channel of the one page that the example has.
const CHANNEL: &str = "blog";

/// How many posts the first paint has. On a phone 200 are some 80 KB and more than anybody scrolls; a mission of 8,000 posts is
/// 3.5 MB, which a link offers. Live holds all of them all the same.
const FIRST_PAINT: u32 = 200;

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH};

    use super::*;
    use crate::test_support::Site;

    #[tokio::test]
    async fn the_first_paint_has_the_posts_in_order_and_no_hidden_one() {
        let site = Site::open().await;
        for id in ["one", "two", "three", "four"] {
            site.post(&format!("text {id} <b>"), id).await;
        }
        site.call(Method::POST, "/api/posts/two/hide", "").await;
        site.call(Method::DELETE, "/api/posts/three", "").await;
        site.call(Method::POST, "/api/posts/one/pin", "").await;
        let html = site.html("/").await;
        let ids: Vec<_> = html.split("data-post-id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(ids, ["one", "four"]);
        assert!(html.contains(&format!("data-live-sort=\"{}\"", (1_u64 << 52) + 1)), "{html}");
        assert!(html.contains("text one &lt;b&gt;") && html.contains("<h1>A &#60;live&#62; blog</h1>"), "{html}");
        assert!(html.contains("<live-page") && html.contains("data-live-cursor=\""), "{html}");
    }

    #[tokio::test]
    async fn pages_run_nothing_but_the_sites_own_files() {
        let site = Site::open().await;
        site.post("text", "one").await;
        for path in ["/", "/?all", "/compose", "/compose/", "/posts/one"] {
            let answer = site.get(path).await;
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            let policy = answer.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
            let wanted = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; require-trusted-types-for 'script'";
            assert!(policy.starts_with(wanted), "{policy}");
            let html = site.html(path).await;
            for inline in [" style=", " onclick=", "<style", "<script>"] {
                assert!(!html.contains(inline), "{path}: {inline}");
            }
        }
    }

    #[tokio::test]
    async fn readers_of_another_server_are_sent_there_without_a_cursor() {
        let site = Site::with_readers(Some("https://readers.example:8765")).await;
        site.post("text", "one").await;
        for path in ["/", "/compose"] {
            let html = site.html(path).await;
            let element = "<live-page channel=\"blog\" base=\"https://readers.example:8765\" transports=\"websocket\"";
            assert!(html.contains(element) && !html.contains("data-live-cursor"), "{html}");
            assert!(html.contains("<script type=\"module\" src=\"/live/live.js\"></script>"), "{html}");
            let policy = site.get(path).await.headers()[CONTENT_SECURITY_POLICY].clone();
            assert!(policy.to_str().unwrap().contains("connect-src 'self' wss://readers.example:8765;"), "{policy:?}");
        }
    }

    #[tokio::test]
    async fn a_hidden_or_deleted_post_has_no_page_of_its_own() {
        let site = Site::open().await;
        site.post("text", "a b").await;
        assert_eq!(site.get("/posts/a%20b").await.status(), StatusCode::OK);
        site.call(Method::POST, "/api/posts/a%20b/hide", "").await;
        assert_eq!(site.get("/posts/a%20b").await.status(), StatusCode::NOT_FOUND);
        assert_eq!(site.get("/posts/%ff").await.status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn long_pages_are_painted_in_part_and_offer_the_rest() {
        let site = Site::open().await;
        for number in 0..=FIRST_PAINT {
            site.post("text", &format!("p{number}")).await;
        }
        let html = site.html("/").await;
        assert_eq!(html.matches("data-post-id").count(), FIRST_PAINT as usize);
        assert!(!html.contains("\"p0\"") && html.contains("Show all 201 posts"), "{html}");
        let all = site.html("/?all").await;
        assert!(all.contains("\"p0\"") && !all.contains("Show all"));
    }

    #[tokio::test]
    async fn files_are_sent_once() {
        let site = Site::open().await;
        let answer = site.get("/style.css").await;
        assert_eq!((answer.status(), answer.body().is_empty()), (StatusCode::OK, false));
        let headers = HeaderMap::from_iter([(IF_NONE_MATCH, answer.headers()[ETAG].clone())]);
        let again = site.page.respond(&Method::GET, "/style.css", None, &headers, Bytes::new()).await;
        assert_eq!((again.status(), again.body().is_empty()), (StatusCode::NOT_MODIFIED, true));
    }
}
