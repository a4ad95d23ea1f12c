//! `live replay`.

use std::fmt::Write as _;

use super::{
    command::{Running, run},
    site::Site,
};
use crate::files::Folder;

/// Lines that go back in time now and then, with edits and removals in between.
fn generated(lines: usize) -> (String, Vec<String>) {
    let (mut text, mut shown) = (String::new(), Vec::new());
    for number in 0..lines {
        let at = if number % 97 == 0 { 0 } else { number };
        match number % 50 {
            48 => {
                let id = shown.remove(shown.len() / 2);
                writeln!(text, "{{\"at\": {at}, \"removals\": [\"{id}\"]}}").unwrap();
            }
            49 => writeln!(text, "{{\"at\": {at}, \"id\": \"{}\", \"html\": \"<i>edited</i>\"}}", shown[0]).unwrap(),
            _ => {
                let id = format!("p{number}");
                writeln!(text, "{{\"at\": {at}, \"id\": \"{id}\", \"speaker\": \"CDR\", \"text\": \"{number}\"}}")
                    .unwrap();
                shown.push(id);
            }
        }
    }
    (text, shown)
}

fn size() -> usize {
    let long = std::env::var("LIVE_TEST_SIZE").is_ok_and(|size| size == "long");
    if long { 8_415 } else { 1_000 }
}

#[test]
fn a_file_ends_in_the_page_that_it_tells_of() {
    let site = Site::start();
    let (text, shown) = generated(size());
    let folder = Folder::new();
    let script = folder.write("moon.jsonl", &text);
    let ran = run(site.live(&["replay", &script, "blog", "--speed", "max"]), "").ends_with(0);
    assert_eq!(site.ids("blog"), shown);
    assert_eq!(site.posts("blog")[0].1.as_deref(), Some("<div data-post-id=\"p0\"><i>edited</i></div>"));
    assert_eq!(ran.out.trim_end(), site.cursor("blog"));
    ran.saying(&format!("{0} of {0} lines", size())).saying(" updates, ");
}

#[test]
fn the_channel_is_named_by_the_file_and_the_first_line_can_be_chosen() {
    let site = Site::start();
    let folder = Folder::new();
    let script = folder.write(
        "moon.jsonl",
        "{\"id\": 1, \"text\": \"a\"}\n\n{\"id\": 2, \"text\": \"b\"}\n{\"id\": 3, \"text\": \"c\"}\n",
    );
    run(site.live(&["replay", &script, "--from", "3"]), "").ends_with(0).saying("2 lines of");
    assert_eq!(site.ids("moon"), ["2", "3"]);
}

#[test]
fn a_mistake_in_the_last_line_is_found_before_the_first_is_published() {
    let site = Site::start();
    let folder = Folder::new();
    let script = folder.write("moon.jsonl", "{\"id\": 1, \"text\": \"a\"}\n{\"id\": 2}\n");
    run(site.live(&["replay", &script, "blog"]), "").ends_with(5).saying("line 2: post \"2\" has neither");
    assert_eq!(site.ids("blog"), [""; 0]);
    run(site.live(&["replay", &script, "blog", "--from", "9"]), "").ends_with(5);
    run(site.live(&["replay", "no-such-file"]), "").ends_with(1).saying("cannot read no-such-file");
    run(site.live(&["replay", &script, "--speed", "fast"]), "").ends_with(2);
    run(site.live(&["replay", "/dev/null", "blog"]), "").ends_with(2).saying("live publish");
}

#[test]
fn a_replay_that_was_stopped_says_how_to_go_on() {
    let site = Site::start();
    let folder = Folder::new();
    let script = folder.write("moon.jsonl", "{\"at\": 0, \"id\": 1, \"text\": \"a\"}\n{\"at\": 0, \"id\": 2, \"text\": \"b\"}\n{\"at\": 9999, \"id\": 3, \"text\": \"c\"}\n",
    );
    let arguments = ["replay", &script, "blog", "--speed", "1x", "--longest-pause", "1h"];
    let replaying = Running::start(site.live(&arguments));
    replaying.says("2 of 3 lines");
    replaying.interrupt();
    replaying.finish().ends_with(130).saying("stopped; go on with --from 3");
    assert_eq!(site.ids("blog"), ["1", "2"]);
    run(site.live(&["replay", &script, "blog", "--from", "3"]), "").ends_with(0);
    assert_eq!(site.ids("blog"), ["1", "2", "3"]);
}

#[test]
fn lines_are_due_as_far_apart_as_it_happened_divided_by_the_speed() {
    let site = Site::start();
    let folder = Folder::new();
    let script = folder
        .write("moon.jsonl", "{\"at\": 10, \"id\": 1, \"text\": \"a\"}\n{\"at\": 12, \"id\": 2, \"text\": \"b\"}\n");
    let began = std::time::Instant::now();
    run(site.live(&["replay", &script, "blog", "--speed", "8x"]), "").ends_with(0).saying("in 2 updates");
    assert!(began.elapsed().as_millis() >= 250, "two seconds at eight times the speed");
}
