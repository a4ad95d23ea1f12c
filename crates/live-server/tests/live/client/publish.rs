//! `live publish`.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use live_axum::{ChannelId, Config, Hub, Publishing, Route};

use super::{
    command::{Running, command, run},
    site::{Site, quick},
};
use crate::files::Folder;

fn wrapped(id: &str, html: &str) -> (String, Option<String>) {
    (id.to_owned(), Some(format!("<div data-post-id=\"{id}\">{html}</div>")))
}

#[test]
fn flags_make_one_post_and_its_cursor_is_printed() {
    let site = Site::start();
    let ran = run(site.live(&["publish", "blog", "--id", "7", "--text", "1 < 2 & more"]), "").ends_with(0);
    assert_eq!(ran.out.trim_end(), site.cursor("blog"));
    assert_eq!(site.posts("blog"), [wrapped("7", "<p>1 &lt; 2 &amp; more</p>")]);

    run(site.live(&["publish", "blog", "--id", "7", "--html", "<b>Goal!</b>"]), "").ends_with(0);
    let own = "<article data-post-id=\"8\">x</article>";
    run(site.live(&["publish", "blog", "--id", "8", "--html", own, "--sort", "1"]), "").ends_with(0);
    assert_eq!(site.posts("blog"), [("8".to_owned(), Some(own.to_owned())), wrapped("7", "<b>Goal!</b>")]);

    run(site.live(&["publish", "blog", "--id", "7", "--hidden"]), "").ends_with(0);
    run(site.live(&["publish", "blog", "--remove", "8", "--remove", "9"]), "").ends_with(0);
    assert_eq!(site.posts("blog"), [("7".to_owned(), None)]);
}

#[test]
fn a_post_without_an_id_gets_one_that_is_told() {
    let site = Site::start();
    let ran = run(site.live(&["publish", "blog", "--text", "-", "--json"]), "one\n\ntwo\n").ends_with(0);
    let answer: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(answer["cursor"], site.cursor("blog"));
    let id = answer["ids"][0].as_str().unwrap();
    assert_eq!(site.posts("blog"), [wrapped(id, "<p>one</p><p>two</p>")]);
    ran.saying(id);
}

#[test]
fn each_line_of_standard_input_is_published_before_the_next_is_read() {
    let site = Site::start();
    let mut publishing = Running::start(site.live(&["publish", "blog"]));
    publishing.write("{\"id\": 1, \"text\": \"one\"}\n");
    assert_eq!(publishing.line(), site.cursor("blog"));
    assert_eq!(site.ids("blog"), ["1"]);
    publishing.write("\n{\"renders\": {\"2\": {\"content\": \"<p data-post-id='2'>two</p>\"}}, \"removals\": [1]}\n");
    assert_eq!(publishing.line(), site.cursor("blog"));
    publishing.write("{\"id\": 3, \"html\": \"three\", \"at\": 5}");
    publishing.finish().ends_with(0);
    assert_eq!(site.ids("blog"), ["2", "3"]);
}

#[test]
fn a_line_that_is_no_update_is_named_and_what_came_before_it_is_published() {
    let site = Site::start();
    let input = "{\"id\": 1, \"text\": \"one\"}\n\nhello\n{\"id\": 2, \"text\": \"two\"}\n";
    let ran = run(site.live(&["publish", "blog"]), input).ends_with(5);
    ran.saying("line 3: not JSON").saying("--lines");
    assert_eq!(site.ids("blog"), ["1"]);
}

#[test]
fn the_empty_frames_that_watch_printed_publish_nothing() {
    let site = Site::start();
    let before = site.post("blog", "1", "one");
    let empty = format!("{{\"renders\": {{}}, \"removals\": [], \"cursor\": \"{before}\", \"prev\": \"{before}\"}}\n");
    let ran = run(site.live(&["publish", "blog"]), &empty.repeat(2)).ends_with(0);
    assert_eq!((ran.out.as_str(), site.cursor("blog")), ("", before));
}

#[test]
fn plain_lines_become_posts_in_their_order() {
    let site = Site::start();
    let ran = run(site.live(&["publish", "blog", "--lines", "--key", "log"]), "<one>\n{}\n").ends_with(0);
    assert_eq!(ran.out.lines().count(), 2);
    assert_eq!(site.posts("blog"), [wrapped("log-1", "<p>&lt;one&gt;</p>"), wrapped("log-2", "<p>{}</p>")]);
}

