//! The browser clients, as they are served.

use crate::{
    adapter::Adapter,
    case::Case,
    client::{Request, Response},
    server::{TestServer, quick},
};

const SCRIPTS: [&str; 2] = ["/live.js", "/wagtail-live.js"];

async fn ask_if_none_match(server: &TestServer, script: &str, tags: &str) -> Response {
    server.ask(Request::new("GET", script).header("If-None-Match", tags)).await
}

async fn a_script_is_javascript_that_every_site_may_load(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    for script in SCRIPTS {
        let response = server.ask(Request::new("GET", script).header("Origin", "https://foreign.example")).await;
        assert_eq!(response.status, 200);
        assert_eq!(response.header("content-type"), Some("text/javascript; charset=utf-8"));
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert!(!response.body.is_empty());
    }
}

async fn a_script_that_the_browser_has_is_not_sent_again(adapter: Adapter) {
    let server = adapter.start(quick()).await;
    for script in SCRIPTS {
        let first = server.get(script).await;
        let etag = first.header("etag").unwrap();
        assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 10, "a strong validator: {etag}");
        for tags in [etag, "*", &format!("\"other\", {etag}"), &format!("W/{etag}")] {
            let again = ask_if_none_match(&server, script, tags).await;
            assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(etag)), "{tags}");
            assert_eq!(again.header("cache-control"), first.header("cache-control"));
        }
        for tags in ["\"other\"", "", "other", etag.trim_matches('"')] {
            assert_eq!(ask_if_none_match(&server, script, tags).await.body, first.body, "{tags}");
        }
    }
}

/// All cases of this module.
pub(crate) const CASES: &[Case] =
    cases![a_script_is_javascript_that_every_site_may_load, a_script_that_the_browser_has_is_not_sent_again,];
