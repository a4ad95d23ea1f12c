//! `live watch`.

use axum::Router;
use live_axum::{Transport, Update};

use super::{
    command::{Running, run},
    site::{Site, quick, render},
};

fn routes(hub: live_axum::Hub) -> Router {
    Router::new().nest("/live", live_axum::routes(hub))
}

/// A reader that is connected.
fn watch(site: &Site, transport: Transport, arguments: &[&str]) -> Running {
    let transport = transport.name();
    let arguments = [&["watch", "blog", "--transport", transport], arguments].concat();
    let watching = Running::start(site.live(&arguments));
    watching.says(&format!("blog at {} over {transport}", site.url()));
    watching
}

#[test]
fn every_transport_shows_the_same_posts() {
    let site = Site::start();
    site.publish("blog", Update::replace([render("1", "<p>one</p>"), render("2", "<p>two</p>")]));
    let readers = Transport::ALL.map(|transport| watch(&site, transport, &["--all"]));
    let shown = |lines: &[&str]| {
        for reader in &readers {
            assert_eq!(lines.iter().map(|_| reader.line()).collect::<Vec<_>>(), lines);
        }
    };
    shown(&["+ 1  one", "+ 2  two"]);
    site.post("blog", "3", "<p>Tom &amp; <b>Je</b>rry</p><script>x</script>");
    shown(&["+ 3  Tom & Jerry"]);
    site.post("blog", "1", "<p>one, corrected</p>");
    shown(&["~ 1  one, corrected"]);
    site.publish("blog", Update::new().remove(live_axum::PostId::new("2").unwrap()));
    shown(&["- 2  (removed)"]);
}

#[test]
fn every_transport_goes_on_where_it_was_after_a_restart() {
    let mut site = Site::start();
    site.publish("blog", Update::replace([render("1", "one")]));
    let readers = Transport::ALL.map(|transport| watch(&site, transport, &["--all"]));
    for reader in &readers {
        assert_eq!(reader.line(), "+ 1  one");
    }
    site.stop();
    site.post("blog", "2", "while nobody listened");
    site.serve(quick(), routes);
    site.post("blog", "3", "and after");
    for reader in &readers {
        assert_eq!([reader.line(), reader.line()], ["+ 2  while nobody listened", "+ 3  and after"]);
    }
}

#[test]
fn after_a_restart_a_reader_asks_from_its_cursor_and_not_for_everything() {
    let mut site = Site::start();
    site.publish("blog", Update::replace([render("1", "one")]));
    let readers = Transport::ALL.map(|transport| watch(&site, transport, &["--json", "--all"]));
    let next = |reader: &Running, id: &str| loop {
        let frame: serde_json::Value = serde_json::from_str(&reader.line()).unwrap();
        if frame["renders"].get(id).is_some() {
            return frame;
        }
    };
    let second = site.post("blog", "2", "two");
    for reader in &readers {
        assert_eq!(next(reader, "2")["cursor"], second.as_str());
    }
    site.stop();
    let third = site.post("blog", "3", "three");
    site.serve(quick(), routes);
    for reader in &readers {
        let frame = next(reader, "3");
        assert_eq!(frame["cursor"], third.as_str());
        // The frame may overlap with what the reader has, but it is none that begins anew.
        assert!(frame.get("reset").is_none(), "{frame}");
    }
}

#[test]
fn json_is_every_frame_as_it_came() {
    let site = Site::start();
    let first = site.post("blog", "1", "one");
    let watching = watch(&site, Transport::WebSocket, &["--json", "--cursor", &first]);
    let hello: serde_json::Value = serde_json::from_str(&watching.line()).unwrap();
    assert_eq!(hello, serde_json::json!({"renders": {}, "removals": [], "cursor": first, "prev": first}));
    let second = site.post("blog", "2", "two");
    let frame: serde_json::Value = serde_json::from_str(&watching.line()).unwrap();
    assert_eq!((&frame["prev"], &frame["cursor"]), (&first.into(), &second.into()));
    assert_eq!(frame["renders"]["2"]["content"], "<div data-post-id=\"2\">two</div>");
}