#[test]
fn the_same_key_counts_once_and_with_something_else_it_is_refused() {
    let site = Site::start();
    let publish = |text| run(site.live(&["publish", "blog", "--key", "k1", "--text", text]), "");
    let first = publish("one").ends_with(0);
    run(site.live(&["publish", "blog", "--text", "another"]), "").ends_with(0);
    assert_eq!(publish("one").ends_with(0).out, first.out);
    publish("two").ends_with(3).saying("409");
}

#[test]
fn what_the_server_refuses_is_told_with_what_to_do() {
    let tokens = Config { publishing: Publishing::token("secret"), ..quick() };
    let site = Site::with(tokens, |hub| Router::new().nest("/live", live_axum::routes(hub)));
    let post = ["publish", "blog", "--id", "1", "--text", "x"];
    run(site.live(&post), "").ends_with(3).saying("401").saying("LIVE_PUBLISH_TOKEN");
    run(site.live(&[&post[..], &["--token", "wrong"]].concat()), "").ends_with(3);
    let mut with_token = site.live(&post);
    with_token.env("LIVE_PUBLISH_TOKEN", "secret");
    run(with_token, "").ends_with(0);
    let folder = Folder::new();
    let file = folder.write("tokens", "secret\nthe-next-one\n");
    run(site.live(&[&post[..], &["--token-file", &file]].concat()), "").ends_with(0);
    run(site.live(&[&post[..], &["--token-file", &folder.path("none")]].concat()), "").ends_with(2);

    let elsewhere = format!("http://{}/elsewhere", site.address);
    run(site.live(&[&post[..], &["--server", &elsewhere]].concat()), "")
        .ends_with(3)
        .saying("404")
        .saying("prefix")
        .saying("--publish-token");
    let mut unclosed = site.live(&["publish", "blog", "--id", "2", "--html", "</div><p>"]);
    unclosed.env("LIVE_PUBLISH_TOKEN", "secret");
    run(unclosed, "").ends_with(3).saying("data-post-id");
    assert_eq!(site.ids("blog"), ["1"]);
}

#[test]
fn a_wrong_command_line_ends_with_2_and_a_server_that_is_not_there_with_4() {
    let site = Site::stopped(&quick());
    for wrong in [
        &["publish"][..],
        &["publish", "a/b", "--text", "x"],
        &["publish", "blog", "--id", "7"],
        &["publish", "blog", "--id", "<", "--text", "x"],
        &["publish", "blog", "--text", "x", "--html", "y"],
        &["publish", "blog", "--text", "x", "--lines"],
        &["publish", "blog", "--hidden"],
        &["publish", "blog", "--text", "x", "--server", "ftp://example.org"],
        &["publish", "blog", "--text", "x", "--deadline", "soon"],
    ] {
        run(site.live(wrong), "").ends_with(2);
    }
    let ran = run(site.live(&["publish", "blog", "--text", "x", "--deadline", "700ms"]), "").ends_with(4);
    assert!(ran.err.contains("cannot reach http://127.0.0.1") && !ran.err.contains("may be stored"), "{ran:?}");
}

#[test]
fn a_secret_is_not_repeated_by_whoever_refuses_it() {
    let site = Site::start();
    let post = ["publish", "blog", "--text", "x"];
    let told = |more: &[&str], environment: &[(&str, &str)], name: &str| {
        let mut command = site.live(&[&post[..], more].concat());
        command.envs(environment.iter().copied());
        let ran = run(command, "").ends_with(2).saying(name);
        assert!(!format!("{ran:?}").contains("hush"), "{ran:?}");
    };
    told(&["--token", "my hush"], &[], "--token: a token is visible ASCII");
    told(&[], &[("LIVE_PUBLISH_TOKEN", "my hush")], "LIVE_PUBLISH_TOKEN: a token is visible ASCII");
    told(&["--server", "http://me:hush@h"], &[], "--server: a server has neither query nor user");
    told(&[], &[("LIVE_SERVER", "http://me:hush@h")], "LIVE_SERVER: a server has neither query nor user");
    told(&["--token", ""], &[], "--token: a token is visible ASCII");
    let mut bench = site.live(&["bench", "http://me:hush@h"]);
    bench.env("LIVE_PUBLISH_TOKEN", "hush");
    let ran = run(bench, "").ends_with(2).saying("a server has neither query nor user");
    assert!(!format!("{ran:?}").contains("hush"), "{ran:?}");
    for name in ["publish", "replay", "watch"] {
        let mut help = site.live(&[name, "--help"]);
        help.envs([("LIVE_SERVER", "http://me:hush@h"), ("LIVE_PUBLISH_TOKEN", "hush")]);
        let ran = run(help, "").ends_with(0);
        let words = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(!words.contains("hush") && words.contains("[env: LIVE_SERVER]"), "{words}");
    }
}

#[test]
fn an_empty_variable_says_nothing() {
    let site = Site::start();
    let url = site.url();
    let mut publish = command(&["publish", "blog", "--id", "1", "--text", "x", "--server", &url]);
    let empty = ["LIVE_PUBLISH_TOKEN", "LIVE_PUBLISH_TOKEN_FILE", "LIVE_CA_FILE", "LIVE_SERVER"];
    publish.envs(empty.map(|name| (name, "")));
    run(publish, "").ends_with(0);
    assert_eq!(site.ids("blog"), ["1"]);
    // The default server, where perhaps nobody listens; the command line is right.
    let mut watch = command(&["watch", "blog", "--once", "--deadline", "1ms"]);
    watch.envs(empty.map(|name| (name, "")));
    let code = run(watch, "").code;
    assert!([0, 4].contains(&code), "{code}");
}

#[test]
fn a_text_that_is_too_long_is_refused_and_not_cut() {
    let site = Site::start();
    let text = "x".repeat((32 << 20) + 1);
    let ran = run(site.live(&["publish", "blog", "--id", "1", "--text", "-"]), &text).ends_with(5);
    ran.saying("standard input: longer than 33554432 bytes");
    assert!(site.ids("blog").is_empty());
}

#[test]
fn a_server_that_comes_later_gets_the_post() {
    let mut site = Site::stopped(&quick());
    let publishing = Running::start(site.live(&["publish", "blog", "--id", "1", "--text", "x"]));
    publishing.says("trying again");
    site.serve(quick(), |hub| Router::new().nest("/live", live_axum::routes(hub)));
    publishing.finish().ends_with(0);
    assert_eq!(site.ids("blog"), ["1"]);
}

#[test]
fn an_answer_that_is_lost_is_asked_for_again_with_the_same_key_and_counts_once() {
    let keys = Arc::new(Mutex::new(Vec::new()));
    let (seen, attempts) = (Arc::clone(&keys), Arc::new(AtomicUsize::new(0)));
    let site = Site::with(quick(), move |hub| {
        let lossy = move |request: Request| {
            seen.lock().unwrap().push(key_of(request.headers()));
            let attempt = attempts.fetch_add(1, Ordering::SeqCst);
            lose_the_first(hub.clone(), request, attempt)
        };
        Router::new().route("/live/publish/blog/", post(lossy))
    });
    let ran = run(site.live(&["publish", "blog", "--id", "1", "--text", "x"]), "").ends_with(0);
    let ran = ran.saying("503").saying("trying again");
    let keys = keys.lock().unwrap();
    assert_eq!(keys.len(), 2);
    assert!(keys[0].is_some() && keys[0] == keys[1], "{keys:?}");
    // Had it counted twice, the page would be further than the first answer.
    assert_eq!(ran.out.trim_end(), site.cursor("blog"));
}

/// Publishes all the same; a proxy in between has given up.
async fn lose_the_first(hub: Hub, request: Request, attempt: usize) -> Response {
    let answer = live_axum::respond(&hub, Route::Publish(ChannelId::new("blog").unwrap()), request).await;
    if attempt > 0 {
        return answer;
    }
    assert_eq!(answer.status(), StatusCode::OK);
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "0")], "gone").into_response()
}

fn key_of(headers: &HeaderMap) -> Option<String> {
    headers.get("idempotency-key").map(|key| key.to_str().unwrap().to_owned())
}

#[test]
fn a_server_that_stays_busy_is_given_up_after_the_deadline() {
    let busy = |_: Hub| {
        let answer = || async { (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "60")], "too many\n") };
        Router::new().route("/live/publish/blog/", post(answer))
    };
    let site = Site::with(quick(), busy);
    let ran = run(site.live(&["publish", "blog", "--text", "x", "--deadline", "20s"]), "").ends_with(4);
    ran.saying("429: too many").saying("its idempotency key is");
}

#[test]
fn the_help_shows_how_to_begin() {
    let ran = run(command(&["publish", "--help"]), "").ends_with(0);
    assert!(
        ran.out.contains("tail -f app.log | live publish blog --lines") && ran.out.contains("Exit codes"),
        "{ran:?}"
    );
}