#[test]
fn what_one_page_shows_can_be_published_to_another() {
    let site = Site::start();
    site.publish("a", Update::replace([render("1", "one"), render("2", "two")]));
    let frames = run(site.live(&["watch", "a", "--all", "--once", "--json"]), "").ends_with(0);
    run(site.live(&["publish", "b"]), &frames.out).ends_with(0);
    assert_eq!(site.posts("b"), site.posts("a"));
}

#[test]
fn a_reader_that_looks_once_ends_on_every_transport_whatever_there_is() {
    let site = Site::start();
    for transport in Transport::ALL {
        let look = |more: &[&str]| {
            run(site.live(&[&["watch", "blog", "--once", "--transport", transport.name()], more].concat()), "")
        };
        assert_eq!(look(&[]).ends_with(0).out, "", "{transport}");
    }
    let cursor = site.post("blog", "1", "one");
    for transport in Transport::ALL {
        let look = |more: &[&str]| {
            run(site.live(&[&["watch", "blog", "--once", "--transport", transport.name()], more].concat()), "")
        };
        assert_eq!(look(&[]).ends_with(0).out, "+ 1  one\n", "{transport}");
        assert_eq!(look(&["--cursor", &cursor]).ends_with(0).out, "", "{transport}");
    }
}

#[test]
fn a_reader_that_counts_ends_with_the_last_frame_that_changed_something() {
    let site = Site::start();
    let watching = watch(&site, Transport::Sse, &["--count", "2"]);
    site.post("blog", "1", "one");
    assert_eq!(watching.line(), "+ 1  one");
    site.post("blog", "2", "two");
    assert_eq!(watching.finish().ends_with(0).out, "+ 2  two\n");
}

#[test]
fn it_ends_when_nobody_reads_on() {
    let site = Site::start();
    site.post("blog", "1", "one");
    let watching = Running::start_for_one_line(site.live(&["watch", "blog"]));
    assert_eq!(watching.line(), "+ 1  one");
    // No second post is needed to find out.
    site.has_readers(0);
    watching.finish().ends_with(0);
}

#[test]
fn it_ends_with_ctrl_c_and_leaves_the_server_at_once() {
    let site = Site::start();
    for transport in Transport::ALL {
        let watching = watch(&site, transport, &[]);
        watching.interrupt();
        watching.finish().ends_with(0);
        if transport != Transport::IntervalPolling {
            site.has_readers(0);
        }
    }
}

#[test]
fn what_will_not_get_better_ends_it_and_what_may_is_tried_until_the_deadline() {
    let mut site = Site::start();
    let elsewhere = format!("http://{}/elsewhere", site.address);
    for transport in Transport::ALL {
        let arguments = ["watch", "blog", "--transport", transport.name(), "--server", &elsewhere];
        run(site.live(&arguments), "").ends_with(3).saying("404");
    }
    run(site.live(&["watch", "blog", "--cursor", "yesterday"]), "").ends_with(2);
    run(site.live(&["watch", "blog", "--transport", "pigeon"]), "").ends_with(2).saying("interval-polling");
    site.stop();
    for transport in Transport::ALL {
        let arguments = ["watch", "blog", "--transport", transport.name(), "--deadline", "300ms"];
        run(site.live(&arguments), "").ends_with(4).saying("cannot reach");
    }
}

#[test]
fn a_reader_is_told_of_a_reset_only_by_what_is_different() {
    let mut site = Site::start();
    site.publish("blog", Update::replace([render("1", "one"), render("2", "two")]));
    let watching = watch(&site, Transport::WebSocket, &["--all"]);
    assert_eq!([watching.line(), watching.line()], ["+ 1  one", "+ 2  two"]);
    site.stop();
    // Another log: nobody knows the reader's cursor.
    let mut other = Site::stopped(&quick());
    (other.address, other.port) = (site.address, None);
    other.publish("blog", Update::replace([render("2", "two"), render("3", "three")]));
    other.serve(quick(), routes);
    watching.says("the page begins anew, with 2 posts");
    assert_eq!([watching.line(), watching.line()], ["- 1  (removed)", "+ 3  three"]);
}
